// SPDX-License-Identifier: Apache-2.0
// The Dram's distance: from a request to read to its first word.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "accelerator/kit/link_bench.h"
#include "accelerator/kit/rule_monitor.h"

namespace widthwise::test {

class DramRules {
public:
    DramRules(Bench& bench, int latency, const LinkMonitor<DramRequest>& request, const LinkMonitor<Word>& read_data)
        : latency_(static_cast<std::uint64_t>(latency)),
          request_(request),
          read_data_(read_data),
          answer_(
              "dram_answers", bench, std::vector{Rule::answer}, read_data.cycles,
              [this](std::size_t i) { return cause_of_word(i); }, [this] { return read_data_.held(); }) {
        bench.on_restart([this] { next_request_ = 0; });
    }

private:
    std::optional<std::uint64_t> cause_of_word(std::size_t i) {
        if (i > 0 && !read_data_.data[i - 1].last) return std::nullopt;
        while (next_request_ < request_.count() && request_.data[next_request_].write) ++next_request_;
        if (next_request_ == request_.count()) return kNever;
        return request_.cycles[next_request_++] + latency_;
    }

    std::uint64_t latency_;
    const LinkMonitor<DramRequest>& request_;
    const LinkMonitor<Word>& read_data_;
    std::size_t next_request_ = 0;
    RuleMonitor answer_;
};

}  // namespace widthwise::test

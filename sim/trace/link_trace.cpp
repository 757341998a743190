// SPDX-License-Identifier: Apache-2.0
#include "trace/link_trace.h"

#include <fmt/format.h>

#include <utility>

#include "text/printable.h"

namespace widthwise {

LinkTraceWriter::LinkTraceWriter(const std::string& path, WaveLimits limits) : limits_(std::move(limits)), file_(path) {
    limits_.validate();
    file_.write("cycle\tlink\tvalid\tready\tdata\n");
}

void LinkTraceWriter::begin(const WaveList& list, const ClockEdges& /*edges*/) {
    gate_.emplace(limits_, list);
    links_ = list.links();
    shown_.assign(links_.size(), "");
}

void LinkTraceWriter::sample(std::uint64_t cycle) {
    if (finished_) return;
    if (cycle + 1 >= limits_.end_cycle) finished_ = true;
    if (!gate_->open(cycle)) return;
    ++recorded_cycles_;
    for (std::size_t i = 0; i < links_.size(); ++i) {
        const TracedLink& link = *links_[i];
        std::string line = fmt::format("\t{}\t{:d}\t{:d}\t{}\n", link.traced_name(), link.is_valid(), link.is_ready(),
                                       link.is_valid() ? printable(link.data_text()) : "");
        if (line == shown_[i]) continue;
        file_.write(fmt::format("{}{}", cycle, line));
        shown_[i] = std::move(line);
    }
}

void LinkTraceWriter::close() {
    finished_ = true;
    file_.close();
}

}  // namespace widthwise

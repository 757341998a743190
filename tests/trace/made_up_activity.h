// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "trace/activity.h"

namespace widthwise::test {

/// What a model tells of its work, set by hand.
struct MadeUpActivity : Activity {
    std::optional<std::int32_t> now_layer, now_batch;
    [[nodiscard]] std::string_view phase() const override { return "COMPUTE"; }
    [[nodiscard]] std::optional<std::int32_t> layer() const override { return now_layer; }
    [[nodiscard]] std::optional<std::int32_t> batch() const override { return now_batch; }
    [[nodiscard]] bool computes() const override { return false; }
    [[nodiscard]] std::string_view stall() const override { return ""; }
    [[nodiscard]] std::int64_t elements() const override { return 0; }
    [[nodiscard]] bool drains() const override { return false; }
    [[nodiscard]] bool fills() const override { return false; }
    [[nodiscard]] std::string_view transfer() const override { return ""; }
    [[nodiscard]] std::int64_t overflow_events() const override { return 0; }
};

}  // namespace widthwise::test

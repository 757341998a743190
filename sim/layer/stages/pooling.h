// SPDX-License-Identifier: Apache-2.0
// The stage of the PoolUnit.
#pragma once

#include <cstdint>
#include <vector>

#include "arithmetic/pooling.h"
#include "arithmetic/requantize.h"
#include "layer/fields.h"
#include "network/network.h"
#include "record/record.h"

namespace widthwise {

struct Pooling {
    int operator_index = 0;  ///< into Network::operators
    Window window;
    bool is_max = true;
    bool counts_padding = false;
    AverageRule rule;
    int input_zero_point = 0;
    float input_scale = 1.0F;
    float output_scale = 1.0F;
    RequantFormat format;
    std::vector<RequantScale> scales;  ///< average pooling: by number of pixels, of those that occur
};

template <FieldsOf<Pooling> Self, typename Visitor>
void visit_fields(Self& self, Visitor&& visit) {
    auto& [operator_index, window, is_max, counts_padding, rule, input_zero_point, input_scale, output_scale, format,
           scales] = self;
    visit("operator_index", operator_index, Role::values);
    visit("window", window, Role::values);
    visit("is_max", is_max, Role::values);
    visit("counts_padding", counts_padding, Role::values);
    visit("rule", rule, Role::values);
    visit("input_zero_point", input_zero_point, Role::values);
    visit("input_scale", input_scale, Role::values);
    visit("output_scale", output_scale, Role::values);
    visit("format", format, Role::values);
    visit("scales", scales, Role::values);
}

/// What a complete window becomes.
inline int pooled(const Pooling& stage, const PoolPartial& window) {
    if (stage.is_max) return pool_maximum(window, stage.format);
    const int divisor = stage.counts_padding ? stage.window.kernel_height * stage.window.kernel_width : window.pixels;
    return pool_average(window, divisor, stage.scales[static_cast<std::size_t>(divisor)], stage.format,
                        stage.output_scale, stage.rule);
}

/// Events of `windows` windows that hold `pixels` pixels in all.
inline void count_pooling(const Pooling& stage, EventCounts& events, std::uint64_t pixels, std::uint64_t windows) {
    if (stage.is_max) count_max_pooling(events, pixels, windows);
    else count_average_pooling(events, stage.format.mode, stage.rule, pixels, windows);
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// The fields of what describes a layer, one after the other: what is digested, and what tests change, is this list. Each
// list binds all members of its type, so that a new member does not compile until it stands here with its role.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

#include "arithmetic/accumulator.h"
#include "arithmetic/pooling.h"
#include "arithmetic/quantization.h"
#include "arithmetic/requantize.h"
#include "arithmetic/residual.h"
#include "network/network.h"

namespace widthwise {

/// What a field is for.
enum class Role : std::uint8_t {
    values,      ///< decides what values a layer makes of its input, and what it counts of them
    map_values,  ///< the same, but in a fully connected layer only where its values lie
    elsewhere,   ///< names, places, times: values are equal whatever it is
};

/// `Self` is `Type`, const or not.
template <typename Self, typename Type>
concept FieldsOf = std::same_as<std::remove_const_t<Self>, Type>;

template <FieldsOf<Shape> Self, typename Visitor>
void visit_fields(Self& self, Visitor&& visit) {
    auto& [channels, height, width] = self;
    visit("channels", channels, Role::values);
    visit("height", height, Role::values);
    visit("width", width, Role::values);
}

/// Of an input: what its integers stand for, the scale, is part of factors.
template <FieldsOf<Quantization> Self, typename Visitor>
void visit_fields(Self& self, Visitor&& visit) {
    auto& [is_signed, bits, zero_point, scale] = self;
    visit("is_signed", is_signed, Role::values);
    visit("bits", bits, Role::values);
    visit("zero_point", zero_point, Role::values);
    visit("scale", scale, Role::elsewhere);
}

template <FieldsOf<Window> Self, typename Visitor>
void visit_fields(Self& self, Visitor&& visit) {
    auto& [kernel_height, kernel_width, stride_height, stride_width, pad_top, pad_left, pad_bottom, pad_right,
           dilation_height, dilation_width] = self;
    visit("kernel_height", kernel_height, Role::values);
    visit("kernel_width", kernel_width, Role::values);
    visit("stride_height", stride_height, Role::values);
    visit("stride_width", stride_width, Role::values);
    visit("pad_top", pad_top, Role::values);
    visit("pad_left", pad_left, Role::values);
    visit("pad_bottom", pad_bottom, Role::values);
    visit("pad_right", pad_right, Role::values);
    visit("dilation_height", dilation_height, Role::values);
    visit("dilation_width", dilation_width, Role::values);
}

template <FieldsOf<RequantFormat> Self, typename Visitor>
void visit_fields(Self& self, Visitor&& visit) {
    auto& [mode, rounding, multiplier_bits, zero_point, clamp_low, clamp_high] = self;
    visit("mode", mode, Role::values);
    visit("rounding", rounding, Role::values);
    visit("multiplier_bits", multiplier_bits, Role::values);
    visit("zero_point", zero_point, Role::values);
    visit("clamp_low", clamp_low, Role::values);
    visit("clamp_high", clamp_high, Role::values);
}

template <FieldsOf<RequantScale> Self, typename Visitor>
void visit_fields(Self& self, Visitor&& visit) {
    auto& [multiplier, shift, divisor, factor, real_divisor] = self;
    visit("multiplier", multiplier, Role::values);
    visit("shift", shift, Role::values);
    visit("divisor", divisor, Role::values);
    visit("factor", factor, Role::values);
    visit("real_divisor", real_divisor, Role::values);
}

template <FieldsOf<AverageRule> Self, typename Visitor>
void visit_fields(Self& self, Visitor&& visit) {
    auto& [sum, relabelling] = self;
    visit("sum", sum, Role::values);
    visit("relabelling", relabelling, Role::values);
}

template <FieldsOf<ResidualOperand> Self, typename Visitor>
void visit_fields(Self& self, Visitor&& visit) {
    auto& [zero_point, multiplier, scale, relabelling, ratio] = self;
    visit("zero_point", zero_point, Role::values);
    visit("multiplier", multiplier, Role::values);
    visit("scale", scale, Role::values);
    visit("relabelling", relabelling, Role::values);
    visit("ratio", ratio, Role::values);
}

template <FieldsOf<ResidualFormat> Self, typename Visitor>
void visit_fields(Self& self, Visitor&& visit) {
    auto& [sum, a, b, shift, relabelling, offset, output_scale, output] = self;
    visit("sum", sum, Role::values);
    visit("a", a, Role::values);
    visit("b", b, Role::values);
    visit("shift", shift, Role::values);
    visit("relabelling", relabelling, Role::values);
    visit("offset", offset, Role::values);
    visit("output_scale", output_scale, Role::values);
    visit("output", output, Role::values);
}

}  // namespace widthwise

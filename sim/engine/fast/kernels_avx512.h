// SPDX-License-Identifier: Apache-2.0
// AVX-512 (F, BW, VL, VNNI) forms of the kernels; call them only where avx512_available().
#pragma once

#include "engine/fast/kernels.h"

namespace widthwise::fast {

bool avx512_available();
void gather_quads_avx512(std::span<const LaneBytes* const> taps, bool flip, LaneQuads* quads);
void dot_quads_avx512(const LaneQuads* quads, int groups, const std::int8_t* weights, int channels, LaneInts* sums);
bool prefixes_may_leave_avx512(const LaneQuads* quads, int groups, const BoundedChannel& channel, std::int32_t low,
                               std::int32_t high);
void widen_avx512(std::span<const LaneBytes* const> taps, bool is_signed, LaneShorts* wide);
void ordered_sums_avx512(Products products, const AccumulatorFormat& format, const LaneShorts* wide, int taps,
                         std::span<const OrderedChannel> channels);
void requantize_integer_avx512(const LaneInts* sums, std::span<const IntegerScale> channels,
                               const RequantFormat& format, LaneBytes* out, std::ptrdiff_t stride);

}  // namespace widthwise::fast

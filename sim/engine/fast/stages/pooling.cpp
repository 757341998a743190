// SPDX-License-Identifier: Apache-2.0
#include "engine/fast/stages/pooling.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "arithmetic/vector_clones.h"

namespace widthwise::fast {

namespace {

/// Bytes of one pixel: of four channels and of all images.
constexpr int kMostBytes = kWordChannels * kMostImages;

WIDTHWISE_VECTOR_CLONES
void take_larger(const std::uint8_t* pixel, std::uint8_t* largest, int bytes) {
    for (int i = 0; i < bytes; ++i) largest[i] = pixel[i] > largest[i] ? pixel[i] : largest[i];
}

WIDTHWISE_VECTOR_CLONES
void add_integers(const std::uint8_t* pixel, std::int32_t offset, std::int32_t* sums, int bytes) {
    for (int i = 0; i < bytes; ++i) sums[i] += pixel[i] - offset;
}

WIDTHWISE_VECTOR_CLONES
void add_reals(const std::uint8_t* pixel, std::int32_t offset, float scale, float* sums, int bytes) {
    for (int i = 0; i < bytes; ++i) sums[i] += static_cast<float>(pixel[i] - offset) * scale;
}

}  // namespace

LanePooling::LanePooling(const LayerSchedule& layer, const StoredRange& values)
    : layer_(layer), values_(values), results_(range_of(layer.pooling->format)) {}

LanePooling::Pixels LanePooling::pixels_of(int y, int x) const {
    const Window& w = layer_.pooling->window;
    const int top = y * w.stride_height - w.pad_top;
    const int left = x * w.stride_width - w.pad_left;
    return {std::max(0, top), std::min(layer_.sums.height, top + w.kernel_height), std::max(0, left),
            std::min(layer_.sums.width, left + w.kernel_width)};
}

template <typename Visitor>
void LanePooling::for_each_pixel(const BlockMap& map, int group, const Pixels& pixels, Visitor&& visit) const {
    const auto step = static_cast<std::ptrdiff_t>(map.images()) * kWordChannels;
    for (int y = pixels.first_y; y < pixels.end_y; ++y) {
        const std::uint8_t* row = map.group(group) + std::ptrdiff_t{y} * layer_.sums.width * step;
        for (int x = pixels.first_x; x < pixels.end_x; ++x) visit(row + x * step);
    }
}

void LanePooling::take_maximum(const BlockMap& map, int group, const Pixels& pixels, std::uint8_t* output) const {
    const int bytes = map.images() * kWordChannels;
    std::array<std::uint8_t, kMostBytes> largest{};
    for_each_pixel(map, group, pixels, [&](const std::uint8_t* pixel) { take_larger(pixel, largest.data(), bytes); });
    const RequantFormat& format = layer_.pooling->format;
    if (format.clamp_low <= values_.low && format.clamp_high >= values_.high &&
        results_.is_signed == values_.is_signed) {
        std::memcpy(output, largest.data(), static_cast<std::size_t>(bytes));
        return;
    }
    for (int i = 0; i < bytes; ++i) {
        PoolPartial partial;
        partial.maximum = values_.value(largest[i]);
        output[i] = results_.byte(pool_maximum(partial, format));
    }
}

void LanePooling::take_average(const BlockMap& map, int group, const Pixels& pixels, std::uint8_t* output) const {
    const Pooling& stage = *layer_.pooling;
    const int bytes = map.images() * kWordChannels;
    const std::int32_t offset = values_.offset() + stage.input_zero_point;
    std::array<std::int32_t, kMostBytes> sums{};
    std::array<float, kMostBytes> reals{};
    if (stage.rule.of_integers()) {
        for_each_pixel(map, group, pixels,
                       [&](const std::uint8_t* pixel) { add_integers(pixel, offset, sums.data(), bytes); });
    } else {
        for_each_pixel(map, group, pixels, [&](const std::uint8_t* pixel) {
            add_reals(pixel, offset, stage.input_scale, reals.data(), bytes);
        });
    }
    for (int i = 0; i < bytes; ++i) {
        const PoolPartial partial{pixels.count(), 0, sums[i], reals[i]};
        output[i] = results_.byte(pooled(stage, partial));
    }
}

void LanePooling::run(const BlockMap& map, BlockMap& output) const {
    const LayerSchedule& l = layer_;
    output.reshape(l.output, map.images(), results_.is_signed);
    for (int group = 0; group < output.groups(); ++group) {
        std::uint8_t* at = output.group(group);
        for (int y = 0; y < l.output.height; ++y) {
            for (int x = 0; x < l.output.width; ++x, at += map.images() * kWordChannels) {
                if (l.pooling->is_max) take_maximum(map, group, pixels_of(y, x), at);
                else take_average(map, group, pixels_of(y, x), at);
            }
        }
    }
}

}  // namespace widthwise::fast

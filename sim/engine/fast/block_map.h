// SPDX-License-Identifier: Apache-2.0
// A feature map of a block of images, as the fast engine keeps it, and what reads its bytes.
//
// A word is four channels of one pixel of one image, the form in which dot-product instructions take their operands.
// The words of four channels lie pixel after pixel, row by row, and within a pixel image after image, so that a
// vector of words holds as many images, or as many pixels, as there are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "arithmetic/requantize.h"
#include "engine/fast/aligned_vector.h"
#include "engine/fast/kernels.h"
#include "schedule/schedule.h"

namespace widthwise::fast {

/// Images of a block, at most.
inline constexpr int kMostImages = 32;
/// What is added to a two's complement byte, so that all stored bytes are unsigned and keep their order.
inline constexpr int kSignOffset = 128;

/// What stored bytes stand for, and between which integers they lie.
struct StoredRange {
    bool is_signed = false;
    int low = 0;
    int high = 0;
    [[nodiscard]] int offset() const { return is_signed ? kSignOffset : 0; }
    [[nodiscard]] int value(std::uint8_t byte) const { return int{byte} - offset(); }
    [[nodiscard]] std::uint8_t byte(int value) const { return static_cast<std::uint8_t>(value + offset()); }
};

/// Of what a stage with this format puts out. A byte is a two's complement number if one can be negative; else both
/// readings agree.
inline StoredRange range_of(const RequantFormat& format) {
    return {format.clamp_low < 0, format.clamp_low, format.clamp_high};
}
/// Of a layer's input: signed integers behind a ReLU are not, here.
inline StoredRange range_of_input(const LayerSchedule& layer) {
    const Quantization& quantization = layer.input_quantization;
    return {layer.input_may_be_negative, quantization.low(), quantization.high()};
}

class BlockMap {
public:
    /// `value_bytes`: more than 1 for sums that leave, whose bytes count as channels of their own. What it holds then
    /// is not specified, but for channels that fill up the last word: those are 0 as long as nobody writes them.
    void reshape(const Shape& shape, int images, bool is_signed, int value_bytes = 1);

    [[nodiscard]] const Shape& shape() const { return shape_; }
    [[nodiscard]] int images() const { return images_; }
    [[nodiscard]] bool is_signed() const { return is_signed_; }
    [[nodiscard]] int value_bytes() const { return value_bytes_; }
    /// Groups of four channels.
    [[nodiscard]] int groups() const { return (shape_.channels * value_bytes_ + kWordChannels - 1) / kWordChannels; }
    /// Words of one group.
    [[nodiscard]] std::size_t words() const { return pixels() * static_cast<std::size_t>(images_); }
    [[nodiscard]] std::size_t pixels() const {
        return static_cast<std::size_t>(shape_.height) * static_cast<std::size_t>(shape_.width);
    }
    [[nodiscard]] std::uint8_t* group(int group) { return bytes_.data() + offset(group); }
    [[nodiscard]] const std::uint8_t* group(int group) const { return bytes_.data() + offset(group); }
    /// All groups, one after the other.
    [[nodiscard]] std::span<const std::uint8_t> bytes() const { return {bytes_.data(), offset(groups())}; }
    [[nodiscard]] std::size_t capacity() const { return bytes_.capacity(); }
    [[nodiscard]] bool empty() const { return images_ == 0; }

    /// Of a value's byte (with one byte a value: of the value).
    [[nodiscard]] std::size_t at(int channel, std::size_t pixel, int image) const {
        return offset(channel / kWordChannels) +
               (pixel * static_cast<std::size_t>(images_) + static_cast<std::size_t>(image)) * kWordChannels +
               static_cast<std::size_t>(channel % kWordChannels);
    }
    [[nodiscard]] std::uint8_t operator[](std::size_t at) const { return bytes_[at]; }
    [[nodiscard]] std::uint8_t& operator[](std::size_t at) { return bytes_[at]; }

    /// Of an image, as it is stored outside: CHW, a value's bytes together, two's complement.
    [[nodiscard]] std::size_t image_bytes() const {
        return static_cast<std::size_t>(shape_.elements()) * static_cast<std::size_t>(value_bytes_);
    }
    void put_image(int image, std::span<const std::uint8_t> bytes);  ///< one byte a value
    void take_image(int image, std::span<std::uint8_t> bytes) const;

    friend bool operator==(const BlockMap& a, const BlockMap& b);

private:
    [[nodiscard]] std::size_t offset(int group) const {
        return static_cast<std::size_t>(group) * words() * kWordChannels;
    }

    Shape shape_;
    int images_ = 0;
    bool is_signed_ = false;
    int value_bytes_ = 1;
    AlignedBytes bytes_;
};

/// Of a map of this shape for `images` images, in memory.
std::int64_t map_bytes(const Shape& shape, int images, int value_bytes = 1);

/// `map` with another shape of as many values in CHW order, or as a map of signed or unsigned bytes; `scratch` holds it
/// unless that is what it is.
const BlockMap& viewed_as(const BlockMap& map, const Shape& shape, bool is_signed, BlockMap& scratch);

/// Takes one operator's value of one image of the block: (operator index, image, channel, pixel, value).
using LaneProbe = std::function<void(int, int, int, int, std::int64_t)>;
/// Reports every value of a map.
void report_map(const BlockMap& map, int operator_index, const LaneProbe& probe);

}  // namespace widthwise::fast

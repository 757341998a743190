// SPDX-License-Identifier: Apache-2.0
#include "engine/fast/block_map.h"

#include <algorithm>
#include <cstring>

namespace widthwise::fast {

std::int64_t map_bytes(const Shape& shape, int images, int value_bytes) {
    const std::int64_t groups = (std::int64_t{shape.channels} * value_bytes + kWordChannels - 1) / kWordChannels;
    return groups * kWordChannels * shape.height * shape.width * images;
}

void BlockMap::reshape(const Shape& shape, int images, bool is_signed, int value_bytes) {
    shape_ = shape;
    images_ = images;
    is_signed_ = is_signed;
    value_bytes_ = value_bytes;
    const std::size_t needed = offset(groups());
    if (needed > bytes_.capacity()) bytes_.clear();  // nothing to copy
    bytes_.resize(needed);
    if (shape.channels * value_bytes % kWordChannels != 0)
        std::fill(bytes_.begin() + static_cast<std::ptrdiff_t>(offset(groups() - 1)), bytes_.end(), 0);
}

void BlockMap::put_image(int image, std::span<const std::uint8_t> bytes) {
    const auto flip = static_cast<std::uint8_t>(is_signed_ ? kSignOffset : 0);
    const std::size_t count = pixels();
    const auto step = static_cast<std::size_t>(images_);
    for (int g = 0; g < groups(); ++g) {
        const int channels = std::min(kWordChannels, shape_.channels - g * kWordChannels);
        const std::uint8_t* plane = bytes.data() + static_cast<std::size_t>(g) * kWordChannels * count;
        std::uint8_t* to = group(g) + static_cast<std::size_t>(image) * kWordChannels;
        for (std::size_t i = 0; i < count; ++i, to += step * kWordChannels) {
            std::uint8_t word[kWordChannels] = {};
            for (int c = 0; c < channels; ++c) word[c] = plane[static_cast<std::size_t>(c) * count + i] ^ flip;
            std::memcpy(to, word, sizeof word);
        }
    }
}

void BlockMap::take_image(int image, std::span<std::uint8_t> bytes) const {
    const auto flip = static_cast<std::uint8_t>(is_signed_ ? kSignOffset : 0);
    const std::size_t step = static_cast<std::size_t>(images_) * kWordChannels;
    const auto size = static_cast<std::size_t>(value_bytes_);
    for (int channel = 0; channel < shape_.channels * value_bytes_; ++channel) {
        const std::uint8_t* from = bytes_.data() + at(channel, 0, image);
        // A value's bytes are channels here, and neighbours there.
        const auto value = static_cast<std::size_t>(channel / value_bytes_);
        std::uint8_t* to = bytes.data() + value * pixels() * size + static_cast<std::size_t>(channel % value_bytes_);
        for (std::size_t i = 0; i < pixels(); ++i) to[i * size] = from[i * step] ^ flip;
    }
}

bool operator==(const BlockMap& a, const BlockMap& b) {
    return a.shape_ == b.shape_ && a.images_ == b.images_ && a.is_signed_ == b.is_signed_ &&
           a.value_bytes_ == b.value_bytes_ && std::ranges::equal(a.bytes(), b.bytes());
}

const BlockMap& viewed_as(const BlockMap& map, const Shape& shape, bool is_signed, BlockMap& scratch) {
    if (map.shape() == shape && map.is_signed() == is_signed) return map;
    scratch.reshape(shape, map.images(), is_signed);
    const std::uint8_t flip = map.is_signed() == is_signed ? 0 : kSignOffset;
    const auto images = static_cast<std::size_t>(map.images());
    const std::size_t from_pixels = map.pixels(), to_pixels = scratch.pixels();
    const auto values = static_cast<std::size_t>(shape.elements());
    for (std::size_t i = 0; i < values; ++i) {
        const std::size_t from = map.at(static_cast<int>(i / from_pixels), i % from_pixels, 0);
        const std::size_t to = scratch.at(static_cast<int>(i / to_pixels), i % to_pixels, 0);
        for (std::size_t n = 0; n < images; ++n) scratch[to + n * kWordChannels] = map[from + n * kWordChannels] ^ flip;
    }
    return scratch;
}

void report_map(const BlockMap& map, int operator_index, const LaneProbe& probe) {
    const int bytes = map.value_bytes();
    for (int c = 0; c < map.shape().channels; ++c) {
        for (std::size_t pixel = 0; pixel < map.pixels(); ++pixel) {
            for (int image = 0; image < map.images(); ++image) {
                std::int64_t value = 0;
                if (bytes == 1) {
                    value = StoredRange{map.is_signed()}.value(map[map.at(c, pixel, image)]);
                } else {
                    for (int b = bytes; b-- > 0;) value = value << 8 | map[map.at(c * bytes + b, pixel, image)];
                    value = static_cast<std::int64_t>(static_cast<std::uint64_t>(value) << (64 - 8 * bytes)) >>
                            (64 - 8 * bytes);
                }
                probe(operator_index, image, c, static_cast<int>(pixel), value);
            }
        }
    }
}

}  // namespace widthwise::fast

// SPDX-License-Identifier: Apache-2.0
// Images laid out as the network's input: which axis is which, padding, bilinear resizing.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "config/hardware.h"
#include "data/array_header.h"
#include "network/network.h"

namespace widthwise {

/// What a file of images says of each of them.
struct ImageFormat {
    std::string path;
    ElementType element;
    std::vector<int> extents;  ///< of one image: features; H x W; C x H x W or H x W x C
};

/// Which value of an image is which pixel: value at channel * channel_stride + row * row_stride + column * column_stride.
struct ImageView {
    Shape shape;
    std::int64_t channel_stride = 0;
    std::int64_t row_stride = 0;
    std::int64_t column_stride = 0;
    bool channels_last = false;  ///< H x W x C
    [[nodiscard]] std::int64_t offset(int channel, int row, int column) const {
        return channel * channel_stride + row * row_stride + column * column_stride;
    }
};

/// How images are seen for an input, as `layout` says; auto: C x H x W where that fits the input, else H x W x C where
/// that does. An input that is a vector takes an image of as many values, in the order C x H x W, unless `fit` is
/// resize: the view's shape is then the image's, not the input's. An input of one channel takes vectors of as many
/// values, one of height 1 takes files N x C x W or N x W x C. Throws InputError when the images cannot become the
/// input: channels differ, image larger than the input with `pad`, sizes differ with `none`.
ImageView view_of(const ImageFormat& images, Preprocessing::Layout layout, Preprocessing::Fit fit, const Tensor& input);

/// The image centred amid `blank`, as C x H x W: with equal sizes, the image itself. An odd row or column of blanks goes
/// below or to the right.
template <typename Value>
std::vector<Value> padded(const ImageView& view, const Value* pixels, const Shape& target, Value blank) {
    const Shape& source = view.shape;
    const int top = (target.height - source.height) / 2;
    const int left = (target.width - source.width) / 2;
    std::vector<Value> plane(static_cast<std::size_t>(target.elements()), blank);
    for (int c = 0; c < source.channels; ++c) {
        for (int y = 0; y < source.height; ++y) {
            const Value* from = pixels + view.offset(c, y, 0);
            Value* to = plane.data() + (std::int64_t{c} * target.height + y + top) * target.width + left;
            for (int x = 0; x < source.width; ++x) to[x] = from[x * view.column_stride];
        }
    }
    return plane;
}

/// Bilinear, pixel centres at half coordinates, edges repeated; as C x H x W.
std::vector<float> resized(const ImageView& view, const std::vector<float>& pixels, const Shape& target);

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "data/image_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "common/error.h"

namespace widthwise {
namespace {

std::string text(const Shape& shape) { return fmt::format("{}x{}x{}", shape.channels, shape.height, shape.width); }

ImageView channels_first(const std::vector<int>& extents) {
    Shape shape{1, 1, 1};
    if (extents.size() == 1) shape.channels = extents[0];
    else if (extents.size() == 2) shape = {1, extents[0], extents[1]};
    else shape = {extents[0], extents[1], extents[2]};
    return {shape, std::int64_t{shape.height} * shape.width, shape.width, 1, false};
}

ImageView channels_last(const std::vector<int>& extents) {
    const Shape shape{extents[2], extents[0], extents[1]};
    return {shape, 1, std::int64_t{shape.width} * shape.channels, shape.channels, true};
}

/// An input that is a vector takes an image of as many values as it is.
bool fills_vector(const Shape& image, const Shape& target, Preprocessing::Fit fit) {
    const bool vector_input = target.height == 1 && target.width == 1 && image.elements() == target.elements();
    return vector_input && fit != Preprocessing::Fit::resize;
}

/// "" or why an image cannot become the input.
std::string problem_of(const Shape& image, const Shape& target, Preprocessing::Fit fit) {
    if (fills_vector(image, target, fit)) return "";
    if (image.channels != target.channels) return fmt::format("channels differ, expected {}", target.channels);
    if (fit == Preprocessing::Fit::pad && (image.height > target.height || image.width > target.width)) {
        return "padding cannot shrink an image, expected images no larger than the input, or fit: resize";
    }
    if (fit == Preprocessing::Fit::none && image != target) {
        return "sizes differ, expected equal ones, or fit: pad or resize";
    }
    return "";
}

/// Files in a shape that a network declares and that is no image: vectors that it makes images of one channel, and
/// channels of one row (N x C x W or N x W x C).
std::optional<ImageView> as_declared(const std::vector<int>& extents, Preprocessing::Layout layout,
                                     const Shape& target) {
    const bool is_vector = target.height == 1 && target.width == 1;
    if (extents.size() == 1 && !is_vector && target.channels == 1 && extents[0] == target.elements()) {
        return ImageView{target, target.elements(), target.width, 1, false};
    }
    const bool is_line = target.height == 1 && target.width > 1 && target.channels > 1;
    if (extents.size() != 2 || !is_line) return std::nullopt;
    if (layout != Preprocessing::Layout::hwc && extents[0] == target.channels) {
        return ImageView{{extents[0], 1, extents[1]}, extents[1], extents[1], 1, false};
    }
    if (layout != Preprocessing::Layout::chw && extents[1] == target.channels) {
        return ImageView{{extents[1], 1, extents[0]}, 1, std::int64_t{extents[0]} * extents[1], extents[1], true};
    }
    return std::nullopt;
}

ImageView chosen_view(const ImageFormat& images, Preprocessing::Layout layout, Preprocessing::Fit fit,
                      const Shape& target) {
    const ImageView first = channels_first(images.extents);
    if (const auto declared = as_declared(images.extents, layout, target)) return *declared;
    if (images.extents.size() < 3 || layout == Preprocessing::Layout::chw) return first;
    const ImageView last = channels_last(images.extents);
    if (layout == Preprocessing::Layout::hwc) return last;
    if (problem_of(first.shape, target, fit).empty()) return first;
    if (problem_of(last.shape, target, fit).empty()) return last;
    // Where neither fits, the one whose channels agree has the problem that its user wants to know.
    return last.shape.channels == target.channels && first.shape.channels != target.channels ? last : first;
}

/// Where an output coordinate falls between two input coordinates.
struct Tap {
    int first = 0;
    int second = 0;
    float weight = 0.0F;  ///< of the second
};

Tap tap_at(int position, int from, int to) {
    const float ratio = static_cast<float>(from) / static_cast<float>(to);
    const float centre = (static_cast<float>(position) + 0.5F) * ratio - 0.5F;
    const float inside = std::clamp(centre, 0.0F, static_cast<float>(from - 1));
    const int first = static_cast<int>(inside);
    return {first, std::min(first + 1, from - 1), inside - static_cast<float>(first)};
}

float interpolate(float a, float b, float weight) { return a + (b - a) * weight; }

}  // namespace

ImageView view_of(const ImageFormat& images, Preprocessing::Layout layout, Preprocessing::Fit fit,
                  const Tensor& input) {
    const ImageView view = chosen_view(images, layout, fit, input.shape);
    const std::string problem = problem_of(view.shape, input.shape, fit);
    if (problem.empty()) return view;
    throw InputError(fmt::format("{}: images of {}{} for the network's input '{}' of {}: {}", images.path,
                                 text(view.shape), view.channels_last ? " (stored height x width x channels)" : "",
                                 input.name, text(input.shape), problem));
}

std::vector<float> resized(const ImageView& view, const std::vector<float>& pixels, const Shape& target) {
    const auto at = [&](int c, int y, int x) { return pixels[static_cast<std::size_t>(view.offset(c, y, x))]; };
    const Shape& source = view.shape;
    std::vector<float> plane;
    plane.reserve(static_cast<std::size_t>(target.elements()));
    for (int c = 0; c < target.channels; ++c) {
        for (int y = 0; y < target.height; ++y) {
            const Tap v = tap_at(y, source.height, target.height);
            for (int x = 0; x < target.width; ++x) {
                const Tap h = tap_at(x, source.width, target.width);
                const auto across = [&](int row) {
                    return interpolate(at(c, row, h.first), at(c, row, h.second), h.weight);
                };
                plane.push_back(interpolate(across(v.first), across(v.second), v.weight));
            }
        }
    }
    return plane;
}

}  // namespace widthwise

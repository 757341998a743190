// SPDX-License-Identifier: Apache-2.0
#include "data/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "common/error.h"

namespace widthwise {
namespace {

Shape image_shape(const IdxTensor& images) {
    const std::vector<int>& d = images.dimensions;
    return d.size() == 3 ? Shape{1, d[1], d[2]} : Shape{d[1], d[2], d[3]};
}

std::string text(const Shape& shape) { return fmt::format("{}x{}x{}", shape.channels, shape.height, shape.width); }

/// One image's pixels as real numbers, whatever their sign.
class PixelView {
public:
    PixelView(const IdxTensor& images, int index) : shape_(image_shape(images)), is_signed_(images.is_signed) {
        pixels_ = images.values.data() + index * shape_.elements();
    }
    [[nodiscard]] const Shape& shape() const { return shape_; }
    [[nodiscard]] float at(int channel, int row, int column) const {
        const std::int64_t offset = (std::int64_t{channel} * shape_.height + row) * shape_.width + column;
        const std::uint8_t byte = pixels_[offset];
        return is_signed_ ? static_cast<float>(static_cast<std::int8_t>(byte)) : static_cast<float>(byte);
    }

private:
    Shape shape_;
    bool is_signed_;
    const std::uint8_t* pixels_;
};

using Plane = std::vector<float>;

/// The image amid zero pixels; with equal sizes, the image itself.
Plane pad_centred(const PixelView& image, const Shape& target) {
    const Shape& source = image.shape();
    const int top = (target.height - source.height) / 2;
    const int left = (target.width - source.width) / 2;
    Plane plane(static_cast<std::size_t>(target.elements()), 0.0F);
    for (int c = 0; c < source.channels; ++c) {
        for (int y = 0; y < source.height; ++y) {
            const std::int64_t row = (std::int64_t{c} * target.height + y + top) * target.width + left;
            for (int x = 0; x < source.width; ++x) plane[static_cast<std::size_t>(row + x)] = image.at(c, y, x);
        }
    }
    return plane;
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

Plane resize_bilinear(const PixelView& image, const Shape& target) {
    const Shape& source = image.shape();
    Plane plane;
    plane.reserve(static_cast<std::size_t>(target.elements()));
    for (int c = 0; c < target.channels; ++c) {
        for (int y = 0; y < target.height; ++y) {
            const Tap v = tap_at(y, source.height, target.height);
            for (int x = 0; x < target.width; ++x) {
                const Tap h = tap_at(x, source.width, target.width);
                const auto across = [&](int row) {
                    return interpolate(image.at(c, row, h.first), image.at(c, row, h.second), h.weight);
                };
                plane.push_back(interpolate(across(v.first), across(v.second), v.weight));
            }
        }
    }
    return plane;
}

void check_fit(const IdxTensor& images, const Shape& image, const Tensor& input, Preprocessing::Fit fit) {
    const Shape& target = input.shape;
    const std::string pair = fmt::format("{}: images of {} for the network's input '{}' of {}", images.path,
                                         text(image), input.name, text(target));
    if (image.channels != target.channels) {
        throw InputError(fmt::format("{}: channels differ, expected {}", pair, target.channels));
    }
    if (fit == Preprocessing::Fit::pad && (image.height > target.height || image.width > target.width)) {
        throw InputError(pair +
                         ": padding cannot shrink an image, expected images no larger than the input, or "
                         "fit: resize");
    }
    if (fit == Preprocessing::Fit::none && image != target) {
        throw InputError(pair + ": sizes differ, expected equal ones, or fit: pad or resize");
    }
}

/// An input that is a vector takes an image of as many values as it is.
bool fills_vector(const Shape& image, const Shape& target, Preprocessing::Fit fit) {
    const bool vector_input = target.height == 1 && target.width == 1 && image.elements() == target.elements();
    return vector_input && fit != Preprocessing::Fit::resize;
}

Plane fitted(const IdxTensor& images, int index, const Tensor& input, Preprocessing::Fit fit) {
    const PixelView image(images, index);
    const Shape& target = input.shape;
    if (fills_vector(image.shape(), target, fit)) return pad_centred(image, image.shape());
    check_fit(images, image.shape(), input, fit);
    return fit == Preprocessing::Fit::resize ? resize_bilinear(image, target) : pad_centred(image, target);
}

std::uint8_t quantize(float real, const Quantization& quantization) {
    const auto low = static_cast<float>(quantization.low() - quantization.zero_point);
    const auto high = static_cast<float>(quantization.high() - quantization.zero_point);
    // Limiting before the conversion gives the same result and keeps the conversion defined.
    const float rounded = std::fmin(std::fmax(std::nearbyint(real / quantization.scale), low), high);
    return static_cast<std::uint8_t>(static_cast<int>(rounded) + quantization.zero_point);
}

void check_images(const IdxTensor& images) {
    if (images.dimensions.size() < 3) {
        throw InputError(fmt::format("{}: rank {}, expected images of rank 3 (N x H x W) or 4 (N x C x H x W)",
                                     images.path, images.dimensions.size()));
    }
}

void check_labels(const IdxTensor& labels, const IdxTensor& images) {
    if (labels.dimensions.size() != 1 || labels.is_signed) {
        throw InputError(fmt::format("{}: rank {} of {} bytes, expected labels of rank 1 of unsigned bytes",
                                     labels.path, labels.dimensions.size(), labels.is_signed ? "signed" : "unsigned"));
    }
    if (labels.dimensions[0] != images.dimensions[0]) {
        throw InputError(fmt::format("{}: {} labels, expected {}, as many as there are images in {}", labels.path,
                                     labels.dimensions[0], images.dimensions[0], images.path));
    }
}

}  // namespace

DatasetFiles::DatasetFiles(const std::string& images, const std::string& labels) : images_(images) {
    check_images(images_.header());
    if (labels.empty()) return;
    labels_.emplace(labels);
    check_labels(labels_->header(), images_.header());
}

void DatasetFiles::check_fit(const Preprocessing& preprocessing, const Tensor& input) const {
    const Shape image = image_shape(images_.header());
    if (fills_vector(image, input.shape, preprocessing.fit)) return;
    widthwise::check_fit(images_.header(), image, input, preprocessing.fit);
}

Dataset DatasetFiles::read() && {
    Dataset dataset;
    dataset.images_ = std::move(images_).read();
    if (labels_) dataset.labels_ = std::move(*labels_).read();
    return dataset;
}

Dataset Dataset::load(const std::string& images, const std::string& labels) {
    return DatasetFiles(images, labels).read();
}

int Dataset::size() const { return images_.dimensions.empty() ? 0 : images_.dimensions[0]; }

int Dataset::label(int index) const {
    if (!has_labels() || index < 0 || index >= size()) {
        throw InputError(fmt::format("{}: there is no label {}, expected 0..{}",
                                     has_labels() ? labels_.path : images_.path + " (no labels)", index,
                                     has_labels() ? size() - 1 : -1));
    }
    return labels_.values[static_cast<std::size_t>(index)];
}

std::vector<std::uint8_t> Dataset::quantized(int index, const Preprocessing& preprocessing, const Tensor& input) const {
    if (index < 0 || index >= size()) {
        throw InputError(fmt::format("{}: there is no image {}, expected 0..{}", images_.path, index, size() - 1));
    }
    const Plane pixels = fitted(images_, index, input, preprocessing.fit);
    const auto scale = static_cast<float>(preprocessing.scale);
    const auto mean = static_cast<float>(preprocessing.mean);
    const auto deviation = static_cast<float>(preprocessing.deviation);
    const auto value_of = [&](float pixel) { return quantize((pixel * scale - mean) / deviation, input.quantization); };
    std::vector<std::uint8_t> bytes(pixels.size());
    if (preprocessing.fit == Preprocessing::Fit::resize) {
        std::transform(pixels.begin(), pixels.end(), bytes.begin(), value_of);
        return bytes;
    }
    // Pixels are the file's bytes: each of the few values is quantized once.
    std::array<int, 256> known;
    known.fill(-1);
    std::transform(pixels.begin(), pixels.end(), bytes.begin(), [&](float pixel) {
        int& value = known[static_cast<std::uint8_t>(static_cast<int>(pixel))];
        if (value < 0) value = value_of(pixel);
        return static_cast<std::uint8_t>(value);
    });
    return bytes;
}

}  // namespace widthwise

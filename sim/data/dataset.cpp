// SPDX-License-Identifier: Apache-2.0
#include "data/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/error.h"
#include "data/element_values.h"

namespace widthwise {
namespace {

ImageFormat format_of(const ArrayFile& images) {
    const ArrayHeader& header = images.header();
    if (header.dimensions.size() < 2) {
        images.fail(fmt::format(
            "rank {}, expected images of rank 2 (N x features), 3 (N x H x W) or 4 (N x C x H x W or N x H x W x C)",
            header.dimensions.size()));
    }
    if (header.values_each() > kMaxImageValues) {
        images.fail(fmt::format("images of {} values each ({}) are too large (allowed: up to {})", header.values_each(),
                                header.shape_text(), kMaxImageValues));
    }
    return {images.path(), header.element, {header.dimensions.begin() + 1, header.dimensions.end()}};
}

/// "[2][0][5]": where a value stands in its image.
std::string position_text(const std::vector<int>& extents, std::int64_t value) {
    std::string text;
    for (std::size_t i = extents.size(); i-- > 0; value /= extents[i]) {
        text.insert(0, fmt::format("[{}]", value % extents[i]));
    }
    return text;
}

/// Nothing becomes of NaN, and what is infinite was not meant.
void check_finite(const ArrayFile& file, const ImageFormat& format, std::int64_t first,
                  std::span<const std::uint8_t> bytes) {
    const auto size = static_cast<std::size_t>(format.element.bytes);
    for (std::size_t at = 0; at < bytes.size(); at += size) {
        const float value = real_at(&bytes[at], format.element);
        if (std::isfinite(value)) continue;
        const std::int64_t place = first + static_cast<std::int64_t>(at / size);
        const std::int64_t each = file.header().values_each();
        file.fail(fmt::format("image {} holds {} at {}, expected finite numbers within the range of float32",
                              place / each, value, position_text(format.extents, place % each)));
    }
}

}  // namespace

DatasetFiles::DatasetFiles(const std::string& images, const std::string& labels)
    : images_(images), format_(format_of(images_)) {
    if (!labels.empty()) labels_.emplace(labels, size(), images);
}

void DatasetFiles::check_fit(const Preprocessing& preprocessing, const NetworkInput& input) const {
    static_cast<void>(InputConversion(format_, preprocessing, input));
}

Dataset DatasetFiles::read(std::int64_t most_held) && {
    Dataset dataset;
    const bool is_held = images_.bytes() <= most_held;
    const bool is_real = format_.element.kind == ElementKind::real;
    if (is_held) dataset.held_.reserve(static_cast<std::size_t>(images_.bytes()));
    const std::string digest = images_.scan([&](std::int64_t first, std::span<const std::uint8_t> bytes) {
        if (is_real) check_finite(images_, format_, first, bytes);
        if (is_held) dataset.held_.insert(dataset.held_.end(), bytes.begin(), bytes.end());
    });
    if (labels_) dataset.labels_ = labels_->read();
    dataset.image_file_ = {images_.path(), digest};
    dataset.format_ = std::move(format_);
    dataset.images_ = std::move(images_);
    return dataset;
}

Dataset Dataset::load(const std::string& images, const std::string& labels) {
    return DatasetFiles(images, labels).read();
}

int Dataset::label(int index) const {
    if (!has_labels() || index < 0 || index >= size()) {
        throw InputError(fmt::format("{}: there is no label {}, expected 0..{}",
                                     has_labels() ? labels_.path : image_file_.path + " (no labels)", index,
                                     has_labels() ? size() - 1 : -1));
    }
    return labels_.values[static_cast<std::size_t>(index)];
}

std::vector<std::uint8_t> Dataset::quantized(int index, const InputConversion& conversion) const {
    if (index < 0 || index >= size()) {
        throw InputError(fmt::format("{}: there is no image {}, expected 0..{}", image_file_.path, index, size() - 1));
    }
    const std::int64_t values = images_->header().values_each();
    const auto bytes = static_cast<std::size_t>(values * format_.element.bytes);
    if (is_held()) {
        return conversion.convert(index, {held_.data() + static_cast<std::size_t>(index) * bytes, bytes});
    }
    std::vector<std::uint8_t> image(bytes);
    images_->read(index * values, image);
    return conversion.convert(index, image);
}

std::vector<std::uint8_t> Dataset::quantized(int index, const Preprocessing& preprocessing,
                                             const NetworkInput& input) const {
    return quantized(index, InputConversion(format_, preprocessing, input));
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// How a tensor of the ONNX graph orders the values of a feature map, which the network itself always holds in CHW order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "network/network.h"

namespace widthwise {

enum class Axis : std::uint8_t { batch, channel, height, width };

/// A feature map, and which of its axes each dimension of the ONNX tensor runs over: a dimension may run over several,
/// the first slowest (a flattened map), or over none (extent 1). Axes of extent 1 may be missing.
struct FeatureView {
    using Extents = std::vector<std::int64_t>;

    Shape shape;
    std::int64_t batch = 1;  ///< 1 where the file leaves it open
    std::vector<std::vector<Axis>> dimensions;

    /// N x C x H x W, N x C x W of a map of height 1, N x features of one of one pixel.
    static FeatureView map(const Shape& shape, std::int64_t batch);
    static FeatureView vector(int features, std::int64_t batch);

    [[nodiscard]] Extents extents() const;
    [[nodiscard]] std::int64_t extent(Axis axis) const;

    /// Batch, channels, height, width in this order, one a dimension; the height may be missing where it is 1.
    [[nodiscard]] bool is_map() const;
    /// One dimension beside those of extent 1 (and beside the batch), whatever axes it runs over.
    [[nodiscard]] bool is_vector() const;
    /// Whether the values lie in CHW order.
    [[nodiscard]] bool is_in_order() const;
    /// The number, in the tensor's order, of the feature at each place in CHW order.
    [[nodiscard]] std::vector<std::int32_t> features_in_order() const;

    /// Dimension i of the result is dimension permutation[i].
    [[nodiscard]] FeatureView transposed(const Extents& permutation) const;
    /// Dimensions joined and split at the borders of axes; nothing where a border would lie within an axis.
    [[nodiscard]] std::optional<FeatureView> reshaped(const Extents& target) const;
    /// Without these dimensions, of extent 1; or without all of extent 1 but the first. Nothing if one is larger.
    [[nodiscard]] std::optional<FeatureView> squeezed(const std::optional<Extents>& axes) const;
    /// With dimensions of extent 1 at these places of the result.
    [[nodiscard]] std::optional<FeatureView> unsqueezed(const Extents& axes) const;

    /// "N x C x H x W", as messages name it.
    [[nodiscard]] std::string text() const;
    friend bool operator==(const FeatureView&, const FeatureView&) = default;
};

}  // namespace widthwise

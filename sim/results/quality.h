// SPDX-License-Identifier: Apache-2.0
// How good the values of a width are without labels: how far they lie from those of a reference, usually the widest
// accumulators, on the same images.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace widthwise {

/// Differences of stored integers from a reference's of the same scale; sums are exact, in any order.
struct Deviation {
    std::uint64_t values = 0;
    std::uint64_t different = 0;
    unsigned __int128 signal = 0;  ///< of squares: of the reference, less its zero point
    unsigned __int128 noise = 0;   ///< likewise of the differences
    std::uint64_t largest = 0;     ///< difference, without sign

    /// A value and the reference's, both less the zero point.
    void add(std::int64_t reference, std::int64_t value);
    Deviation& operator+=(const Deviation& other);
    friend bool operator==(const Deviation&, const Deviation&) = default;
};

/// The same as real values, of a layer's map or of the output.
struct MapQuality {
    std::string name;
    std::uint64_t values = 0;
    std::uint64_t different = 0;
    /// Signal to quantization noise ratio, 10 log10(sum of reference^2 / sum of difference^2); none where nothing
    /// differs.
    std::optional<double> sqnr_db;
    double largest_error = 0;
    double mean_squared_error = 0;
};

/// `scales`: of each deviation, what an integer stands for; the deviations are of one map's channels, or of all of it.
MapQuality map_quality(const std::string& name, std::span<const Deviation> deviations, std::span<const double> scales);

struct Quality {
    int reference_bits = 0;  ///< of the accumulators of all its layers
    std::uint64_t images = 0;
    std::uint64_t agreeing = 0;  ///< images that the reference gives the same class
    MapQuality output;
    std::vector<MapQuality> layers;  ///< as they are stored, behind their stages; without the last, which is the output
};

nlohmann::ordered_json quality_json(const Quality& quality);
/// "31.2", or "exact" where nothing differs.
std::string sqnr_text(const MapQuality& map);

}  // namespace widthwise

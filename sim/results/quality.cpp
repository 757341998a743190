// SPDX-License-Identifier: Apache-2.0
#include "results/quality.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "results/tables.h"

namespace widthwise {

void Deviation::add(std::int64_t reference, std::int64_t value) {
    ++values;
    const auto size = [](std::int64_t number) { return static_cast<std::uint64_t>(number < 0 ? -number : number); };
    const std::uint64_t of_reference = size(reference);
    signal += static_cast<unsigned __int128>(of_reference) * of_reference;
    if (value == reference) return;
    const std::uint64_t difference = size(value - reference);
    ++different;
    noise += static_cast<unsigned __int128>(difference) * difference;
    largest = std::max(largest, difference);
}

Deviation& Deviation::operator+=(const Deviation& other) {
    values += other.values;
    different += other.different;
    signal += other.signal;
    noise += other.noise;
    largest = std::max(largest, other.largest);
    return *this;
}

MapQuality map_quality(const std::string& name, std::span<const Deviation> deviations, std::span<const double> scales) {
    MapQuality quality;
    quality.name = name;
    double signal = 0, noise = 0;
    for (std::size_t i = 0; i < deviations.size(); ++i) {
        quality.values += deviations[i].values;
        quality.different += deviations[i].different;
        signal += static_cast<double>(deviations[i].signal) * scales[i] * scales[i];
        noise += static_cast<double>(deviations[i].noise) * scales[i] * scales[i];
        quality.largest_error = std::max(quality.largest_error, static_cast<double>(deviations[i].largest) * scales[i]);
    }
    if (noise > 0) quality.sqnr_db = 10 * std::log10(signal / noise);
    if (quality.values > 0) quality.mean_squared_error = noise / static_cast<double>(quality.values);
    return quality;
}

namespace {

nlohmann::ordered_json map_json(const MapQuality& map) {
    return {{"name", map.name},
            {"values", map.values},
            {"different_values", map.different},
            {"sqnr_db", map.sqnr_db ? nlohmann::ordered_json(without_noise(*map.sqnr_db)) : nlohmann::ordered_json()},
            {"largest_error", without_noise(map.largest_error)},
            {"mean_squared_error", without_noise(map.mean_squared_error)}};
}

}  // namespace

nlohmann::ordered_json quality_json(const Quality& quality) {
    nlohmann::ordered_json json = {{"reference_bits", quality.reference_bits},
                                   {"images", quality.images},
                                   {"agreeing", quality.agreeing},
                                   {"output", map_json(quality.output)},
                                   {"layers", nlohmann::ordered_json::array()}};
    for (const MapQuality& map : quality.layers) json["layers"].push_back(map_json(map));
    return json;
}

std::string sqnr_text(const MapQuality& map) { return map.sqnr_db ? fmt::format("{:.1f}", *map.sqnr_db) : "exact"; }

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "results/cut_layers.h"

#include <fmt/format.h>

#include <vector>

#include "results/tables.h"
#include "schedule/strip_fit.h"

namespace widthwise {
namespace {

/// Lines come tile by tile, or of a vector word by word.
bool is_parted(const LayerSchedule& layer) { return layer.line_fit.cut.has_value() || layer.parts.size() > 1; }

bool is_streamed(const LayerSchedule& layer, const HardwareParams& hardware) {
    return layer.has_parameters() && hardware.weight_buffer.storage == WeightStorage::streamed;
}

bool prefetches(const LayerSchedule& layer) { return layer.prefetches && layer.strips.size() > 1; }

std::string counted(int count, const char* what) { return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s"); }

int strip_made(const LayerSchedule& layer) { return strip_channels(layer, layer.extents.channel_tiles).made; }

}  // namespace

std::int64_t dram_traffic(const LayerSchedule& layer, const HardwareParams& hardware) {
    if (layer.in_strips()) return StripFitter(layer, hardware).traffic(layer.extents);
    if (!is_streamed(layer, hardware)) return 0;
    return layer.weight_offset(layer.channel_tile_count()) * layer.weight_fetches(layer.strips.front());
}

nlohmann::ordered_json cut_json(const LayerSchedule& layer, const HardwareParams& hardware) {
    nlohmann::ordered_json json;
    if (layer.in_strips()) {
        json["strips"] = {{"count", layer.strips.size()},
                          {"rows", layer.extents.rows},
                          {"channels", strip_made(layer)},
                          {"prefetched", prefetches(layer)}};
    }
    if (layer.line_fit.stripe_columns > 0) json["line_buffer"] = {{"stripe_columns", layer.line_fit.stripe_columns}};
    if (is_parted(layer)) json["line_buffer"] = {{"parts", layer.parts.size()}};
    if (is_streamed(layer, hardware) && layer.weight_parts() > 1) json["weight_parts"] = layer.weight_parts();
    if (!json.is_null()) json["dram_bytes"] = dram_traffic(layer, hardware);
    return json;
}

std::string cut_text(const LayerSchedule& layer, const HardwareParams& hardware) {
    std::vector<std::string> parts;
    if (layer.in_strips()) {
        parts.push_back(layer.strips.size() == 1
                            ? "maps from or to DRAM"
                            : fmt::format("{} strips of {} of its sums by {}, {}", layer.strips.size(),
                                          counted(layer.extents.rows, "row"), counted(strip_made(layer), "channel"),
                                          prefetches(layer) ? "the next prefetched" : "one at a time"));
    }
    if (layer.line_fit.stripe_columns > 0)
        parts.push_back(fmt::format("lines in stripes of {} columns", layer.line_fit.stripe_columns));
    if (is_parted(layer)) {
        parts.push_back(
            fmt::format("lines of each tile anew, in {}", counted(static_cast<int>(layer.parts.size()), "part")));
    }
    if (is_streamed(layer, hardware) && layer.weight_parts() > 1)
        parts.push_back(fmt::format("weights of each tile in {} parts", layer.weight_parts()));
    if (parts.empty()) return "";
    return fmt::format("{}; {} bytes of DRAM traffic a batch", fmt::join(parts, "; "),
                       grouped(dram_traffic(layer, hardware)));
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "schedule/buffer_needs.h"

#include <algorithm>

#include "schedule/compile.h"
#include "schedule/line_fit.h"
#include "schedule/placement.h"
#include "schedule/schedule_model.h"
#include "schedule/stages/pooling.h"

namespace widthwise {
namespace {

/// The largest that the keys allow.
constexpr std::int64_t kLargestBuffer = std::int64_t{1} << 30;

HardwareParams with_large_buffers(HardwareParams hardware) {
    hardware.weight_buffer.bytes = hardware.activation_buffer.bytes = hardware.line_buffer.bytes = kLargestBuffer;
    hardware.weight_buffer.storage = WeightStorage::automatic;
    hardware.pool.row_buffer_bytes = 0;
    return hardware;
}

}  // namespace

BufferNeeds buffer_needs(const Network& network, const HardwareParams& hardware, int images) {
    const HardwareParams large = with_large_buffers(hardware);
    const Schedule schedule = compile(network, large, images);
    std::int64_t lines = 1, windows = 0;
    for (const LayerSchedule& layer : schedule.layers) {
        lines = std::max(lines, LineFitter(layer, large, false).least_bytes());
        if (layer.pooling) windows = std::max(windows, pool_row_buffer_bytes(layer));
    }
    BufferNeeds needs;
    needs.capacities = {{"weight_buffer.bytes", hardware.weight_buffer.bytes, schedule.weight_bytes},
                        {"activation_buffer.bytes", hardware.activation_buffer.bytes, whole_maps_bytes(schedule)},
                        {"line_buffer.bytes", hardware.line_buffer.bytes, lines}};
    if (windows > 0) needs.capacities.push_back({"pooling.row_buffer_bytes", hardware.pool.row_buffer_bytes, windows});
    needs.dram_bytes = schedule.input_bytes + schedule.output_bytes;
    if (network.layers_apart) needs.dram_bytes += schedule.map_bytes;  // each of the other maps once
    for (const LayerRecord& layer : count_schedule(schedule).layers)
        needs.line_buffer_bytes += static_cast<std::int64_t>(layer.events[Event::line_buffer_write]);
    return needs;
}

}  // namespace widthwise

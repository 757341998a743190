// SPDX-License-Identifier: Apache-2.0
#include "engine/fast/stages/requantization.h"

namespace widthwise::fast {

StoredRequantization::StoredRequantization(const LayerSchedule& layer) : layer_(layer) {
    const StoredRange pixels{layer.input_quantization.is_signed};
    for (int byte = 0; byte < 256; ++byte) {
        const int value = pixels.value(static_cast<std::uint8_t>(byte));
        results_[byte] = static_cast<std::uint8_t>(requantized(*layer.requantization, 0, value));
    }
}

void StoredRequantization::run(const BlockMap& input, BlockMap& output, int lanes, const LaneProbe& probe) const {
    const Requantization& stage = *layer_.requantization;
    const StoredRange range = range_of(stage.format);
    const int pixels = layer_.sums.height * layer_.sums.width;
    output.resize(input.size());
    for (int at = 0; at < static_cast<int>(output.size()); ++at) {
        LaneBytes& result = output[at];
        for (int lane = 0; lane < kLanes; ++lane) result.lane[lane] = results_[input[at].lane[lane]];
        for (int lane = 0; probe && lane < lanes; ++lane) {
            probe(stage.operator_index, lane, at / pixels, at % pixels, range.value(result.lane[lane]));
        }
    }
}

}  // namespace widthwise::fast

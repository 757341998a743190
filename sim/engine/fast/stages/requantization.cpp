// SPDX-License-Identifier: Apache-2.0
#include "engine/fast/stages/requantization.h"

#include <algorithm>

namespace widthwise::fast {

StoredRequantization::StoredRequantization(const LayerSchedule& layer) {
    const StoredRange from = range_of_input(layer);
    const StoredRange to = range_of(layer.requantization->format);
    is_signed_ = to.is_signed;
    for (int byte = 0; byte < 256; ++byte) {
        const int value = from.value(static_cast<std::uint8_t>(byte));
        results_[byte] = to.byte(requantized(*layer.requantization, 0, value));
    }
}

void StoredRequantization::run(const BlockMap& input, BlockMap& output) const {
    output.reshape(input.shape(), input.images(), is_signed_);
    std::ranges::transform(input.bytes(), output.group(0), [this](std::uint8_t byte) { return results_[byte]; });
}

}  // namespace widthwise::fast

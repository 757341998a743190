// SPDX-License-Identifier: Apache-2.0
#include "schedule/residence.h"

#include "config/hardware.h"

namespace widthwise {

Places weight_places(const WeightBufferParams& params) {
    const int count = params.storage == WeightStorage::streamed ? kStreamedWeightPlaces : 1;
    return {count, params.bytes / count};
}

std::optional<Edge> ResidenceTimes::given_up(std::int64_t number) const {
    // Mostly asked for one of the last.
    auto from = given_up_.end();
    while (from != given_up_.begin() && (from - 1)->first_held > number) --from;
    if (from == given_up_.end()) return std::nullopt;
    return from->edge;
}

std::vector<Edge> ResidenceTimes::edges() const {
    std::vector<Edge> edges;
    for (auto times = given_up_.begin() + 1; times != given_up_.end(); ++times) edges.push_back(times->edge);
    return edges;
}

}  // namespace widthwise

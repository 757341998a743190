// SPDX-License-Identifier: Apache-2.0
#include "schedule/clocked_part.h"

#include "schedule/layer_timing.h"

namespace widthwise {

ClockedPart whole_layer(const Schedule& schedule, int layer) {
    return {layer, 0, static_cast<int>(schedule.layers[layer].strips.size())};
}

bool is_whole(const Schedule& schedule, const ClockedPart& part) {
    return part.first_strip == 0 && part.end_strip == static_cast<int>(schedule.layers[part.layer].strips.size());
}

namespace {

/// Cycles of the part: those counted when it ends without those counted when it began. What no other cause took is
/// drain.
CycleCounts difference(const CycleCounts& end, const CycleCounts& begin, Edge total) {
    CycleCounts cycles;
    cycles.compute = end.compute - begin.compute;
    std::uint64_t counted = cycles.compute;
    for (std::size_t s = 0; s < kStallCount; ++s) {
        if (static_cast<Stall>(s) == Stall::drain) continue;
        cycles.stalls[s] = end.stalls[s] - begin.stalls[s];
        counted += cycles.stalls[s];
    }
    cycles.total = static_cast<std::uint64_t>(total);
    cycles[Stall::drain] = cycles.total - counted;
    return cycles;
}

}  // namespace

PartTiming time_part(const Schedule& schedule, const ClockedPart& part) {
    DmaTimer dma(schedule);
    Edge edge = schedule.input_in_strips ? 0 : dma.load_input();
    for (int l = 0; l < part.layer; ++l) {
        CycleCounts cycles;
        edge = time_layer(schedule, schedule.layers[l], edge, dma, cycles);
    }
    PartTiming timing;
    timing.layer_begin = timing.begin = edge;
    timing.transfers = dma.state_at(edge);
    timing.transfers.fetches = timing.transfers.stores = 0;  // those were of the layer before
    timing.transfers.strips_stored.clear();
    CycleCounts before, cycles;
    bool ended = false;
    const auto strip_begins = [&](int strip, Edge begin, const CycleCounts& counted) {
        if (strip == part.first_strip && strip > 0) {
            timing.begin = begin;
            timing.transfers = dma.state_at(begin);
            before = counted;
        }
        if (strip == part.end_strip) {
            timing.end = begin;
            timing.cycles = difference(counted, before, timing.end - timing.begin);
            ended = true;
        }
    };
    const Edge layer_end = time_layer(schedule, schedule.layers[part.layer], edge, dma, cycles, strip_begins);
    if (ended) return timing;
    timing.end = layer_end;
    timing.cycles = difference(cycles, before, timing.end - timing.begin);
    return timing;
}

}  // namespace widthwise

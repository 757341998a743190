// SPDX-License-Identifier: Apache-2.0
// Every count of a record when records are added.
#include <gtest/gtest.h>

#include <initializer_list>

#include "results/made_up_fields.h"

namespace widthwise {
namespace {

using test::FieldRun;

/// Counts of disjoint images add up, and ranges cover both, whichever comes first.
TEST(RecordFields, OfDisjointImagesAddUp) {
    const FieldRun run;
    for (const bool swapped : {false, true}) {
        const int a = swapped ? 4 : 2, b = swapped ? 2 : 4;
        RunRecord sum, other;
        sum.setup = other.setup = run.record(0);
        sum.load = run.record(1);
        sum.layers = {run.record(a)};
        sum.store = other.load = run.record(5);
        other.layers = {run.record(b)};
        other.store = run.record(3);
        sum.images = 3;
        other.images = 5;
        sum.histograms.resize(1);
        other.histograms.resize(1);
        sum.histograms[0].add(7);
        other.histograms[0].add(7);
        sum += other;
        EXPECT_EQ(sum.images, 8U);
        EXPECT_EQ(sum.setup, run.record(0)) << "one and the same";
        EXPECT_EQ(sum.histograms[0].buckets(), (std::vector<PsumHistogram::Bucket>{{7, 7, 2}}));
        const LayerRecord& layer = sum.layers[0];
        const PsumStats& psums = layer.psums;
        EXPECT_EQ(psums.count, 7U);
        EXPECT_EQ(psums.min, -7);
        EXPECT_EQ(psums.max, 1000004);
        EXPECT_EQ(psums.mean(), (-7 + 1 + 4 + 10 + 3000007) / 7.0);
        EXPECT_EQ(layer.overflow, (OverflowCounts{2006, 112, 58, 52}));
        const auto both = [](std::initializer_list<int> phases, const auto& count) {
            std::uint64_t total = 0;
            for (const int phase : phases) total += count(phase);
            return total;
        };
        for (int s = 0; s < test::kListedStallCount; ++s) {
            const auto stall = [s](int phase) { return FieldRun::stall(phase, s); };
            EXPECT_EQ(layer.cycles.stalls[static_cast<std::size_t>(s)], both({2, 4}, stall));
        }
        for (std::size_t e = 0; e < kEventCount; ++e) {
            const auto events = [&](int phase) { return run.events(phase, static_cast<int>(e)); };
            EXPECT_EQ(layer.events[static_cast<Event>(e)], both({2, 4}, events));
            EXPECT_EQ(sum.load.events[static_cast<Event>(e)], both({1, 5}, events));
            EXPECT_EQ(sum.store.events[static_cast<Event>(e)], both({5, 3}, events));
            EXPECT_EQ(sum.total().events[static_cast<Event>(e)], both({1, 2, 3, 4, 5, 5}, events));
        }
        EXPECT_EQ(layer.cycles.total, both({2, 4}, FieldRun::cycles));
        EXPECT_EQ(layer.cycles.compute, both({2, 4}, FieldRun::compute));
    }
}

}  // namespace
}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "cli/simulation.h"

#include <gmock/gmock.h>

#include "common/error.h"

namespace widthwise {
namespace {

using testing::ElementsAre;

TEST(Shards, CoverTheImagesInOrder) {
    EXPECT_THAT(shards({0, 10}, 1, 3), ElementsAre(HalfOpenRange{0, 3}, HalfOpenRange{3, 6}, HalfOpenRange{6, 10}));
    EXPECT_THAT(shards({5, 7}, 1, 8), ElementsAre(HalfOpenRange{5, 6}, HalfOpenRange{6, 7}));
    EXPECT_THAT(shards({5, 7}, 1, 1), ElementsAre(HalfOpenRange{5, 7}));
}

TEST(Shards, StartAtWholeBatchesSoThatBatchesAreTheSame) {
    for (int parts = 1; parts <= 9; ++parts) {
        std::int64_t next = 3;
        for (const HalfOpenRange& shard : shards({3, 104}, 8, parts)) {
            EXPECT_EQ(shard.first, next);
            EXPECT_EQ((shard.first - 3) % 8, 0);
            EXPECT_LT(shard.first, shard.end);
            next = shard.end;
        }
        EXPECT_EQ(next, 104);
    }
}

TEST(Outcome, SurvivesTheWayThroughAPipe) {
    RunOutcome outcome;
    outcome.record.images = 3;
    outcome.record.setup.cycles.total = 1;
    outcome.record.load.events[Event::dram_read] = 2;
    outcome.record.layers.resize(2);
    outcome.record.layers[1].psums.add(-4);
    outcome.record.layers[1].overflow.transient = 5;
    outcome.record.histograms.resize(2);
    for (const std::int64_t psum : {-40, 0, 99}) outcome.record.histograms[1].add(psum);
    outcome.record.store.cycles[Stall::dram] = 6;
    outcome.predictions = {{7, 8, 9}, {10, -1, 11}};
    outcome.clocked = {1, 2, 5, 40, false, 1000, 2500};
    const std::string bytes = encode_outcome(outcome);
    const RunOutcome back = decode_outcome(bytes);
    EXPECT_EQ(back.record, outcome.record);
    ASSERT_EQ(back.predictions.size(), 2U);
    EXPECT_EQ(back.predictions[0].predicted, 9);
    EXPECT_EQ(back.predictions[1].label, -1);
    ASSERT_TRUE(back.clocked.has_value());
    EXPECT_EQ(back.clocked->end_strip, 5);
    EXPECT_EQ(back.clocked->end, 2500U);
    EXPECT_THROW(decode_outcome(bytes.substr(1)), SimulationError);
    EXPECT_THROW(decode_outcome(bytes + "x"), SimulationError);
}

}  // namespace
}  // namespace widthwise

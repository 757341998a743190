// SPDX-License-Identifier: Apache-2.0
// The same input gives the same results, however the work is cut.
#include <gtest/gtest.h>

#include "system/simulation.h"

namespace widthwise::test {
namespace {

void expect_repeatable(const std::string& file) {
    const Workload workload(file);
    SystemcEngine engine(workload.network, workload.config.hardware);
    const Results first = run(engine, 0, 5, workload.source());
    const Results second = run(engine, 0, 5, workload.source());
    EXPECT_EQ(first.outputs, second.outputs);
    RunRecord comparable = second.record;
    EXPECT_EQ(comparable.setup, LayerRecord{}) << "the weights are loaded once";
    comparable.setup = first.record.setup;
    EXPECT_TRUE(first.record == comparable);
    EXPECT_EQ(first.record.images, 5U);
    EXPECT_GT(first.record.total().cycles.total, 0U);
}

TEST(Determinism, ResidentWeights) { expect_repeatable("widthwise-8x8.yaml"); }
TEST(Determinism, StreamedWeights) { expect_repeatable("edge-4x4-streamed.yaml"); }
TEST(Determinism, LastBatchSmaller) { expect_repeatable("widthwise-16x16.yaml"); }

/// Records of disjoint images add up to the record of all of them (record.h).
TEST(Determinism, RecordsOfPartsAddUp) {
    const Workload workload("edge-4x4-streamed.yaml");
    SystemcEngine engine(workload.network, workload.config.hardware);
    const Results all = run(engine, 0, 4, workload.source());
    Results first = run(engine, 0, 1, workload.source());
    const Results rest = run(engine, 1, 4, workload.source());
    first.record += rest.record;
    EXPECT_TRUE(first.record == all.record);
    first.outputs.insert(first.outputs.end(), rest.outputs.begin(), rest.outputs.end());
    EXPECT_EQ(first.outputs, all.outputs);
}

/// Narrow accumulators that overflow, so that the order of additions shows.
Bytes outputs_of(int batch, Mapping mapping, Interconnect interconnect) {
    return in_child_process([&] {
        Workload workload("widthwise-8x8.yaml");
        workload.hardware().batch = batch;
        workload.hardware().array.mapping = mapping;
        workload.hardware().array.interconnect = interconnect;
        workload.hardware().accumulator.format.bits = 14;
        SystemcEngine engine(workload.network, workload.hardware());
        const Results results = run(engine, 0, 9, workload.source());
        Bytes all;
        for (const Bytes& output : results.outputs) all.insert(all.end(), output.begin(), output.end());
        if (results.record.total().overflow.events == 0) throw std::logic_error("no overflow");
        return all;
    });
}

TEST(Determinism, BatchMappingAndInterconnectDoNotChangeOverflowingOutputs) {
    const Bytes expected = outputs_of(1, Mapping::row, Interconnect::broadcast);
    EXPECT_EQ(expected.size(), 90U);
    EXPECT_EQ(outputs_of(4, Mapping::row, Interconnect::broadcast), expected);
    EXPECT_EQ(outputs_of(9, Mapping::flat, Interconnect::broadcast), expected);
    EXPECT_EQ(outputs_of(4, Mapping::row, Interconnect::systolic), expected);
    EXPECT_EQ(outputs_of(2, Mapping::flat, Interconnect::systolic), expected);
}

}  // namespace
}  // namespace widthwise::test

// SPDX-License-Identifier: Apache-2.0
// What a sweep file names is checked before anything is computed.
#include <gmock/gmock.h>

#include "explore/sweep.h"
#include "explore/sweep_files.h"

namespace widthwise {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class BadSweep : public testing::Test {
protected:
    [[nodiscard]] std::string refusal(
        const std::string& axes, int end = 40,
        const std::string& config = test::repository("configs/widthwise-8x8.yaml")) const {
        const std::string path = test::write_sweep(folder_, axes, 0, end, config);
        return test::refusal([&] { Sweep(path, WIDTHWISE_SOURCE_DIR, "1"); });
    }
    test::TemporaryFolder folder_;
};

TEST_F(BadSweep, LayersThatDoNotExist) {
    EXPECT_THAT(refusal("  layer_accumulators: [{c1: 18}, {c33: 16}]\n"),
                AllOf(HasSubstr("sweep.yaml:4:34: axes.layer_accumulators[1]"), HasSubstr("no layer 'c33'"),
                      HasSubstr("did you mean 'c3'?")));
}

TEST_F(BadSweep, TablesThatDoNotExist) {
    EXPECT_THAT(refusal("  energy_table: [course, horowitz]\n"),
                AllOf(HasSubstr("sweep.yaml:4:26: axes.energy_table[1]"), HasSubstr("horowitz-45nm")));
    EXPECT_THAT(refusal("  energy_table: [mine.yaml]\n"), HasSubstr("mine.yaml: cannot be read"));
}

TEST_F(BadSweep, NetworksThatDoNotExist) {
    EXPECT_THAT(refusal("  network: [absent.onnx]\n"),
                AllOf(HasSubstr("sweep.yaml:4:13: axes.network[0]"), HasSubstr("absent.onnx")));
}

TEST_F(BadSweep, ImagesThatDoNotExist) {
    EXPECT_THAT(refusal("  lanes: [1]\n", 10001),
                AllOf(HasSubstr("sweep.yaml:2:9: images"), HasSubstr("10001"), HasSubstr("up to 10000")));
}

TEST_F(BadSweep, ConfigurationsThatDoNotExist) {
    EXPECT_THAT(refusal("  lanes: [1]\n", 10, "absent.yaml"), HasSubstr("absent.yaml: cannot be read"));
}

TEST_F(BadSweep, PointsThatTheHardwareCannotRun) {
    const std::string config = test::write_config(folder_, "line_buffer: {bytes: 700}\n");
    EXPECT_THAT(
        refusal("  lanes: [1]\n  array: [[4, 4], [4, 200]]\n  mapping: [flat]\n", 10, config),
        AllOf(HasSubstr("sweep.yaml: point 1 (lanes 1, array 4x200, mapping flat)"), HasSubstr("line_buffer.bytes")));
}

TEST_F(BadSweep, PricesThatATableCannotGive) {
    folder_.write("t.yaml", "name: t\nunit: pJ\nnode: none\nsource: none\nevents: {mac.add: 40 - accumulator_bits}\n");
    EXPECT_THAT(
        refusal("  energy_table: [t.yaml]\n  accumulator_bits: [18, 44]\n"),
        AllOf(HasSubstr("point 1"), HasSubstr("t.yaml:5:19: events.mac.add"), HasSubstr("accumulator_bits=44")));
}

}  // namespace
}  // namespace widthwise

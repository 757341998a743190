// SPDX-License-Identifier: Apache-2.0
#include "trace/wave_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "trace/made_up_activity.h"

namespace widthwise::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

enum class State : std::uint8_t { idle, setup, load, fill, compute, drain, store };
constexpr std::array<std::string_view, 7> kStates = {"IDLE", "SETUP", "LOAD", "FILL", "COMPUTE", "DRAIN", "STORE"};

struct Model {
    bool flag = false;
    std::int32_t layer = 0;
    State state = State::idle;
    WaveList list;

    Model() {
        list.add("accelerator", "top", flag);
        list.add("accelerator.pe_array", "issued", flag);
        for (const char* row : {"row0", "row1"}) {
            for (const char* pe : {"pe0", "pe1", "pe10"}) {
                list.add(std::string("accelerator.pe_array.") + row + "." + pe, std::string(row) + pe, flag);
            }
        }
        list.add("accelerator.dma", "busy", flag);
        list.add("accelerator.sequencer", "layer", layer, 16);
        list.add_words("accelerator.sequencer", "state", state, kStates);
    }
    [[nodiscard]] std::vector<std::string> names(const WaveLimits& limits) const {
        std::vector<std::string> names;
        for (const WaveVariable* variable : select_variables(list, limits)) names.push_back(variable->name);
        return names;
    }
};

WaveLimits globs(std::vector<std::string> scopes, int depth = 0) {
    WaveLimits limits;
    limits.scopes = std::move(scopes);
    limits.depth = depth;
    return limits;
}

TEST(WaveLimits, AllByDefault) { EXPECT_EQ(Model().names({}).size(), 11U); }

TEST(WaveLimits, Depth) {
    const Model model;
    EXPECT_THAT(model.names(globs({}, 1)), ElementsAre("top"));
    EXPECT_THAT(model.names(globs({}, 2)), ElementsAre("top", "issued", "busy", "layer", "state"));
    EXPECT_EQ(model.names(globs({}, 3)).size(), 5U);
    EXPECT_EQ(model.names(globs({}, 4)).size(), 11U);
}

TEST(WaveLimits, Globs) {
    const Model model;
    EXPECT_THAT(model.names(globs({"accelerator.dma"})), ElementsAre("busy"));
    EXPECT_EQ(model.names(globs({"accelerator"})).size(), 11U);
    EXPECT_THAT(model.names(globs({"accelerator.pe_array.row0"})), ElementsAre("row0pe0", "row0pe1", "row0pe10"));
    EXPECT_THAT(model.names(globs({"accelerator.pe_array.*"})),
                ElementsAre("row0pe0", "row0pe1", "row0pe10", "row1pe0", "row1pe1", "row1pe10"));
    EXPECT_THAT(model.names(globs({"*.pe1"})), ElementsAre("row0pe1", "row1pe1"));
    EXPECT_THAT(model.names(globs({"*.row[1-3].pe?"})), ElementsAre("row1pe0", "row1pe1"));
    EXPECT_THAT(model.names(globs({"*.dma", "accelerator.pe_*.row1.pe10"})), ElementsAre("row1pe10", "busy"));
    EXPECT_THAT(model.names(globs({"accelerator.pe_array"}, 2)), ElementsAre("issued"));
}

TEST(WaveLimits, EveryGlobMustMatch) {
    const Model model;
    EXPECT_THAT(
        [&] {
            (void)model.names(globs({"accelerator.dma", "accelerator.pe_aray"}));
        },
        ThrowsMessage<InputError>(
            AllOf(HasSubstr("'accelerator.pe_aray'"), HasSubstr("accelerator.pe_array, "), Not(HasSubstr("row0")))));
    EXPECT_THAT([&] { (void)model.names(globs({"pe_array"})); }, ThrowsMessage<InputError>(HasSubstr("'pe_array'")));
    EXPECT_THAT([&] { (void)model.names(globs({"*.row0"}, 2)); }, ThrowsMessage<InputError>(HasSubstr("depth 2")));
    EXPECT_THAT(select_variables(WaveList(), {}), IsEmpty());
}

TEST(WaveLimits, Validate) {
    WaveLimits limits;
    EXPECT_NO_THROW(limits.validate());
    limits.first_cycle = limits.end_cycle = 7;
    EXPECT_THAT([&] { limits.validate(); }, ThrowsMessage<InputError>(HasSubstr("7")));
    limits = {};
    limits.depth = -1;
    EXPECT_THAT([&] { limits.validate(); }, ThrowsMessage<InputError>(HasSubstr("depth -1")));
    limits = {};
    limits.layer = -2;
    EXPECT_THAT([&] { limits.validate(); }, ThrowsMessage<InputError>(HasSubstr("layer -2")));
}

TEST(WaveGate, OpenInTheLayer) {
    MadeUpActivity activity;
    WaveList list;
    list.follow(activity);
    WaveLimits limits;
    limits.layer = 2;
    const WaveGate gate(limits, list);
    EXPECT_FALSE(gate.open(0));
    for (int layer = 0; layer < 4; ++layer) {
        activity.now_layer = layer;
        EXPECT_EQ(gate.open(0), layer == 2) << layer;
    }
}

TEST(WaveGate, OpenInTheBatch) {
    MadeUpActivity activity;
    WaveList list;
    list.follow(activity);
    WaveLimits limits;
    limits.image = 4;
    const WaveGate gate(limits, list);
    EXPECT_FALSE(gate.open(0));
    for (int batch = 3; batch < 6; ++batch) {
        activity.now_batch = batch;
        EXPECT_EQ(gate.open(0), batch == 4) << batch;
    }
}

TEST(WaveGate, EveryLimitMustAllowIt) {
    MadeUpActivity activity;
    WaveList list;
    list.follow(activity);
    activity.now_layer = 2;
    WaveLimits limits;
    limits.first_cycle = 3;
    limits.end_cycle = 5;
    limits.layer = 2;
    const WaveGate gate(limits, list);
    EXPECT_FALSE(gate.open(2));
    EXPECT_TRUE(gate.open(3));
    EXPECT_TRUE(gate.open(4));
    EXPECT_FALSE(gate.open(5));
    activity.now_layer = 1;
    EXPECT_FALSE(gate.open(4));
}

TEST(WaveGate, NeedsAModelThatTellsOfItsWork) {
    const Model model;
    WaveLimits limits;
    EXPECT_TRUE(WaveGate(limits, model.list).open(0));
    limits.layer = 0;
    EXPECT_THAT([&] { WaveGate(limits, model.list); }, ThrowsMessage<InputError>(HasSubstr("cannot record one layer")));
    limits = {};
    limits.image = 0;
    EXPECT_THAT([&] { WaveGate(limits, model.list); }, ThrowsMessage<InputError>(HasSubstr("cannot record one image")));
}

}  // namespace
}  // namespace widthwise::test

// SPDX-License-Identifier: Apache-2.0
#include "trace/wave_views.h"

#include <gmock/gmock.h>

#include <array>
#include <sstream>

namespace widthwise::test {
namespace {

using testing::HasSubstr;
using testing::Not;

enum class State : std::uint8_t { idle, run };
constexpr std::array<std::string_view, 2> kStates = {"IDLE", "RUN"};

struct Model {
    Model() {
        list.add_words("accelerator.sequencer", "state", state, kStates);
        list.add("accelerator.sequencer", "layer", number, 16);
        list.add("accelerator.dma", "address", number, 32);
        list.add("accelerator.pe_array", "issued", flag);
        for (const char* pe : {"row0.pe0", "row0.pe9", "row12.pe0"}) {
            list.add(std::string("accelerator.pe_array.") + pe, "accumulator", wide, 48);
        }
        for (const WaveVariable& variable : list.variables()) variables.push_back(&variable);
    }
    bool flag = false;
    std::int32_t number = 0;
    std::int64_t wide = 0;
    State state = State::idle;
    WaveList list;
    std::vector<const WaveVariable*> variables;
};

TEST(GtkwaveView, SetsRadixAndGroups) {
    const Model model;
    const std::string view = gtkwave_view(model.variables, "out/w.vcd", "out/w.vcd.layers", 6000, 2000);
    EXPECT_THAT(view, HasSubstr("[timestart] 6000\n"));
    EXPECT_THAT(view, HasSubstr("[dumpfile] \"out/w.vcd\"\n"));
    EXPECT_THAT(view, HasSubstr("@28\naccelerator.clk\n"));
    EXPECT_THAT(view, HasSubstr("@800200\n-sequencer\n@28\naccelerator.sequencer.state\n"));
    EXPECT_THAT(view, HasSubstr("@2024\n^1 out/w.vcd.layers\naccelerator.sequencer.layer[15:0]\n"));
    EXPECT_THAT(view, HasSubstr("@22\naccelerator.dma.address[31:0]\n"));
    EXPECT_THAT(view,
                HasSubstr("@c00200\n-row0\n@c00200\n-pe0\n@420\naccelerator.pe_array.row0.pe0.accumulator[47:0]\n"));
}

TEST(GtkwaveView, EveryGroupThatOpensCloses) {
    const Model model;
    std::istringstream text(gtkwave_view(model.variables, "w", "l", 0, 2000));
    std::vector<std::pair<std::string, std::string>> open;  // flags, name
    std::string flags;
    for (std::string line; std::getline(text, line);) {
        if (line.starts_with('@')) flags = line;
        if (!line.starts_with('-')) continue;
        if (flags == "@800200" || flags == "@c00200") {
            open.emplace_back(flags, line);
        } else {
            ASSERT_FALSE(open.empty()) << line;
            EXPECT_EQ(open.back().second, line);
            EXPECT_EQ(flags, open.back().first == "@800200" ? "@1000200" : "@1401200");
            open.pop_back();
        }
    }
    EXPECT_TRUE(open.empty());
}

TEST(GtkwaveView, LeavesOutElementsBeyondTheFirstEight) {
    const Model model;
    const std::string view = gtkwave_view(model.variables, "w", "l", 0, 2000);
    EXPECT_THAT(view, Not(HasSubstr("pe9")));
    EXPECT_THAT(view, Not(HasSubstr("row12")));
}

TEST(LayerFilter, NumberAndName) {
    EXPECT_THAT(layer_filter_text({"c1", "my layer"}), testing::EndsWith("\n0 c1\n1 my_layer\n"));
}

TEST(SurferView, ShowsEachUnitsOwnSignals) {
    const Model model;
    EXPECT_EQ(
        surfer_view(model.variables),
        "variable_add accelerator.clk\nvariable_add accelerator.cycle\n"
        "divider_add sequencer\nvariable_add accelerator.sequencer.state\nvariable_add accelerator.sequencer.layer\n"
        "divider_add dma\nvariable_add accelerator.dma.address\n"
        "divider_add pe_array\nvariable_add accelerator.pe_array.issued\nzoom_fit\n");
}

}  // namespace
}  // namespace widthwise::test

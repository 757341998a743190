// SPDX-License-Identifier: Apache-2.0
#include "trace/wave_views.h"

#include <gmock/gmock.h>

#include <array>
#include <sstream>

#include "kit/file_text.h"
#include "kit/temporary_files.h"

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
    const std::string view =
        gtkwave_view(model.variables, {"out/w.vcd", "out/w.vcd.layers", "out/w.vcd.words"}, 6000, 2e6);
    EXPECT_THAT(view, HasSubstr("[timestart] 6000\n"));
    EXPECT_THAT(view, HasSubstr("[dumpfile] \"out/w.vcd\"\n"));
    EXPECT_THAT(view, HasSubstr("@28\naccelerator.clk\n"));
    EXPECT_THAT(view, HasSubstr("@800200\n-sequencer\n@2024\n^1 out/w.vcd.words/sequencer_state.txt\n"
                                "accelerator.sequencer.state[7:0]\n"));
    EXPECT_THAT(view, HasSubstr("@2024\n^2 out/w.vcd.layers\naccelerator.sequencer.layer[15:0]\n"));
    EXPECT_THAT(view, HasSubstr("@22\naccelerator.dma.address[31:0]\n"));
    EXPECT_THAT(view,
                HasSubstr("@c00200\n-row0\n@c00200\n-pe0\n@420\naccelerator.pe_array.row0.pe0.accumulator[47:0]\n"));
}

TEST(GtkwaveView, EveryGroupThatOpensCloses) {
    const Model model;
    std::istringstream text(gtkwave_view(model.variables, {"w", "l", "d"}, 0, 2e6));
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
    const std::string view = gtkwave_view(model.variables, {"w", "l", "d"}, 0, 2e6);
    EXPECT_THAT(view, Not(HasSubstr("pe9")));
    EXPECT_THAT(view, Not(HasSubstr("row12")));
}

TEST(GtkwaveView, ShowsWordsThatTheWaveformHoldsAsTheyAre) {
    const Model model;
    EXPECT_THAT(gtkwave_view(model.variables, {"w", "l", ""}, 0, 2e6), HasSubstr("@28\naccelerator.sequencer.state\n"));
}

TEST(WordsText, NumberAndNameForBothViewers) {
    EXPECT_THAT(words_text("layer", {"c1", "my layer"}, 16),
                testing::EndsWith("\nName = layer\nBits = 16\n0 c1\n1 my_layer\n"));
}

/// In such a file '#' begins a comment and "?red?" a colour.
TEST(WordsText, NamesAreOneShortHarmlessWord) {
    EXPECT_THAT(words_text("layer", {"?red?c1", "# 0 x", "a\n1 b", std::string(1000, 'x')}, 16),
                testing::EndsWith("\n0 _red?c1\n1 __0_x\n2 a\\n1_b\n3 " + std::string(39, 'x') + ".." +
                                  std::string(39, 'x') + "\n"));
}

TEST(WaveViewWriter, EveryRegisterThatReadsAsAWordHasItsFile) {
    const TemporaryFolder folder;
    const Model model;
    WaveLimits limits;
    limits.scopes = {"accelerator.dma"};  // leaves out the state itself
    const GtkwavePaths paths{"w.vcd", "w.vcd.layers", "w.vcd.words"};
    WaveViewWriter writer(limits, {"c1"},
                          {{paths, folder.path("gtkw"), folder.path("layers"), folder.path("sucl"), folder.path("")}});
    writer.begin(model.list, ClockEdges(500));
    EXPECT_THAT(read_file(folder.path("sequencer_state.txt")),
                testing::EndsWith("\nName = sequencer_state\nBits = 8\n0 IDLE\n1 RUN\n"));
    EXPECT_THAT(read_file(folder.path("layers")), testing::EndsWith("\n0 c1\n"));
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

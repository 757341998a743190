// SPDX-License-Identifier: Apache-2.0
#include "cli/run_options.h"

#include <gmock/gmock.h>

#include "cli/command.h"
#include "kit/refusal.h"

namespace widthwise {
namespace {

using testing::HasSubstr;

ParsedOptions run_options(const std::vector<std::string>& arguments) {
    return parse_options(run_command().spec, arguments);
}

Schedule two_layers() {
    static const Network kWithoutOperators;
    Schedule schedule;
    schedule.network = &kWithoutOperators;
    schedule.layers.resize(2);
    schedule.layers[0].name = "c1";
    schedule.layers[1].name = "Fc2";
    schedule.layers[1].index = 1;
    return schedule;
}

const HalfOpenRange kImages{10, 31};

TEST(WaveLimits, FromOptions) {
    const WaveLimits limits =
        wave_limits(run_options({"a", "--vcd", "w.vcd", "--wave-cycles", "5:9", "--wave-layer", "fc2", "--wave-depth",
                                 "2", "--wave-scope", "*.dma", "--wave-scope", "x"}),
                    two_layers(), kImages);
    EXPECT_EQ(limits.first_cycle, 5U);
    EXPECT_EQ(limits.end_cycle, 9U);
    EXPECT_EQ(limits.layer, 1);
    EXPECT_EQ(limits.depth, 2);
    EXPECT_THAT(limits.scopes, testing::ElementsAre("*.dma", "x"));
}

TEST(WaveLimits, LayersByAnyNameAndInQuotes) {
    Schedule schedule = two_layers();
    schedule.layers[0].name = "a,b=\"1\"";
    schedule.layers[1].name = "\"c\"";
    const auto layer = [&](const std::string& name) {
        return wave_limits(run_options({"a", "--vcd", "w.vcd", "--wave-layer=" + name}), schedule, kImages).layer;
    };
    EXPECT_EQ(layer("A,b=\"1\""), 0);
    EXPECT_EQ(layer("\"a,b=\"\"1\"\"\""), 0);
    EXPECT_EQ(layer("\"c\""), 1);
}

TEST(WaveLimits, ByDefaultTheFirstCyclesOfEverything) {
    const WaveLimits limits = wave_limits(run_options({"a", "--vcd", "w.vcd"}), two_layers(), kImages);
    EXPECT_EQ(limits.first_cycle, 0U);
    EXPECT_EQ(limits.end_cycle, kDefaultWaveCycles);
    EXPECT_FALSE(limits.layer);
    EXPECT_TRUE(limits.scopes.empty());
}

TEST(WaveLimits, RefusesUnknownLayersAndDepths) {
    const auto refused = [](const std::string& option, const std::string& value) {
        return test::refusal([&] {
            static_cast<void>(wave_limits(run_options({"a", "--vcd", "w.vcd", option, value}), two_layers(), kImages));
        });
    };
    EXPECT_THAT(refused("--wave-layer", "fc3"), HasSubstr("did you mean 'Fc2'?"));
    EXPECT_THAT(refused("--wave-depth", "0"), HasSubstr("--wave-depth"));
    EXPECT_THAT(refused("--wave-cycles", "9:5"), HasSubstr("--wave-cycles"));
}

TEST(WaveLimits, AnImageStandsForItsBatch) {
    Schedule schedule = two_layers();
    schedule.images = 8;
    const auto limits = [&](const std::string& image) {
        return wave_limits(run_options({"a", "--fst", "w.fst", "--wave-image", image}), schedule, kImages);
    };
    EXPECT_EQ(limits("10").image, 10);
    EXPECT_EQ(limits("17").image, 10);
    EXPECT_EQ(limits("18").image, 18);
    EXPECT_EQ(limits("30").image, 26);
    EXPECT_EQ(limits("30").end_cycle, WaveLimits::kUnlimited);
    EXPECT_THAT(test::refusal([&] { limits("31"); }), HasSubstr("--wave-image: 31 is out of range (allowed: 10..30)"));
}

TEST(CheckWaveformOptions, NeedTheFileAndOneJob) {
    EXPECT_NO_THROW(check_waveform_options(run_options({"a", "--jobs", "2"})));
    EXPECT_NO_THROW(check_waveform_options(run_options({"a", "--vcd", "w.vcd", "--jobs", "1"})));
    EXPECT_THAT(test::refusal([] {
                    check_waveform_options(run_options({"a", "--wave-depth", "2"}));
                }),
                HasSubstr("--wave-depth needs --vcd"));
    EXPECT_THAT(test::refusal([] {
                    check_waveform_options(run_options({"a", "--vcd", "w", "--jobs", "2"}));
                }),
                HasSubstr("--jobs"));
}

TEST(CheckEngine, KnowsWhatThereIs) {
    EXPECT_EQ(chosen_engine(run_options({"a"})), EngineChoice::systemc);
    EXPECT_EQ(chosen_engine(run_options({"a", "--engine", "fast"})), EngineChoice::fast);
    EXPECT_THAT(test::refusal([] { chosen_engine(run_options({"a", "--engine", "system"})); }), HasSubstr("systemc"));
}

TEST(RepeatedOptions, KeepsWhatChangesResults) {
    EXPECT_EQ(repeated_options(run_options({"a", "--accumulator", "18", "--jobs", "2"}), {"engine", "accumulator"}),
              " --accumulator 18");
}

}  // namespace
}  // namespace widthwise

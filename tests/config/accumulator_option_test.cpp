// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "config/hardware.h"
#include "config/run_config.h"
#include "kit/refusal.h"

namespace widthwise {
namespace {

using test::refusal;
using Widths = std::map<std::string, int>;

AccumulatorParams with(int bits, Widths layers) {
    AccumulatorParams params;
    params.format.bits = bits;
    params.layer_bits = std::move(layers);
    return params;
}

AccumulatorParams applied(AccumulatorParams params, const std::string& option) {
    apply_accumulator_option(params, option);
    return params;
}

TEST(AccumulatorOption, AWidthSetsEveryLayer) { EXPECT_EQ(applied(with(32, {{"c3", 16}}), "18"), with(18, {})); }

TEST(AccumulatorOption, NamedLayersChangeAndOthersStay) {
    EXPECT_EQ(applied(with(32, {{"c3", 20}, {"c5", 21}}), "C1=18,c3=16"),
              with(32, {{"c1", 18}, {"c3", 16}, {"c5", 21}}));
}

TEST(AccumulatorOption, AWidthMayPrecedeExceptions) {
    EXPECT_EQ(applied(with(32, {{"c5", 21}}), " 18 , c3 = 16 "), with(18, {{"c3", 16}}));
}

TEST(AccumulatorOption, TakesBothEndsOfTheRange) { EXPECT_EQ(applied(with(32, {}), "2,c1=48"), with(2, {{"c1", 48}})); }

TEST(AccumulatorOption, AnyNameCanBeQuoted) {
    EXPECT_EQ(applied(with(32, {}), R"(18, "A,b"=16,"a=1" = 15,"say ""x"""=14," "=13)"),
              with(18, {{"a,b", 16}, {"a=1", 15}, {"say \"x\"", 14}, {" ", 13}}));
    EXPECT_EQ(applied(with(32, {}), "a\xff=18"), with(32, {{"a\\xff", 18}})) << "as names are read from networks";
}

TEST(AccumulatorOption, ItsTextReadsBack) {
    const Widths widths = {{"a,b", 16}, {"a=1", 15}, {"\"", 14}, {" c ", 13}, {"conv1/conv", 12}, {"\x1b[1m\n", 11}};
    EXPECT_EQ(applied(with(32, {}), layer_widths_text(widths)), with(32, widths));
    EXPECT_EQ(layer_widths_text({{"c1", 18}, {"c3", 16}}), "c1=18,c3=16");
}

TEST(AccumulatorOption, NamesWhatWasGiven) {
    const auto message = [](const std::string& option) {
        AccumulatorParams params = with(32, {{"c3", 20}});
        const std::string text = refusal([&] { apply_accumulator_option(params, option); });
        EXPECT_EQ(params, with(32, {{"c3", 20}})) << "a refused option changed something";
        const std::string start = "accumulator specification '" + option + "': ";
        EXPECT_TRUE(text.starts_with(start)) << text;
        return text.substr(start.size());
    };
    EXPECT_EQ(message("1"), "1 is out of range (allowed: 2..48)");
    EXPECT_EQ(message("49"), "49 is out of range (allowed: 2..48)");
    EXPECT_EQ(message("c1=18,C3=99"), "layer 'c3': 99 is out of range (allowed: 2..48)");
    EXPECT_EQ(message("c1=9999999999999"), "layer 'c1': 9999999999999 is out of range (allowed: 2..48)");
    EXPECT_EQ(message("c1=wide"), "layer 'c1': 'wide' is not an integer (allowed: 2..48)");
    EXPECT_EQ(message("c1=8.5"), "layer 'c1': '8.5' is not an integer (allowed: 2..48)");
    EXPECT_EQ(message("c1="), "layer 'c1': '' is not an integer (allowed: 2..48)");
    EXPECT_EQ(
        message("a=1=16"),
        "layer 'a': '1=16' is not an integer (allowed: 2..48); a name with ',' or '=' stands in double quotes, as in "
        "\"a=1\"=18");
    EXPECT_EQ(message("\"a=16"), "'\"a=16' has a name without a closing double quote");
    EXPECT_EQ(message("\"a\"16"), "'\"a\"16' has no '=' behind the quoted name");
    EXPECT_EQ(message("=18"), "'=18' names no layer before the '='");
    EXPECT_EQ(message("c1=18,C1=20"), "the layer 'c1' is given twice");
    EXPECT_EQ(message("c1=18,20"), "the width 20 names no layer and is not the first");
    EXPECT_EQ(message(""), "expects a width like 18, or layers like c1=18,c3=16");
    EXPECT_EQ(message("18,"), "expects a width like 18, or layers like c1=18,c3=16");
}

}  // namespace
}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "cli/compare.h"

#include <gmock/gmock.h>

#include "kit/refusal.h"

namespace widthwise {
namespace {

using testing::ElementsAre;

TEST(ParseWidths, KeepsTheOrder) {
    EXPECT_THAT(parse_widths("20,18,2"), ElementsAre(20, 18, 2));
    EXPECT_THAT(parse_widths("48"), ElementsAre(48));
    EXPECT_THAT(parse_widths(" 20, 18\t,16 "), ElementsAre(20, 18, 16)) << "as --accumulator takes blanks";
}

TEST(ParseWidths, RefusesWhatIsNoWidth) {
    for (const char* text : {"", "18,", "18,18", "1", "49", "18;16", "a", "18, \"16\"", "18 16"}) {
        EXPECT_THAT(test::refusal([&] { static_cast<void>(parse_widths(text)); }), testing::HasSubstr("--widths"));
    }
}

}  // namespace
}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <gmock/gmock.h>

#include "cli/command.h"
#include "kit/file_text.h"
#include "kit/refusal.h"

namespace widthwise {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

CommandSpec spec() {
    CommandSpec spec;
    spec.name = "run";
    spec.argument = "CONFIG";
    spec.options = {{"images", "A:B", "Images."}, {"force", "", "Replace."}, {"scope", "GLOB", "Scopes.", true}};
    spec.examples = {"a.yaml"};
    return spec;
}

std::string refusal_of(const std::vector<std::string>& arguments) {
    return test::refusal([&] { static_cast<void>(parse_options(spec(), arguments)); });
}

TEST(ParseOptions, TakesOptionsAndTheArgumentInAnyOrder) {
    const ParsedOptions options =
        parse_options(spec(), {"--scope", "a.*", "c.yaml", "--images=0:10", "--scope", "b", "--force", "--json"});
    EXPECT_EQ(options.argument, "c.yaml");
    EXPECT_EQ(options.text("images"), "0:10");
    EXPECT_THAT(options.texts("scope"), ElementsAre("a.*", "b"));
    EXPECT_TRUE(options.has("force"));
    EXPECT_TRUE(options.has("json"));
    EXPECT_FALSE(options.has("quiet"));
    EXPECT_EQ(options.text("missing", "fallback"), "fallback");
}

TEST(ParseOptions, HelpNeedsNoArgument) {
    EXPECT_TRUE(parse_options(spec(), {"--help"}).has("help"));
    EXPECT_TRUE(parse_options(spec(), {"-h"}).has("help"));
}

TEST(ParseOptions, UnknownOptionsSuggestTheNearest) {
    EXPECT_THAT(refusal_of({"a.yaml", "--imges", "0:1"}), HasSubstr("'--imges', did you mean '--images'?"));
    EXPECT_THAT(refusal_of({"a.yaml", "--quite"}), HasSubstr("did you mean '--quiet'?"));
    EXPECT_THAT(refusal_of({"a.yaml", "-x"}), HasSubstr("unknown option '-x'"));
    EXPECT_THAT(refusal_of({"a.yaml", "--image", "0:1"}), HasSubstr("unknown option")) << "no abbreviations";
}

TEST(ParseOptions, RefusesWhatIsMissingOrTooMuch) {
    EXPECT_THAT(refusal_of({}), HasSubstr("CONFIG is missing"));
    EXPECT_THAT(refusal_of({""}), HasSubstr("CONFIG is empty"));
    EXPECT_THAT(refusal_of({"a", "b"}), HasSubstr("not also 'b'"));
    EXPECT_THAT(refusal_of({"a", "--images"}), HasSubstr("--images"));
    EXPECT_THAT(refusal_of({"a", "--images="}), HasSubstr("--images"));
    EXPECT_THAT(refusal_of({"a", "--images", "0:1", "--images", "0:2"}), HasSubstr("--images is given twice"));
    EXPECT_THAT(refusal_of({"a", "--force=yes"}), HasSubstr("--force"));
}

TEST(ParseRange, IsHalfOpenAndWithinItsLimit) {
    EXPECT_EQ(parse_range("--images", "0:100", 100), (HalfOpenRange{0, 100}));
    EXPECT_EQ(parse_range("--images", "99:100", 100), (HalfOpenRange{99, 100}));
    for (const char* text : {"", ":", "5", "5:", ":5", "5:5", "6:5", "0:101", "-1:5", "+1:5", "1:2:3", "a:b", "1: 2",
                             "0x1:2", "0:99999999999999999999", "1.0:2"}) {
        const std::string message = test::refusal([&] { static_cast<void>(parse_range("--images", text, 100)); });
        EXPECT_THAT(message, HasSubstr("--images: '" + std::string(text) + "'"));
        EXPECT_THAT(message, HasSubstr("A < B <= 100"));
    }
}

TEST(ParseInteger, WithinItsRange) {
    EXPECT_EQ(parse_integer("--jobs", "8", {1, 256}), 8);
    for (const char* text : {"", "x", "8x", " 8", "1.5", "0", "257", "-1", "99999999999"}) {
        EXPECT_THAT(test::refusal([&] {
                        static_cast<void>(parse_integer("--jobs", text, {1, 256}));
                    }),
                    testing::AllOf(HasSubstr("--jobs"), HasSubstr("1..256")))
            << text;
    }
}

TEST(ShellWord, QuotesWhatAShellWouldChange) {
    EXPECT_EQ(shell_word("configs/a-b.yaml"), "configs/a-b.yaml");
    EXPECT_EQ(shell_word("c1=18,c3=16"), "c1=18,c3=16");
    EXPECT_EQ(shell_word("my file"), "'my file'");
    EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
    EXPECT_EQ(shell_word(""), "''");
}

TEST(HelpText, NamesEveryOptionAndFitsTheScreen) {
    for (const Command& command : commands()) {
        const std::string help = help_text(command.spec, "build/release/widthwise");
        for (const OptionSpec& option : command.spec.options) EXPECT_THAT(help, HasSubstr("--" + option.name));
        ASSERT_FALSE(command.spec.examples.empty());
        for (const std::string& example : command.spec.examples) {
            EXPECT_THAT(help, HasSubstr("  build/release/widthwise " + command.spec.name + " " + example + "\n"));
        }
        for (const std::string& line : test::lines(help)) EXPECT_LE(line.size(), 120U) << line;
    }
}

}  // namespace
}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "explore/journal.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "explore/journal_line.h"
#include "kit/file_text.h"
#include "kit/refusal.h"
#include "kit/temporary_files.h"

namespace widthwise {
namespace {

using testing::HasSubstr;

std::string digest(int n) { return fmt::format("{:032x}", n); }

ValueOutcome outcome(int n) {
    ValueOutcome made;
    made.images = 10;
    made.labelled = 9;
    made.correct = static_cast<std::uint64_t>(n);
    if (n > 0) made.output = OutputComparison{7, {{20, 3, 900, 27, 5}, {20, 0, 12345, 0, 0}}};
    made.layers.resize(3);
    made.layers[0].overflow = {100, 7, 2, 3};
    made.layers[0].events[Event::mac_gated] = 12;
    for (const std::int64_t psum : {-5, 0, n}) made.layers[1].psums.add(psum);
    PsumStats& many = made.layers[2].psums;  // sums beyond 64 bits
    many.add(-(std::int64_t{1} << 46));
    many.count <<= 20U;
    many.sum *= std::int64_t{1} << 20;
    many.sum_of_squares <<= 20U;
    return made;
}

class JournalFile : public testing::Test {
protected:
    [[nodiscard]] std::string path() const { return folder_.path("journal"); }
    void write_entries(int count) const {
        Journal journal(path());
        for (int n = 0; n < count; ++n) journal.add(digest(n), outcome(n));
    }
    test::TemporaryFolder folder_;
};

TEST_F(JournalFile, GivesBackWhatWasAdded) {
    write_entries(3);
    const Journal journal(path());
    EXPECT_EQ(journal.size(), 3U);
    EXPECT_EQ(journal.damaged(), 0U);
    for (int n = 0; n < 3; ++n) {
        ASSERT_NE(journal.find(digest(n)), nullptr);
        EXPECT_EQ(*journal.find(digest(n)), outcome(n));
    }
    EXPECT_EQ(journal.find(digest(3)), nullptr);
}

TEST_F(JournalFile, LeavesOutATailThatWasCutShort) {
    write_entries(3);
    const std::string whole = test::read_file(path());
    const std::size_t last = whole.rfind('\n', whole.size() - 2) + 1;
    // Wherever the cut is, even right before the end of the line.
    for (std::size_t size = last + 1; size < whole.size(); size += 7) {
        folder_.write("journal", whole.substr(0, size));
        {
            Journal journal(path());
            EXPECT_EQ(journal.size(), 2U);
            EXPECT_EQ(journal.damaged(), 1U);
            journal.add(digest(2), outcome(2));
        }
        const Journal again(path());
        EXPECT_EQ(again.size(), 3U);
        EXPECT_EQ(*again.find(digest(2)), outcome(2));
    }
}

TEST_F(JournalFile, LeavesOutDamagedLines) {
    write_entries(3);
    std::string text = test::read_file(path());
    text[text.find("\"correct\":1") + 10] = '7';
    folder_.write("journal", text);
    const Journal journal(path());
    EXPECT_EQ(journal.size(), 2U);
    EXPECT_EQ(journal.damaged(), 1U);
    EXPECT_EQ(journal.find(digest(1)), nullptr);
}

TEST_F(JournalFile, SurvivesATitleThatWasCutShort) {
    folder_.write("journal", "widthwise-jou");
    EXPECT_EQ(Journal(path()).size(), 0U);
    write_entries(1);
    EXPECT_EQ(Journal(path()).size(), 1U);
}

TEST_F(JournalFile, WritesAnotherFileOrderedAndWithoutTheRest) {
    write_entries(3);
    {
        Journal journal(path());
        const std::vector<std::string> kept = {digest(2), digest(0)};
        journal.write(folder_.path("kept"), kept);
    }
    Journal other(folder_.path("other"));
    other.add(digest(2), outcome(2));
    other.add(digest(0), outcome(0));
    EXPECT_EQ(test::read_file(folder_.path("kept")), test::read_file(folder_.path("other")));
}

TEST_F(JournalFile, TakesOverOthers) {
    write_entries(2);
    Journal journal;
    journal.take_over(path());
    EXPECT_EQ(journal.size(), 2U);
    journal.take_over(path());
    EXPECT_EQ(journal.size(), 2U);
    Journal contrary;
    contrary.add(digest(1), outcome(8));
    EXPECT_THAT(test::refusal([&] { contrary.take_over(path()); }), HasSubstr("contradicts"));
    EXPECT_THAT(test::refusal([&] { contrary.take_over(folder_.path("absent")); }), HasSubstr("cannot be read"));
}

TEST_F(JournalFile, RefusesOtherFiles) {
    folder_.write("journal", "shopping list\n");
    EXPECT_THAT(test::refusal([&] { Journal journal(path()); }), HasSubstr("was not written by widthwise sweep"));
    EXPECT_THAT(test::refusal([&] { Journal journal(folder_.path("no/such/folder")); }),
                HasSubstr("cannot be written"));
}

/// An entry of four images whose sum is right, with something else in place of a part.
std::string entry_with(const std::string& part, const std::string& other) {
    std::string json =
        R"({"images":4,"labelled":4,"correct":1,"layers":[[18816,78241,23,7525,0,18816,-163252,122300,"-40083811",)"
        R"("9385112735053"],[6400,0,0,0,0,6400,0,0,"0","0"]]})";
    json.replace(json.find(part), part.size(), other);
    return "widthwise-journal 1\n" + journal_line(digest(1), json);
}

TEST_F(JournalFile, RefusesEntriesWhoseSumIsRightAndWhoseContentIsNot) {
    folder_.write("journal", entry_with("", ""));
    ASSERT_EQ(Journal(path()).size(), 1U);
    const struct {
        const char *part, *other, *problem;
    } cases[] = {
        {R"("images":4)", R"("images":3)", "labelled is more than images"},
        {R"("correct":1)", R"("correct":5)", "correct is more than labelled"},
        {R"("correct":1)", R"("correct":-1)", "correct is -1, expected a count"},
        {R"("correct":1)", R"("correct":1.0)", "correct is 1.0, expected a count"},
        {R"("correct":1,)", "", "correct is missing"},
        {R"("correct":1)", R"("correct":1,"more":2)", R"("more" is no member of an entry)"},
        {R"("layers":[)", R"("layers":7,"x":[)", "is no member"},
        {R"([6400,0,0,0,0,6400,0,0,"0","0"])", "[]", "layer 2 is [], expected a list of 10 numbers"},
        {R"([6400,)", R"([1e+300,)", "layer 2: outputs is 1e+300, expected a count"},
        {R"(,23,)", R"(,111111111111111111111111,)", "layer 1: transient overflows is 1.1111"},
        {R"(,23,)", R"(,18816,)", "layer 1: has more outputs that overflowed than outputs"},
        {R"(78241)", R"(7000)", "layer 1: has fewer overflow events than outputs that overflowed"},
        {R"(122300)", R"(9223372036854775807)", "layer 1: has a sum of squares that its range of psums cannot give"},
        {R"(122300)", R"(9223372036854775808)", "greatest psum is 9223372036854775808, expected an integer of 64 bits"},
        {R"(-163252)", R"(-9223372036854775808)", "layer 1: has a sum of squares that its range of psums cannot give"},
        {R"(-163252)", R"(163252)", "layer 1: has a least psum above the greatest"},
        {R"("-40083811")", R"(-40083811)", "sum of psums is -40083811, expected the digits of an integer below 2^127"},
        {R"("-40083811")", R"("-170141183460469231731687303715884105728")", "expected the digits of an integer"},
        {R"("-40083811")", R"("-170141183460469231731687303715884105727")", "outside their number times their range"},
        {R"("-40083811")", R"("")", "expected the digits of an integer"},
        {R"("-40083811")", R"("-")", "expected the digits of an integer"},
        {R"("9385112735053")", R"("-9385112735053")", "layer 1: sum of squares is negative"},
        {R"("9385112735053")", R"("93851127350530000")", "sum of squares that its range of psums cannot give"},
        {R"(6400,0,0,"0")", R"(0,0,0,"0")", "layer 2: has a range or a sum of psums, and no psums"},
        {R"({"images")", R"([{"images")", "is no JSON object"},
        {R"("layers":[)", R"("output":7,"layers":[)", "output is 7, expected a list"},
        {R"("layers":[)", R"("output":[1],"layers":[)", "output is [1], expected a list"},
        {R"("layers":[)", R"("output":[5,[4,0,"9","0",0]],"layers":[)", "output: has more agreeing images than images"},
        {R"("layers":[)", R"("output":[4,[4,0,"9","0"]],"layers":[)",
         "output: scale 1 is [4,0,\"9\",\"0\"], expected a list of 5"},
        {R"("layers":[)", R"("output":[4,[4,5,"9","5",1]],"layers":[)",
         "output: scale 1 has more different values than values"},
        {R"("layers":[)", R"("output":[4,[4,2,"9","1",1]],"layers":[)",
         "output: scale 1 has squares of differences that"},
        {R"("layers":[)", R"("output":[4,[4,2,"9","19",3]],"layers":[)",
         "output: scale 1 has squares of differences that"},
        {R"("layers":[)", R"("output":[4,[4,0,"9","0",3]],"layers":[)",
         "output: scale 1 has squares of differences that"},
        {R"("layers":[)", R"("output":[4,[4,1,"-9","1",1]],"layers":[)",
         "output: scale 1 has a negative sum of squares"},
    };
    for (const auto& [part, other, problem] : cases) {
        folder_.write("journal", entry_with(part, other));
        const std::string message = test::refusal([&] { Journal journal(path()); });
        EXPECT_THAT(message, testing::AllOf(HasSubstr("journal '" + path() + "', line 2: "), HasSubstr(problem)));
        Journal whole;
        EXPECT_EQ(test::refusal([&] { whole.take_over(path()); }), message);
    }
}

TEST_F(JournalFile, RefusesWhatHasNoEnd) {
    std::filesystem::create_symlink("/dev/zero", folder_.path("endless"));
    Journal journal;
    EXPECT_THAT(test::refusal([&] { journal.take_over(folder_.path("endless")); }),
                HasSubstr("it is a device, not a regular file"));
    EXPECT_THAT(test::refusal([&] { Journal opened(folder_.path("endless")); }),
                HasSubstr("it is a device, not a regular file"));
}

TEST_F(JournalFile, SaysWhatItIsAbout) {
    {
        Journal journal(path());
        journal.set_about(R"({"images":"a"})");
        EXPECT_TRUE(Journal::is_blank(path())) << "with the first entry";
        journal.add(digest(1), outcome(1));
        journal.add(digest(2), outcome(2));
    }
    const Journal journal(path());
    EXPECT_EQ(journal.about(), R"({"images":"a"})");
    EXPECT_EQ(journal.size(), 2U);
    EXPECT_EQ(journal.damaged(), 0U);
    EXPECT_EQ(journal.place(digest(2)), "journal '" + path() + "', line 4");
    const std::vector<std::string> all = {digest(1), digest(2)};
    journal.write(folder_.path("again"), all);
    EXPECT_EQ(test::read_file(folder_.path("again")), test::read_file(path()));
}

TEST_F(JournalFile, BelongsToOneProcess) {
    const Journal journal(path());
    EXPECT_THAT(test::refusal([&] { Journal second(path()); }), HasSubstr("in use"));
}

}  // namespace
}  // namespace widthwise

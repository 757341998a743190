// SPDX-License-Identifier: Apache-2.0
#include "explore/journal.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "results/result_files.h"

namespace widthwise {
namespace {

using testing::HasSubstr;

std::string digest(int n) { return fmt::format("{:032x}", n); }

ValueOutcome outcome(int n) {
    ValueOutcome made;
    made.images = 10;
    made.labelled = 9;
    made.correct = static_cast<std::uint64_t>(n);
    made.layers.resize(3);
    made.layers[0].overflow = {100, 7, 2, 3};
    made.layers[0].events[Event::mac_gated] = 12;
    for (const std::int64_t psum : {-5, 0, n}) made.layers[1].psums.add(psum);
    made.layers[2].psums.add(-(std::int64_t{1} << 46));
    made.layers[2].psums.sum_of_squares <<= 20U;  // beyond 64 bits
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

TEST_F(JournalFile, RewriteOrdersAndDrops) {
    write_entries(3);
    {
        Journal journal(path());
        const std::vector<std::string> kept = {digest(2), digest(0)};
        journal.rewrite(kept);
    }
    Journal other(folder_.path("other"));
    other.add(digest(2), outcome(2));
    other.add(digest(0), outcome(0));
    EXPECT_EQ(test::read_file(path()), test::read_file(folder_.path("other")));
    EXPECT_THAT(folder_.names(), testing::ElementsAre("journal", "other"));
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

TEST_F(JournalFile, BelongsToOneProcess) {
    const Journal journal(path());
    EXPECT_THAT(test::refusal([&] { Journal second(path()); }), HasSubstr("in use"));
}

}  // namespace
}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// widthwise sweep from outside: files, resuming, shards and merging.
#include "explore/sweep_command.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "kit/file_text.h"
#include "kit/refusal.h"

namespace widthwise {
namespace {

using test::SweepCommand;

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(SweepCommand, WritesWholeTables) {
    sweep_into("out");
    auto written = files("out");
    ASSERT_EQ(written.size(), 4U);
    const std::vector<std::string> points = test::lines(written["points.csv"]);
    ASSERT_EQ(points.size(), 33U);
    EXPECT_THAT(points[0], testing::StartsWith("point,accumulator_bits,layer_accumulators,overflow,"));
    EXPECT_THAT(points[1], testing::StartsWith("0,20,,saturate,per_add,preload,8,8,broadcast,row,4,"));
    EXPECT_THAT(points[2], HasSubstr(",course,"));
    EXPECT_EQ(test::lines(written["layers.csv"]).size(), 1 + 32 * 5U);
    const auto json = nlohmann::json::parse(written["sweep.json"]);
    EXPECT_EQ(json["points"].size(), 32U);
    EXPECT_EQ(json["points"][31]["settings"]["overflow"], "wrap");
    EXPECT_EQ(json["images"]["count"], 40);
    EXPECT_EQ(json["energy_tables"].size(), 2U);
    EXPECT_EQ(json["shard"], nullptr);
}

TEST_F(SweepCommand, PrintsATableOrJson) {
    const test::ToolResult table = run({});
    EXPECT_EQ(table.status, 0);
    EXPECT_THAT(table.out, AllOf(HasSubstr("32 of 32 points"), HasSubstr("accuracy"), HasSubstr("4x16")));
    for (const std::string& line : test::lines(table.out)) {
        const bool names_a_file = line.find(folder_.path()) != std::string::npos;
        EXPECT_TRUE(names_a_file || line.size() <= 100U) << line;
    }
    EXPECT_THAT(table.err, HasSubstr("32 points come down to 8 evaluations, 8 of them to be done"));
    const test::ToolResult json = run({"--json", "--quiet"});
    EXPECT_EQ(nlohmann::json::parse(json.out)["points"].size(), 32U);
}

TEST_F(SweepCommand, ResultsDoNotDependOnThreads) {
    sweep_into("one", {"--jobs", "1"});
    sweep_into("three", {"--jobs", "3"});
    EXPECT_EQ(files("one"), files("three"));
}

TEST_F(SweepCommand, MergedShardsGiveTheSameBytes) {
    sweep_into("whole");
    for (const int count : {2, 5}) {
        std::vector<std::string> merge;
        for (int i = 1; i <= count; ++i) {
            const std::string part = fmt::format("part{}of{}", i, count);
            sweep_into(part, {"--shard", fmt::format("{}/{}", i, count)});
            merge.insert(merge.end(), {"--merge", folder_.path(part)});
            const auto points = test::lines(files(part)["points.csv"]);
            ASSERT_GT(points.size(), 1U);
            EXPECT_THAT(points[1], testing::StartsWith(fmt::format("{},", i - 1)));
        }
        const std::string merged = fmt::format("merged{}", count);
        sweep_into(merged, merge);
        EXPECT_EQ(files(merged), files("whole"));
    }
}

TEST_F(SweepCommand, MergingNeedsAllParts) {
    path_ = test::write_sweep(folder_, "  accumulator_bits: [20, 17, 15, 13]\n");
    sweep_into("part", {"--shard", "1/2"});
    const test::ToolResult result = run({"--merge", folder_.path("part"), "--out", folder_.path("all")});
    EXPECT_EQ(result.status, 2);
    EXPECT_THAT(result.err, HasSubstr("2 of 4 points were not computed; the first is point 1 (accumulator_bits 17)"));
}

TEST_F(SweepCommand, ResumesWhatWasInterrupted) {
    sweep_into("whole");
    const std::string journal = files("whole")["journal"];
    // As if the machine had died while the fourth of eight entries was written.
    std::size_t cut = 0;
    for (int line = 0; line < 6; ++line) cut = journal.find('\n', cut) + 1;
    cut += 50;
    folder_.write("broken/journal", journal.substr(0, cut));
    const test::ToolResult resumed = run({"--out", folder_.path("broken"), "--resume"});
    EXPECT_EQ(resumed.status, 0) << resumed.err;
    EXPECT_THAT(resumed.err,
                AllOf(HasSubstr("4 evaluations are in the journal"), HasSubstr("1 journal entries are incomplete"),
                      HasSubstr("8 evaluations, 4 of them to be done")));
    EXPECT_EQ(files("broken"), files("whole"));
}

TEST_F(SweepCommand, ResumesASweepThatGrew) {
    path_ = test::write_sweep(folder_, "  accumulator_bits: [16, 18]\n");
    sweep_into("out");
    path_ = test::write_sweep(folder_, "  energy_table: [course, jouppi-7nm]\n  accumulator_bits: [18, 17, 16]\n");
    const test::ToolResult grown = run({"--out", folder_.path("out"), "--resume"});
    EXPECT_THAT(grown.err, HasSubstr("6 points come down to 3 evaluations, 1 of them to be done"));
    sweep_into("fresh");
    EXPECT_EQ(files("out"), files("fresh"));
}

TEST_F(SweepCommand, AMergeThatFailsLeavesNothing) {
    path_ = test::write_sweep(folder_, "  accumulator_bits: [20, 17, 15, 13]\n");
    for (const char* part : {"1", "2"}) sweep_into(fmt::format("part{}", part), {"--shard", fmt::format("{}/2", part)});
    const std::string all = folder_.path("all");
    EXPECT_EQ(run({"--merge", folder_.path("part1"), "--merge", folder_.path("typo"), "--out", all}).status, 2);
    EXPECT_FALSE(std::filesystem::exists(all));
    EXPECT_EQ(run({"--merge", folder_.path("part1"), "--out", all}).status, 2) << "the other part's points are missing";
    EXPECT_FALSE(std::filesystem::exists(all));
    EXPECT_FALSE(std::filesystem::exists(all + ".partial"));
    sweep_into("all", {"--merge", folder_.path("part1"), "--merge", folder_.path("part2")});
}

TEST_F(SweepCommand, ResumingWithOtherImagesIsRefused) {
    sweep_into("out");
    const auto before = files("out");
    const auto refusal = [&] {
        const test::ToolResult result = run({"--out", folder_.path("out"), "--resume"});
        EXPECT_EQ(result.status, 2);
        EXPECT_EQ(files("out"), before);
        return result.err;
    };
    path_ = test::write_sweep(folder_, test::kMixedAxes, 0, 41);
    EXPECT_THAT(refusal(), HasSubstr("holds values of another range of images: 0:40, where this sweep has 0:41"));
    path_ = test::write_sweep(folder_, test::kMixedAxes, 0, 40,
                              test::write_config(folder_, "preprocessing:\n  scale: 1/256\n"));
    EXPECT_THAT(refusal(), HasSubstr("holds values of another preprocessing.scale: "));
    path_ = test::write_sweep(folder_, "  accumulator_bits: [9, 10]\n");
    EXPECT_THAT(refusal(), HasSubstr("none of its 8 evaluations belongs to a point of this sweep"));
}

TEST_F(SweepCommand, ResumingSaysWhatItReplaces) {
    path_ = test::write_sweep(folder_, "  accumulator_bits: [16, 17, 18]\n");
    sweep_into("out");
    path_ = test::write_sweep(folder_, "  accumulator_bits: [16]\n", 0, 40,
                              test::repository("configs/widthwise-16x16.yaml"));
    const test::ToolResult result = run({"--out", folder_.path("out"), "--resume"});
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.err,
                AllOf(HasSubstr("are replaced, they were made with other settings: "),
                      HasSubstr("array.rows was 8 and is 16"), HasSubstr("accumulator_bits was 16, 17, 18 and is 16"),
                      HasSubstr("2 of the 3 evaluations in '" + folder_.path("out") + "' belong to no point")));
    EXPECT_EQ(test::lines(files("out")["journal"]).size(), 3U) << "title, about, one entry";
}

TEST_F(SweepCommand, AnOptionChangesTheFileOfAllPoints) {
    path_ = test::write_sweep(folder_, "  accumulator_bits: [16, 18]\n");
    sweep_into("set", {"--set", "array.rows=4", "--set", "dram.latency=5"});
    path_ = test::write_sweep(folder_, "  accumulator_bits: [16, 18]\n  array.rows: [4]\n  dram.latency: [5]\n");
    sweep_into("axes");
    const auto set = nlohmann::json::parse(files("set")["sweep.json"]);
    const auto axes = nlohmann::json::parse(files("axes")["sweep.json"]);
    EXPECT_THAT(set["command"].get<std::string>(), testing::EndsWith(" --set array.rows=4 --set dram.latency=5"));
    for (const std::size_t point : {0U, 1U}) {
        auto expected = axes["points"][point];
        expected["settings"].erase("dram.latency");
        EXPECT_EQ(set["points"][point], expected);
    }
    const test::ToolResult refused = run({"--set", "array.rows=4"});
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.err, HasSubstr("axes.array.rows: changes array.rows, as --set does; give one of them"));
    EXPECT_LT(refused.cpu_seconds, 1.0) << "0.1 on an idle machine, without sanitizers";
}

TEST_F(SweepCommand, TwoDoNotShareAFolder) {
    path_ = test::write_sweep(folder_, "  accumulator_bits: {from: 8, to: 19}\n", 0, 10000);
    test::Tool first({"sweep", path_, "--out", folder_.path("out"), "--quiet"});
    for (int i = 0; i < 3000 && !std::filesystem::exists(folder_.path("out/journal")); ++i) usleep(10000);
    first.signal(SIGSTOP);  // it would be done before the second loses patience
    const test::ToolResult second = run({"--out", folder_.path("out"), "--resume"});
    first.signal(SIGINT);
    first.signal(SIGCONT);
    EXPECT_EQ(first.wait().status, -SIGINT);
    EXPECT_EQ(second.status, 2);
    EXPECT_THAT(second.err, HasSubstr("is being written, by another process"));
}

TEST_F(SweepCommand, AnInterruptKeepsTheJournal) {
    path_ =
        test::write_sweep(folder_, "  accumulator_bits: {from: 8, to: 19}\n  overflow: [saturate, wrap]\n", 0, 10000);
    test::Tool tool({"sweep", path_, "--out", folder_.path("out"), "--quiet"});
    const std::string journal = folder_.path("out/journal");
    const auto begun = [&] {
        return std::filesystem::exists(journal) && test::lines(test::read_file(journal)).size() >= 2;
    };
    for (int i = 0; i < 3000 && !begun(); ++i) usleep(10000);
    tool.signal(SIGINT);
    EXPECT_EQ(tool.wait().status, -SIGINT);
    EXPECT_THAT(std::filesystem::directory_iterator(folder_.path("out"))->path().filename(), "journal");
    path_ = test::write_sweep(folder_, "  accumulator_bits: [8]\n", 0, 10000);
    const test::ToolResult resumed = run({"--out", folder_.path("out"), "--resume"});
    EXPECT_THAT(resumed.err, HasSubstr("1 points come down to 1 evaluations, 0 of them to be done"));
}

TEST_F(SweepCommand, RefusesFoldersThatAreNotItsOwn) {
    sweep_into("out");
    EXPECT_THAT(run({"--out", folder_.path("out")}).err, HasSubstr("exists; choose another name, or give --resume"));
    folder_.write("mine/thesis.txt", "text");
    EXPECT_THAT(run({"--out", folder_.path("mine"), "--resume"}).err, HasSubstr("holds no journal"));
    EXPECT_EQ(test::read_file(folder_.path("mine/thesis.txt")), "text");
    EXPECT_THAT(run({"--out", folder_.path("no/such")}).err, HasSubstr("its parent must exist"));
    EXPECT_THAT(run({"--out", folder_.write("file", ""), "--resume"}).err, HasSubstr("is not a folder"));
}

TEST_F(SweepCommand, RefusesOptionsThatMakeNoSense) {
    const auto refusal = [&](const std::vector<std::string>& options) {
        const test::ToolResult result = run(options);
        EXPECT_EQ(result.status, 2);
        return result.err;
    };
    EXPECT_THAT(refusal({"--shard", "1"}), HasSubstr("--shard: '1' is not a part (allowed: I/N, like 1/4)"));
    EXPECT_THAT(refusal({"--shard", "0/4"}), HasSubstr("--shard: 0 is out of range (allowed: 1..4)"));
    EXPECT_THAT(refusal({"--shard", "5/4"}), HasSubstr("--shard: 5 is out of range (allowed: 1..4)"));
    EXPECT_THAT(refusal({"--shard", "1/x"}), HasSubstr("--shard: 'x' is not an integer"));
    EXPECT_THAT(refusal({"--shard", "1/2", "--merge", "a"}), HasSubstr("--merge"));
    EXPECT_THAT(refusal({"--resume"}), HasSubstr("--resume needs --out"));
    EXPECT_THAT(refusal({"--merge", folder_.path("absent")}), HasSubstr("cannot be read"));
    EXPECT_FALSE(std::filesystem::exists(folder_.path("out")));
}

TEST_F(SweepCommand, ShippedSweepsAreSound) {
    for (const auto& entry : std::filesystem::directory_iterator(test::repository("configs/sweeps"))) {
        if (entry.path().extension() != ".yaml") continue;
        std::string text = test::read_file(entry.path());
        const std::size_t config = text.find("config: ../");
        ASSERT_NE(config, std::string::npos);
        text.replace(config, 11, fmt::format("config: {}/", test::repository("configs")));
        const std::size_t images = text.find("images: [0, 10000]");
        ASSERT_NE(images, std::string::npos);
        text.replace(images, 18, "images: [0, 8]");
        for (std::size_t at = 0; (at = text.find("../../", at)) != std::string::npos;) {
            text.replace(at, 5, test::repository("."));
        }
        path_ = folder_.write("short.yaml", text);
        const test::ToolResult result = run({"--quiet"});
        EXPECT_EQ(result.status, 0) << entry.path() << result.err;
    }
}

}  // namespace
}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// Wherever a process is killed, the old or the new results are there, whole, and the next process succeeds. strace
// kills at every call by which a file gets, loses or changes its name.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>

#include "kit/file_text.h"
#include "kit/strace.h"
#include "kit/temporary_files.h"

namespace widthwise {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCalls =
    "?rename,?renameat,renameat2,?unlink,unlinkat,?rmdir,?mkdir,mkdirat,ftruncate,?link,linkat";
constexpr const char* kJournalCalls = ",fdatasync";  // a sweep's journal grows by lines that each stay
constexpr const char* kConfig = "configs/widthwise-8x8.yaml";

/// What stands under some names: each file's path and bytes. Journals grow while a sweep computes, and are left out.
using Content = std::map<std::string, std::string>;

class Survival : public testing::Test {
protected:
    using Line = std::vector<std::string>;

    [[nodiscard]] std::string path(const std::string& name) const { return folder_.path(name); }

    [[nodiscard]] Content content(const std::string& name) const {
        Content content;
        if (fs::is_regular_file(path(name))) content[""] = test::read_file(path(name));
        if (!fs::is_directory(path(name))) return content;
        for (const auto& entry : fs::directory_iterator(path(name))) {
            const std::string file = entry.path().filename();
            if (file != "journal" && !file.ends_with(".partial")) content[file] = test::read_file(entry.path());
        }
        return content;
    }

    void run(const Line& line) const {
        const test::ToolResult result = test::run_tool(line);
        EXPECT_EQ(result.status, 0) << result.err;
    }

    /// `prepare` makes the old state, `line` replaces it, `again` is what a user does next. `outputs`: names that each
    /// must be whole. `fails`: a system call that the file system does not know.
    struct Case {
        std::function<void()> prepare;
        Line line;
        Line again;
        std::vector<std::string> outputs;
        std::string fails = {};
        std::string more_calls = {};
    };

    /// The old state, made once and then copied.
    void prepare(const Case& c) {
        for (const std::string& name : folder_.names()) fs::remove_all(path(name));
        if (!fs::exists(prepared_)) {
            if (c.prepare) c.prepare();
            fs::copy(folder_.path(), prepared_, fs::copy_options::recursive);
        }
        fs::copy(prepared_, folder_.path(), fs::copy_options::recursive | fs::copy_options::overwrite_existing);
    }

    [[nodiscard]] test::Strace strace(const Case& c) const {
        test::Strace strace(fs::temp_directory_path() / fmt::format("survival.{}.log", getpid()),
                            kCalls + c.more_calls);
        if (!c.fails.empty()) strace.inject(c.fails, "error=EINVAL");
        return strace;
    }

    /// Readers finish what a dead process had begun to replace.
    void expect_whole(const Case& c, const std::map<std::string, Content>& old_state,
                      const std::map<std::string, Content>& new_state) const {
        for (const std::string& output : c.outputs) {
            if (!old_state.at(output).contains("")) {
                const test::ToolResult read =
                    test::run_tool({"report", path(output), "--out", path("read.html"), "--force", "--quiet"});
                EXPECT_TRUE(read.status == 0 || old_state.at(output).empty()) << read.err;
                fs::remove(path("read.html"));
            }
            const Content now = content(output);
            EXPECT_TRUE(now == old_state.at(output) || now == new_state.at(output)) << output;
        }
    }

    void kill_everywhere(const Case& c) {
        std::map<std::string, Content> old_state, new_state;
        prepare(c);
        for (const std::string& output : c.outputs) old_state[output] = content(output);
        test::Strace counting = strace(c);
        const test::ToolResult whole = test::run_tool(c.line, counting.words());
        ASSERT_EQ(whole.status, 0) << whole.err;
        for (const std::string& output : c.outputs) new_state[output] = content(output);
        const std::vector<std::string> names = folder_.names();
        EXPECT_NE(old_state, new_state);
        for (const auto& [call, times] : counting.calls()) {
            for (int n = 1; call != c.fails && n <= times && !HasFailure(); ++n) {
                SCOPED_TRACE(fmt::format("killed at {} {} of {}", call, n, times));
                prepare(c);
                test::Strace killing = strace(c);
                killing.inject(call, fmt::format("signal=KILL:when={}", n));
                const test::ToolResult killed = test::run_tool(c.line, killing.words());
                EXPECT_NE(killed.status, 0);  // 1 where a worker process was it
                expect_whole(c, old_state, new_state);
                run(c.again);
                for (const std::string& output : c.outputs) EXPECT_EQ(content(output), new_state.at(output)) << output;
                EXPECT_EQ(folder_.names(), names) << "and nothing else is left";
            }
        }
    }

    [[nodiscard]] Line run_line(const std::string& bits) const {
        return {"run",   kConfig,         "--images",      "0:2", "--engine", "fast",
                "--out", path("results"), "--accumulator", bits,  "--force",  "--quiet"};
    }

    ~Survival() override { fs::remove_all(prepared_); }

    test::TemporaryFolder folder_;
    const std::string prepared_ = folder_.path() + ".prepared";
};

TEST_F(Survival, OfAResultFolder) {
    kill_everywhere({[this] { run(run_line("18")); }, run_line("14"), run_line("14"), {"results"}});
}

TEST_F(Survival, OfAResultFolderWhereNamesCannotBeExchanged) {
    kill_everywhere({[this] { run(run_line("18")); }, run_line("14"), run_line("14"), {"results"}, "renameat2"});
}

TEST_F(Survival, OfAResultFolderThatIsNew) { kill_everywhere({{}, run_line("14"), run_line("14"), {"results"}}); }

TEST_F(Survival, OfAReport) {
    const Line line = {"report", path("results"), "--out", path("report.html"), "--force", "--quiet"};
    kill_everywhere({[this] {
                         run(run_line("18"));
                         folder_.write("report.html", "old");
                     },
                     line,
                     line,
                     {"report.html"}});
}

TEST_F(Survival, OfWaveformsAndLayers) {
    const Line line = {"run",           kConfig,        "--images", "0:1",         "--wave-cycles", "0:50",
                       "--vcd",         path("w.vcd"),  "--fst",    path("w.fst"), "--timeline",    path("w.json"),
                       "--dump-layers", path("layers"), "--force",  "--quiet"};
    const auto prepare = [this] {
        for (const char* name : {"w.vcd", "w.fst", "w.json"}) folder_.write(name, "old");
    };
    kill_everywhere({prepare, line, line, {"w.vcd", "w.fst", "w.json"}});
}

class SweepSurvival : public Survival {
protected:
    [[nodiscard]] Line sweep(const std::string& axes, const Line& more) const {
        const std::string file = fs::temp_directory_path() / fmt::format("survival.{}.yaml", getpid());
        std::ofstream(file) << fmt::format("config: {}\nimages: [0, 2]\naxes:\n  accumulator_bits: {}\n",
                                           test::repository(kConfig), axes);
        Line line = {"sweep", file, "--quiet"};
        line.insert(line.end(), more.begin(), more.end());
        return line;
    }
};

TEST_F(SweepSurvival, OfAGrownSweep) {
    const Line out = {"--out", path("sweep")};
    const auto prepare = [&] {
        run(sweep("[16, 18]", out));
        static_cast<void>(sweep("[16, 17, 18]", {}));  // the file grows
    };
    const Line line = sweep("[16, 17, 18]", {"--out", path("sweep"), "--resume"});
    kill_everywhere({prepare, line, line, {"sweep"}, "", kJournalCalls});
}

TEST_F(SweepSurvival, OfANewSweep) {
    kill_everywhere({{},
                     sweep("[16, 17]", {"--out", path("sweep")}),
                     sweep("[16, 17]", {"--out", path("sweep"), "--resume"}),
                     {"sweep"},
                     "",
                     kJournalCalls});
}

TEST_F(SweepSurvival, OfAMerge) {
    const auto prepare = [this] {
        for (const char* part : {"1", "2"}) {
            run(sweep("[16, 17]", {"--shard", fmt::format("{}/2", part), "--out", path(fmt::format("part{}", part))}));
        }
    };
    const Line line = sweep("[16, 17]", {"--merge", path("part1"), "--merge", path("part2"), "--out", path("sweep")});
    Line again = line;
    again.emplace_back("--resume");  // it may have died with all in its place
    kill_everywhere({prepare, line, again, {"sweep"}});
}

}  // namespace
}  // namespace widthwise

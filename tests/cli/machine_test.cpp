// SPDX-License-Identifier: Apache-2.0
// A machine that has no thread, no process, no room or no open stream left: one sentence, exit status 1, nothing left.
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "kit/file_text.h"
#include "kit/strace.h"
#include "kit/temporary_files.h"

namespace widthwise {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;

const std::string kConfig = "configs/widthwise-8x8.yaml";

std::vector<std::string> run_of(const std::string& engine, const std::string& jobs = "4") {
    return {"run", kConfig, "--images", "0:128", "--engine", engine, "--jobs", jobs, "--json", "--quiet"};
}

/// One line, the project's own.
void expect_one_sentence(const test::ToolResult& result, const std::string& reason) {
    EXPECT_EQ(result.status, 1);
    EXPECT_THAT(result.err, AllOf(MatchesRegex("widthwise: error: [^\n]*\n"), HasSubstr(reason)));
}

TEST(Machine, WithoutThreadsTheWorkIsDoneAllTheSame) {
    const std::string alone = test::run_tool(run_of("fast", "1")).out;
    for (const char* when : {"1+", "2+"}) {
        const test::TemporaryFolder folder;
        test::Strace strace(folder.path("log"), "?clone,?clone3");
        strace.inject("?clone,?clone3", fmt::format("error=EAGAIN:when={}", when));
        const test::ToolResult result = test::run_tool(run_of("fast"), strace.words());
        EXPECT_EQ(result.status, 0) << result.err;
        EXPECT_EQ(result.out, alone);
        const test::ToolResult search = test::run_tool(
            {"search", kConfig, "--images", "0:64", "--jobs", "4", "--from", "16", "--to", "18", "--quiet"},
            strace.words());
        EXPECT_EQ(search.status, 0) << search.err;
    }
}

TEST(Machine, OneProcessDoesTheWorkOfSeveral) {
    const test::TemporaryFolder folder;
    std::vector<std::string> line = run_of("systemc");
    line[3] = "0:4";
    test::Strace strace(folder.path("log"), "?clone,?clone3,?fork,?vfork");
    strace.inject("?clone,?clone3,?fork,?vfork", "error=EAGAIN:when=2");
    const test::ToolResult result = test::run_tool(line, strace.words());
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(result.out, test::run_tool(line).out);
}

TEST(Machine, WithoutAnyProcessItSaysSo) {
    const test::TemporaryFolder folder;
    std::vector<std::string> line = run_of("systemc");
    line.insert(line.end(), {"--out", folder.path("out")});
    test::Strace strace(folder.path() + ".log", "?clone,?clone3,?fork,?vfork");
    strace.inject("?clone,?clone3,?fork,?vfork", "error=EAGAIN");
    expect_one_sentence(test::run_tool(line, strace.words()),
                        "cannot start a worker process: Resource temporarily unavailable");
    EXPECT_THAT(folder.names(), IsEmpty());
}

/// Every kind of output, with what makes it.
std::map<std::string, std::vector<std::string>> writers(const test::TemporaryFolder& folder) {
    const std::vector<std::string> run = {"run", kConfig, "--images", "0:2", "--quiet"};
    const auto with = [&](std::vector<std::string> line, const std::vector<std::string>& more) {
        line.insert(line.end(), more.begin(), more.end());
        return line;
    };
    const std::string sweep = std::filesystem::path(folder.path()).string() + ".yaml";
    std::ofstream(sweep) << fmt::format("config: {}\nimages: [0, 2]\naxes:\n  accumulator_bits: {{from: 8, to: 40}}\n",
                                        test::repository(kConfig));
    return {
        {"out", with(run, {"--out", folder.path("out")})},
        {"vcd", with(run, {"--vcd", folder.path("w.vcd")})},
        {"fst", with(run, {"--fst", folder.path("w.fst")})},
        {"timeline", with(run, {"--timeline", folder.path("w.json")})},
        {"dump", with(run, {"--dump-layers", folder.path("layers")})},
        {"compare", {"compare", kConfig, "--images", "0:2", "--quiet", "--out", folder.path("out")}},
        {"search",
         {"search", kConfig, "--images", "0:32", "--from", "12", "--to", "24", "--quiet", "--out", folder.path("out")}},
        {"sweep", {"sweep", sweep, "--quiet", "--out", folder.path("out")}}};
}

class FullDisk : public testing::TestWithParam<const char*> {
protected:
    ~FullDisk() override {
        umount2(folder_.path().c_str(), MNT_DETACH);
        std::error_code error;
        std::filesystem::remove(folder_.path() + ".yaml", error);
    }
    /// The folder is a small file system of our own, which goes with this process.
    [[nodiscard]] bool mounted(const char* size) const {
        return unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               mount("none", folder_.path().c_str(), "tmpfs", 0, size) == 0;
    }
    /// Waveforms come after the small files that open them.
    [[nodiscard]] static bool is_wave() {
        const std::string output = GetParam();
        return output == "vcd" || output == "fst" || output == "timeline";
    }
    /// A sweep's journal keeps what was computed, for --resume.
    void expect_nothing_left() const {
        for (const std::string& name : folder_.names()) {
            EXPECT_STREQ(GetParam(), "sweep") << name;
            const auto inside = std::filesystem::directory_iterator(folder_.path(name));
            EXPECT_EQ(inside->path().filename(), "journal");
            EXPECT_EQ(std::next(inside), std::filesystem::directory_iterator());
        }
    }
    test::TemporaryFolder folder_;
};

INSTANTIATE_TEST_SUITE_P(Outputs, FullDisk,
                         testing::Values("out", "vcd", "fst", "timeline", "dump", "compare", "search", "sweep"),
                         [](const auto& output) { return std::string(output.param); });

TEST_P(FullDisk, ALimitOfFileSizesIsOneSentence) {
    const std::vector<std::string> line = writers(folder_).at(GetParam());
    for (const char* limit :
         {"400", "1500", "28672", "30000", "33000", "50000"}) {  // what goes to standard error is in a file as well
        if (std::strlen(limit) == 5 && !is_wave()) continue;
        const test::ToolResult result = test::run_tool(line, {"prlimit", fmt::format("--fsize={}", limit)});
        expect_one_sentence(result, "File too large");
        expect_nothing_left();
        std::filesystem::remove_all(folder_.path("out"));
    }
}

TEST_P(FullDisk, IsOneSentence) {
    if (!mounted("size=256k")) GTEST_SKIP() << "may not mount a file system";
    const std::vector<std::string> line = writers(folder_).at(GetParam());
    std::vector<std::size_t> rooms = {0, 1, 3};
    if (is_wave()) rooms.push_back(8);
    if (is_wave() && std::string(GetParam()) != "timeline") rooms.insert(rooms.end(), {16, 24});
    for (const std::size_t pages_free : rooms) {
        constexpr std::size_t kPages = 64, kPage = 4096;
        // The folder itself takes none.
        folder_.write("filler", std::string((kPages - pages_free) * kPage, 'x'));
        const test::ToolResult result = test::run_tool(line);
        std::filesystem::remove(folder_.path("filler"));
        expect_one_sentence(result, "No space left on device");
        expect_nothing_left();
        std::filesystem::remove_all(folder_.path("out"));
    }
}

TEST_P(FullDisk, WithoutRoomForAFolderIsOneSentence) {
    if (!mounted("nr_inodes=2")) GTEST_SKIP() << "may not mount a file system";
    const std::vector<std::string> line = writers(folder_).at(GetParam());
    for (const bool full : {true, false}) {
        if (full) folder_.write("filler", "");
        expect_one_sentence(test::run_tool(line), "No space left on device");
        std::filesystem::remove(folder_.path("filler"));
        EXPECT_THAT(folder_.names(), IsEmpty());
    }
}

/// `command`: of a shell, {} being the tool; what it writes to standard error comes back.
test::ToolResult shell(const test::TemporaryFolder& folder, const std::string& command) {
    const std::string line = fmt::format("cd '{}' && {} 2> '{}'", WIDTHWISE_SOURCE_DIR,
                                         fmt::format(fmt::runtime(command), WIDTHWISE_EXECUTABLE), folder.path("err"));
    const int status = std::system(line.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), "", test::read_file(folder.path("err"))};
}

TEST(StandardOutput, ThatIsFullOrClosedIsOneSentence) {
    const test::TemporaryFolder folder;
    for (const char* command :
         {"completion bash", "run --help", "--version", "--help", "check configs/widthwise-8x8.yaml",
          "inspect models/lenet5.onnx --json", "run configs/widthwise-8x8.yaml --images 0:1 --json --quiet",
          "sweep configs/sweeps/course-layers.yaml --json --quiet --shard 1/1000 --jobs 1"}) {
        const std::string tool = "{} " + std::string(command);
        expect_one_sentence(shell(folder, tool + " > /dev/full"),
                            "cannot write to standard output: No space left on device");
        expect_one_sentence(shell(folder, tool + " >&-"), "cannot write to standard output: Bad file descriptor");
    }
}

TEST(StandardOutput, ThatIsClosedGetsIntoNoFile) {
    const test::TemporaryFolder folder;
    const std::string line = fmt::format("{{}} run {} --images 0:1 --engine fast --quiet --json --out '{}' <&- >&-",
                                         kConfig, folder.path("out"));
    EXPECT_EQ(shell(folder, line).status, 1);
    EXPECT_THAT(test::read_file(folder.path("out/summary.json")), testing::StartsWith("{"));
    EXPECT_THAT(test::read_file(folder.path("out/layers.csv")), Not(HasSubstr("{")));
}

TEST(StandardError, ThatIsFullLeavesTheStatus) {
    const test::TemporaryFolder folder;
    EXPECT_EQ(shell(folder, "( {} run nothing.yaml 2> /dev/full )").status, 2);
    EXPECT_EQ(shell(folder, "( {} run nothing.yaml 2>&- )").status, 2);
    EXPECT_EQ(shell(folder, "( {} check configs/widthwise-8x8.yaml > /dev/full 2> /dev/full )").status, 1);
}

}  // namespace
}  // namespace widthwise

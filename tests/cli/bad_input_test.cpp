// SPDX-License-Identifier: Apache-2.0
// Every kind of bad input: exit status 2, a message that names what is wrong, nothing written.
#include <gmock/gmock.h>

#include <functional>

#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"

namespace widthwise {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::string idx(int type, const std::vector<int>& dimensions, std::size_t bytes) {
    std::string text = {0, 0, static_cast<char>(type), static_cast<char>(dimensions.size())};
    for (const int extent : dimensions) {
        for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(extent >> shift);
    }
    return text + std::string(bytes, '\1');
}

std::string images_file(int count) { return idx(8, {count, 28, 28}, static_cast<std::size_t>(count) * 28 * 28); }

/// One kind of bad input: prepares files in a folder and returns the configuration's path.
struct BadInput {
    const char* name;
    std::function<std::string(const test::TemporaryFolder&)> prepare;
    std::vector<std::string> message;  ///< what the message must name
};

void PrintTo(const BadInput& input, std::ostream* out) { *out << input.name; }

BadInput bad_yaml(const char* name, const std::string& lines, std::vector<std::string> message) {
    message.emplace_back("config.yaml");
    return {name, [lines](const auto& folder) { return test::write_config(folder, lines); }, std::move(message)};
}

BadInput bad_images(const char* name, const std::string& bytes, const std::string& message) {
    const auto prepare = [bytes](const auto& folder) {
        const std::string images = folder.write("images.idx", bytes);
        return test::write_config(folder, "", test::repository("models/lenet5.onnx"), images);
    };
    return {name, prepare, {"images.idx", message}};
}

BadInput bad_labels(const char* name, const std::string& bytes, std::vector<std::string> message) {
    const auto prepare = [bytes](const auto& folder) {
        const std::string images = folder.write("images.idx", images_file(3));
        const std::string labels = folder.write("labels.idx", bytes);
        return test::write_config(folder, "", test::repository("models/lenet5.onnx"), images, labels);
    };
    return {name, prepare, std::move(message)};
}

BadInput bad_model(const char* name, const std::string& bytes, std::vector<std::string> message) {
    message.emplace_back("model.onnx");
    const auto prepare = [bytes](const auto& folder) {
        return test::write_config(folder, "", folder.write("model.onnx", bytes));
    };
    return {name, prepare, std::move(message)};
}

std::string lenet5_with_softmax() {
    std::string model = test::read_file(test::repository("models/lenet5.onnx"));
    const std::size_t at = model.find("MaxPool");
    if (at != std::string::npos) model.replace(at, 7, "Softmax");
    return model;
}

std::vector<BadInput> bad_inputs() {
    const std::string lenet5 = test::read_file(test::repository("models/lenet5.onnx"));
    return {
        {"configuration_missing", [](const auto& folder) { return folder.path("nothing.yaml"); }, {"nothing.yaml"}},
        {"configuration_empty", [](const auto& folder) { return folder.write("empty.yaml", ""); }, {"empty.yaml"}},
        {"configuration_is_a_folder", [](const auto& folder) { return folder.path(); }, {"widthwise: error"}},
        bad_yaml("unknown_key", "arry: {rows: 8}\n", {"arry", "did you mean 'array'"}),
        bad_yaml("unknown_inner_key", "array: {colums: 8}\n", {"array.colums", "did you mean 'columns'"}),
        bad_yaml("wrong_type", "array: {rows: eight}\n", {"array.rows", "eight", "1..256"}),
        bad_yaml("not_yaml", "array: {rows: 8\n", {":"}),
        bad_yaml("array_of_no_rows", "array: {rows: 0, columns: 8}\n", {"array.rows", "0", "1..256"}),
        bad_yaml("no_lanes", "requantization: {lanes: 0}\n", {"requantization.lanes", "1..64"}),
        bad_yaml("line_buffer_smaller_than_kernel", "line_buffer: {rows: 4}\n", {"line_buffer.rows", "kernel", "5"}),
        bad_yaml("line_buffer_too_few_bytes", "line_buffer: {bytes: 7}\n", {"line_buffer.bytes", "7", "at least 8"}),
        bad_yaml("weights_do_not_fit", "weight_buffer: {bytes: 1000, storage: resident}\n",
                 {"weight_buffer.bytes", "streamed"}),
        bad_yaml("unknown_layer_width", "accumulator: {layers: {c9: 16}}\n", {"c9"}),
        bad_yaml("unknown_energy_table", "energy: {table: horowitz-44nm}\n",
                 {"energy.table", "did you mean 'horowitz-45nm'"}),
        {"images_missing",
         [](const auto& folder) {
             return test::write_config(folder, "", test::repository("models/lenet5.onnx"), folder.path("nothing.gz"));
         },
         {"nothing.gz"}},
        bad_images("images_empty", "", "empty"),
        bad_images("images_truncated", images_file(3).substr(0, 1000), "images.idx"),
        bad_images("images_wrong_magic", "not an IDX file at all", "magic"),
        bad_images("images_none", idx(8, {0, 28, 28}, 0), "images.idx"),
        {"images_too_large_for_the_network",
         [](const auto& folder) {
             const std::string images = folder.write("images.idx", idx(8, {1, 40, 40}, 1600));
             const std::string labels = folder.write("labels.idx", idx(8, {1}, 1));
             return test::write_config(folder, "", test::repository("models/lenet5.onnx"), images, labels);
         },
         {"images.idx", "40x40", "32x32"}},
        bad_images("images_are_labels", idx(8, {3}, 3), "images.idx"),
        bad_labels("labels_of_another_count", idx(8, {4}, 4), {"labels.idx", "3", "4"}),
        bad_labels("labels_beyond_the_classes", idx(8, {3}, 2) + "\x0a", {"labels.idx", "10"}),
        bad_labels("labels_are_images", images_file(3), {"labels.idx"}),
        {"model_missing",
         [](const auto& folder) { return test::write_config(folder, "", folder.path("nothing.onnx")); },
         {"nothing.onnx"}},
        bad_model("model_empty", "", {}),
        bad_model("model_is_text", "this is no ONNX file\n", {}),
        bad_model("model_truncated", lenet5.substr(0, lenet5.size() / 2), {}),
        bad_model("model_with_unsupported_operator", lenet5_with_softmax(), {"Softmax", "s2"}),
    };
}

class BadInputTest : public testing::TestWithParam<BadInput> {};

TEST_P(BadInputTest, IsRefusedByNameAndWritesNothing) {
    const test::TemporaryFolder folder;
    const std::string config = GetParam().prepare(folder);
    const auto before = folder.names();
    const test::ToolResult check = test::run_tool({"check", config});
    EXPECT_EQ(check.status, 2) << check.err;
    EXPECT_EQ(check.out, "");
    EXPECT_THAT(check.err, StartsWith("widthwise: error: "));
    for (const std::string& part : GetParam().message) EXPECT_THAT(check.err, HasSubstr(part));
    const test::ToolResult run = test::run_tool({"run", config, "--out", folder.path("out"), "--dump-layers",
                                                 folder.path("layers"), "--vcd", folder.path("w.vcd"), "--quiet"});
    EXPECT_EQ(run.status, 2);
    EXPECT_EQ(run.err, check.err);
    EXPECT_EQ(folder.names(), before);
}

INSTANTIATE_TEST_SUITE_P(Kinds, BadInputTest, testing::ValuesIn(bad_inputs()),
                         [](const auto& input) { return std::string(input.param.name); });

class BadOutput : public testing::Test {
protected:
    /// Runs with these outputs, which must be refused.
    test::ToolResult refused(const std::vector<std::string>& options) {
        std::vector<std::string> arguments = {"run", "configs/widthwise-8x8.yaml", "--images", "0:1", "--quiet"};
        arguments.insert(arguments.end(), options.begin(), options.end());
        const test::ToolResult result = test::run_tool(arguments);
        EXPECT_EQ(result.status, 2) << result.err;
        EXPECT_EQ(result.out, "");
        return result;
    }
    test::TemporaryFolder folder_;
};

TEST_F(BadOutput, FolderExists) {
    folder_.write("out/summary.json", "old");
    const auto result = refused({"--out", folder_.path("out")});
    EXPECT_THAT(result.err, AllOf(HasSubstr(folder_.path("out")), HasSubstr("--force")));
    EXPECT_EQ(test::read_file(folder_.path("out/summary.json")), "old");
    EXPECT_EQ(folder_.names().size(), 1U);
}

TEST_F(BadOutput, FolderIsSomebodysWork) {
    folder_.write("out/work.txt", "old");
    EXPECT_THAT(refused({"--out", folder_.path("out"), "--force"}).err, HasSubstr("summary.json"));
    EXPECT_EQ(test::read_file(folder_.path("out/work.txt")), "old");
}

TEST_F(BadOutput, ParentIsMissing) {
    EXPECT_THAT(refused({"--out", folder_.path("a/b")}).err, HasSubstr("mkdir -p " + folder_.path("a")));
    EXPECT_THAT(refused({"--dump-layers", folder_.path("a/b")}).err, HasSubstr(folder_.path("a/b")));
    EXPECT_THAT(refused({"--vcd", folder_.path("a/b.vcd")}).err, HasSubstr(folder_.path("a/b.vcd")));
    EXPECT_TRUE(folder_.names().empty());
}

TEST_F(BadOutput, ParentCannotBeWritten) {
    EXPECT_THAT(refused({"--out", "/proc/out"}).err, HasSubstr("cannot write"));
    folder_.write("file", "");
    EXPECT_THAT(refused({"--out", folder_.path("file/out")}).err, HasSubstr("not a folder"));
}

TEST_F(BadOutput, LaterRefusalsTakeEarlierOutputsAlong) {
    folder_.write("w.vcd", "old");
    EXPECT_THAT(refused({"--out", folder_.path("out"), "--vcd", folder_.path("w.vcd")}).err, HasSubstr("w.vcd"));
    EXPECT_EQ(folder_.names().size(), 1U);
    EXPECT_THAT(refused({"--out", folder_.path("o"), "--dump-layers", folder_.path("o")}).err,
                HasSubstr("is another output of this command"));
    EXPECT_THAT(refused({"--out", folder_.path("o"), "--vcd", folder_.path("v"), "--wave-scope", "nothing.*"}).err,
                HasSubstr("nothing.*"));
    EXPECT_THAT(refused({"--vcd", folder_.path("v"), "--wave-cycles", "1000000:1000001"}).err,
                HasSubstr("nothing was recorded"));
    EXPECT_EQ(folder_.names().size(), 1U);
}

TEST_F(BadOutput, FullDiskIsAFailedRun) {
    const std::string command = fmt::format("{} inspect {} > /dev/full 2> {}", WIDTHWISE_EXECUTABLE,
                                            test::repository("models/lenet5.onnx"), folder_.path("err"));
    EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 1);
    EXPECT_THAT(test::read_file(folder_.path("err")), HasSubstr("cannot write to standard output"));
}

}  // namespace
}  // namespace widthwise

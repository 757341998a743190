// SPDX-License-Identifier: Apache-2.0
// No input takes the machine: files that claim more than they are, or ask for more than there is, are refused with a
// reason, and neither memory nor time shows what they asked for.
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <random>

#include "data/idx_bytes.h"
#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"
#include "network/onnx_builder.h"

namespace widthwise {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr std::int64_t kMebibyte = std::int64_t{1} << 20;
#ifdef __SANITIZE_ADDRESS__
constexpr int kOverhead = 2;  ///< what AddressSanitizer makes of time and memory
#else
constexpr int kOverhead = 1;
#endif

std::string many(std::int64_t count, char letter) {
    std::string text;
    text.resize(static_cast<std::size_t>(count), letter);
    return text;
}

/// Peak memory and processor time of a command that does nothing.
const test::ToolResult& idle() {
    static const test::ToolResult kIdle = test::run_tool({"--version"});
    return kIdle;
}

void expect_modest(const test::ToolResult& result) {
    EXPECT_LT(result.peak_bytes - idle().peak_bytes, 200 * kMebibyte);
    EXPECT_LT(result.cpu_seconds - idle().cpu_seconds,
              2.0 * kOverhead);  // the bound is 0.1 on an idle machine; seconds were the fault
}

class Resources : public testing::Test {
protected:
    void refuse(const std::vector<std::string>& arguments, const std::vector<std::string>& parts) {
        const test::ToolResult result = test::run_tool(arguments);
        EXPECT_EQ(result.status, 2) << result.err;
        for (const std::string& part : parts) EXPECT_THAT(result.err, HasSubstr(part));
        expect_modest(result);
    }

    std::string config(const std::string& network, const std::string& images, const std::string& more = "") {
        return folder_.write("config.yaml", fmt::format("network: {}\nimages: {}\n{}", network, images, more));
    }

    std::string images(int height, int width) {
        return folder_.write("images.idx",
                             test::idx(8, {2, static_cast<std::uint32_t>(height), static_cast<std::uint32_t>(width)},
                                       std::vector<int>(std::size_t(2) * height * width, 3)));
    }

    /// A link in the test's folder, for readers that go by a file's name.
    std::string link(const std::string& name, const std::string& target) {
        EXPECT_EQ(symlink(target.c_str(), folder_.path(name).c_str()), 0);
        return folder_.path(name);
    }

    /// What gzip cannot make smaller: a file that might hold a thousand times as much.
    static std::string noise() {
        std::mt19937 random(1);
        std::string bytes(std::size_t{2} << 20, '\0');
        for (char& byte : bytes) byte = static_cast<char>(random());
        return bytes;
    }

    test::TemporaryFolder folder_;
};

const std::string kLenet5 = test::repository("models/lenet5.onnx");
const std::string kMnist = test::repository("traces/mnist/t10k-images-idx3-ubyte.gz");

// ------------------------------------------------------------------------------------------------------------- YAML

TEST_F(Resources, YamlThatNeverEnds) {
    refuse({"check", folder_.write("comma.yaml", ",")}, {"comma.yaml:1:1: the document ends here"});
    const std::string text = fmt::format("{{network: {}, images: {}}},\n", kLenet5, kMnist);
    refuse({"check", folder_.write("trailing.yaml", text)}, {fmt::format("trailing.yaml:1:{}: ", text.size() - 1)});
    refuse({"check", folder_.write("commas.yaml", many(16 * kMebibyte, ','))},
           {"commas.yaml: 16777216 bytes are too many for a YAML file (allowed: up to 1048576)"});
    refuse({"check", folder_.write("full.yaml", many(kMebibyte, ','))}, {"full.yaml:1:1: "});
    refuse({"check", folder_.write("deep.yaml", many(kMebibyte, '['))}, {"more than 50000 opening brackets"});
    refuse({"check", folder_.write("deep.yaml", many(50000, '{'))}, {"deep.yaml:1:32: maps and lists are nested more"});
    refuse({"check", "/dev/zero"}, {"/dev/zero: cannot be read (it is a device, not a regular file)"});
    refuse({"sweep", link("zero.yaml", "/dev/zero"), "--out", folder_.path("out")}, {"zero.yaml: cannot be read"});
    refuse({"check", test::write_config(folder_, "energy: {table: zero.yaml}\n")}, {"zero.yaml: cannot be read"});
}

TEST_F(Resources, PipesAreReadUpToOneMebibyte) {
    const std::string pipe = folder_.path("pipe.yaml");
    ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
    const auto fed = [&](const std::string& command) {
        const pid_t writer = fork();
        if (writer == 0) {
            execl("/bin/sh", "sh", "-c", fmt::format("{} > '{}'", command, pipe).c_str(), nullptr);
            _exit(127);
        }
        test::ToolResult result = test::run_tool({"check", pipe, "--quiet"});
        waitpid(writer, nullptr, 0);
        return result;
    };
    const auto sound = fed(fmt::format("printf 'network: {}\\nimages: {}\\n'", kLenet5, kMnist));
    EXPECT_EQ(sound.status, 0) << sound.err;
    const auto endless = fed("cat /dev/zero 2> /dev/null");
    EXPECT_EQ(endless.status, 2);
    EXPECT_THAT(endless.err, HasSubstr("holds more bytes than a YAML file may have (allowed: up to 1048576)"));
    expect_modest(endless);
}

// ----------------------------------------------------------------------------------------------------- other readers

TEST_F(Resources, DevicesInPlaceOfFiles) {
    refuse({"check", config("/dev/zero", kMnist)}, {"/dev/zero: not a regular file"});
    refuse({"check", config(kLenet5, "/dev/zero")}, {"/dev/zero: not a regular file"});
    refuse({"check", config(kLenet5, kMnist, "labels: /dev/zero\n")}, {"/dev/zero: not a regular file"});
    const std::string results = folder_.path("results");
    std::filesystem::create_directory(results);
    for (const std::string name : {"summary.json", "sweep.json", "comparison.json", "search.json"}) {
        const std::string file = link("results/" + name, "/dev/zero");
        refuse({"report", results, "--out", folder_.path("page.html")}, {file + ": cannot be read (it is a device"});
        std::filesystem::remove(file);
    }
}

TEST_F(Resources, ResultsNestedWithoutEnd) {
    const std::string results = folder_.path("results");
    static_cast<void>(folder_.write("results/summary.json", many(10000000, '[')));
    refuse({"report", results, "--out", folder_.path("page.html")}, {"is nested more than 32 deep"});
}

// ----------------------------------------------------------------------------------------------------------- images

TEST_F(Resources, ImagesOfAnotherSizeAreNotUnpacked) {
    // So that the file might hold what it announces; unpacking would find that it does not.
    const std::string bytes = test::gzipped(test::idx(8, {32768, 181, 181}, {}) + noise());
    refuse({"check", config(kLenet5, folder_.write("large.gz", bytes))},
           {"images of 1x181x181 for the network's input", "no larger than the input"});
    refuse(
        {"check", config(kLenet5, folder_.write("large.gz", test::gzipped(test::idx(8, {0x7fffffff, 181, 181}, {}))))},
        {"announce more than 1099511627776 values"});
    refuse({"check", config(kLenet5, folder_.write("large.gz", test::gzipped(test::idx(8, {30000, 181, 181}, {}))))},
           {"expected 982830000", "the file is cut short"});
}

// ---------------------------------------------------------------------------------------------------- maps, paddings

std::string convolution(const test::Extents& input, const test::Extents& weights,
                        const std::vector<std::pair<std::string, test::Extents>>& attributes, std::int64_t group = 1) {
    test::ChainBuilder builder = test::quantized_input(input);
    std::size_t count = 1;
    for (const std::int64_t extent : weights) count *= static_cast<std::size_t>(extent);
    auto& node = builder.conv(weights, std::vector<std::int8_t>(count, 1));
    for (const auto& [name, values] : attributes) test::set(node, name, values);
    if (group != 1) test::set(node, "group", group);
    builder.qdq<std::uint8_t>("y", 0.25F, 7);
    return builder.bytes();
}

std::string pool(const std::string& type, const test::Extents& input,
                 const std::vector<std::pair<std::string, test::Extents>>& attributes) {
    test::ChainBuilder builder = test::quantized_input(input);
    auto& node = builder.step(type, "pool");
    for (const auto& [name, values] : attributes) test::set(node, name, values);
    builder.qdq<std::uint8_t>("y", 0.5F, 3);
    return builder.bytes();
}

const std::string kLargeBuffers =
    "activation_buffer: {bytes: 1073741824}\nline_buffer: {bytes: 1073741824}\nweight_buffer: {bytes: 1073741824}\n"
    "preprocessing: {fit: resize}\n";

TEST_F(Resources, NetworksTooLargeAreRefused) {
    const std::string eight = images(8, 8);
    const auto refused = [&](const std::string& model, const std::vector<std::string>& parts,
                             const std::string& more = "") {
        const std::string network = folder_.write("model.onnx", model);
        refuse({"run", config(network, eight, kLargeBuffers + more), "--engine", "fast"}, parts);
    };
    const test::Extents one = {1, 1, 1, 1};
    refused(convolution({1, 1, 268435456, 1}, one, {}), {"model.onnx: graph input 'image': dimension 2 is 268435456"});
    refused(convolution({1, 3, 1048584, 8}, {7, 3, 3, 3}, {}), {"dimension 2 is 1048584, expected 1..65535"});
    refused(convolution({1, 1, 65535, 257}, one, {}), {"has 16842495 values or more, expected at most 16777216"});
    refused(convolution({1, 16777217, 1, 1}, one, {}), {"dimension 1 is 16777217, expected 1..16777216"});
    refused(convolution({1, 1, 4, 4}, one, {{"pads", {60000, 60000, 60000, 60000}}}),
            {"node 'conv_node' (Conv): its output is 120004 x 120004 pixels, expected at most 65535 each way"});
    refused(convolution({1, 1, 4, 4}, one, {{"pads", {3000, 3000, 3000, 3000}}}),
            {"its output 1x6004x6004 has 36048016 values, expected at most 16777216"});
    refused(convolution({1, 1, 4, 4}, one, {{"pads", {70000, 0, 0, 0}}}), {"attribute pads", "0..65535"});
    refused(convolution({1, 1, 4, 4}, one, {{"strides", {1, 65536}}}), {"attribute strides", "1..65535"});
    refused(convolution({1, 1, 4, 4}, {1, 1, 2, 2}, {{"dilations", {65535, 1}}, {"pads", {9, 0, 9, 0}}}),
            {"span 65536 pixels, expected at most 65535"});
    refused(convolution({1, 1, 8, 8}, {65536, 1, 1, 1}, {}), {"has 65536 output channels, expected at most 65535"});
    refused(convolution({1, 4, 1024, 1024}, {1, 4, 513, 512}, {}), {"adds up 1050624 products", "at most 1048576"});
    // Fine in the file, too much on this hardware.
    refused(convolution({1, 1, 4096, 4096}, one, {}), {"layer 'conv_node'", "16777216 column tiles", "2097152"},
            "array: {columns: 1}\n");
    refused(convolution({1, 1, 4096, 4096}, one, {}), {"takes 134217728 bytes for a batch of 8", "67108864"},
            "array: {columns: 64}\nbatch: 8\n");
    refused(
        pool("AveragePool", {1, 1, 4, 4},
             {{"kernel_shape", {60000, 60000}}, {"pads", {59998, 59998, 59998, 59998}}, {"strides", {30000, 30000}}}),
        {"layer 'pool_node'", "3600000000 pixels to average over"});
    refused(pool("GlobalAveragePool", {1, 1, 4096, 4096}, {}), {"16777216 pixels to average over"},
            "array: {columns: 256}\n");
}

TEST_F(Resources, TheBufferIsComparedBeforeTilesAreMade) {
    const std::string network = folder_.write("model.onnx", convolution({1, 1, 1024, 1024}, {1, 1, 1, 1}, {}));
    refuse({"check", config(network, images(8, 8),
                            "preprocessing: {fit: resize}\narray: {columns: 1}\n"
                            "activation_buffer: {bytes: 1000}\n")},
           {"activation_buffer.bytes: 1000"});
}

TEST_F(Resources, WidePaddingTakesNoMemory) {
    for (const int pads : {3000, 60000}) {
        const std::string network = folder_.write(
            "model.onnx",
            convolution({1, 1, 4, 4}, {1, 1, 2, 2}, {{"pads", {pads, pads, pads, pads}}, {"strides", {pads, pads}}}));
        const auto result =
            test::run_tool({"run", config(network, images(4, 4), "preprocessing: {fit: none}\n"), "--engine", "both"});
        EXPECT_EQ(result.status, 0) << result.err;
        EXPECT_THAT(result.err, HasSubstr("both engines agree"));
        expect_modest(result);
    }
}

TEST_F(Resources, TallKernelsAreQuicklyCompiled) {
    const std::string network =
        folder_.write("model.onnx", convolution({1, 1, 65535, 1}, {1, 1, 65535, 1}, {{"pads", {32767, 0, 32767, 0}}}));
    const auto result = test::run_tool({"check", config(network, images(8, 8), kLargeBuffers)});
    EXPECT_EQ(result.status, 0) << result.err;
    expect_modest(result);
}

TEST_F(Resources, WidePoolsTakeNoMemory) {
    for (const std::string type : {"MaxPool", "AveragePool"}) {
        const std::string network = folder_.write(
            "model.onnx",
            pool(type, {1, 1, 4, 4},
                 {{"kernel_shape", {900, 900}}, {"pads", {899, 899, 899, 899}}, {"strides", {400, 400}}}));
        const auto result =
            test::run_tool({"run", config(network, images(4, 4), "preprocessing: {fit: none}\n"), "--engine", "both"});
        EXPECT_EQ(result.status, 0) << result.err;
        expect_modest(result);
    }
}

TEST_F(Resources, LargeBuffersTakeWhatIsWritten) {
    const auto result = test::run_tool({"run",
                                        config(kLenet5, kMnist,
                                               "activation_buffer: {bytes: 1073741824}\n"
                                               "line_buffer: {bytes: 1073741824}\n"
                                               "weight_buffer: {bytes: 1073741824}\n"),
                                        "--engine", "systemc", "--images", "0:1", "--jobs", "1"});
    EXPECT_EQ(result.status, 0) << result.err;
    expect_modest(result);
}

TEST_F(Resources, ASweepSaysWhatItWouldNeed) {
    test::ChainBuilder builder({1, 1, 4096, 4096});
    builder.quantize<std::uint8_t>("x", 0.5F, 3);
    for (int i = 0; i < 8; ++i) {
        auto& node = builder.step("MaxPool", fmt::format("pool{}", i));
        test::set(node, "kernel_shape", test::Extents{1, 1});
    }
    const std::string network = folder_.write("model.onnx", builder.bytes());
    const std::string base = config(network, images(8, 8), kLargeBuffers + "array: {columns: 256}\n");
    const std::string sweep = folder_.write(
        "sweep.yaml", fmt::format("config: {}\nimages: [0, 1]\naxes:\n  accumulator_bits: [18, 16]\n", base));
    refuse({"sweep", sweep, "--out", folder_.path("out")},
           {"a sweep or search holds all feature maps of 32 images at once", "(allowed: up to 4294967296)"});
}

// ------------------------------------------------------------------------------------------------------------ models

TEST_F(Resources, ModelsThatAreMoreThanTheirBytes) {
    constexpr int kGraph = 7;
    const auto times = [](int count, const std::string& bytes) {
        std::string text;
        for (int i = 0; i < count; ++i) text += bytes;
        return text;
    };
    // What this process still holds when it starts the tool would count as the tool's: files are written first.
    const std::string nodes = folder_.write("nodes.onnx", test::field(kGraph, times(8000000, test::field(1, ""))));
    const std::string names =
        folder_.write("names.onnx", test::field(kGraph, test::field(1, times(8000000, test::field(1, "")))));
    const std::string unknown = folder_.write("unknown.onnx", test::field(kGraph, times(8000000, "\x78\x01")));
    const std::string numbers =
        folder_.write("numbers.onnx", test::field(kGraph, test::field(5, test::field(7, many(135 * kMebibyte, '\1')))));
    for (const std::string& path : {nodes, names, unknown})
        refuse({"inspect", path}, {"more than 500000 nodes, tensors"});
    refuse({"inspect", numbers}, {"more than 134217728 numbers outside of raw data"});
}

TEST_F(Resources, OneConstantManyTimes) {
    test::ChainBuilder builder = test::quantized_input({1, 1024, 1, 1});
    builder.parameter<std::int8_t>("w", {1024, 1024, 1, 1}, std::vector<std::int8_t>(1024 * 1024, 1), {0.25F});
    for (int i = 0; i < 300; ++i) {
        builder.step("Conv", fmt::format("conv{}", i), {"w"});
        builder.qdq<std::uint8_t>(fmt::format("y{}", i), 0.25F, 7);
    }
    const auto result = test::run_tool({"inspect", folder_.write("shared.onnx", builder.bytes())});
    EXPECT_EQ(result.status, 2);
    EXPECT_THAT(result.err, AllOf(HasSubstr("(Conv): brings weights, biases and scales to"), HasSubstr("268435456")));
    EXPECT_LT(result.peak_bytes, 600 * kOverhead * kMebibyte);  // a weight takes two bytes once it is read
}

TEST_F(Resources, ConstantsComputedFromFewBytes) {
    test::ChainBuilder builder = test::quantized_input({1, 1, 4, 4});
    builder.constant<std::int64_t>("many", {2}, {1024, 60 * 1024});
    std::vector<std::string> made;
    for (int i = 0; i < 40; ++i) {  // 60 MiB each
        onnx::NodeProto& node = builder.node("ConstantOfShape", {"many"}, fmt::format("made{}", i));
        onnx::TensorProto& value = *node.add_attribute()->mutable_t();
        node.mutable_attribute(0)->set_name("value");
        node.mutable_attribute(0)->set_type(onnx::AttributeProto::TENSOR);
        value.set_data_type(onnx::TensorProto::INT8);
        value.add_dims(1);
        value.set_raw_data(std::string(1, static_cast<char>(i)));
        made.push_back(node.output(0));
    }
    builder.step("Reshape", "out", made);
    refuse({"inspect", folder_.write("made.onnx", builder.bytes())},
           {"(ConstantOfShape): computes a constant: with those before it more bytes than are evaluated (67108864"});
}

// ------------------------------------------------------------------------------------------------ the memory runs out

TEST_F(Resources, MemoryThatRunsOutIsSaidInASentence) {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "AddressSanitizer reserves more than any limit";
#endif
    const auto said_by = [&](const std::string& kibibytes, const std::string& arguments) {
        const std::string command = fmt::format("ulimit -v {}; exec '{}' {} 2> '{}'", kibibytes, WIDTHWISE_EXECUTABLE,
                                                arguments, folder_.path("err"));
        EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 1);
        return test::read_file(folder_.path("err"));
    };
    const std::string sentence =
        "error: the memory ran out: the machine, or a limit set for this process, has less than this run needs\n";
    // As many images as are held, which might be in the file: room for them is asked for by the process itself.
    const std::string packed = test::gzipped(test::idx(8, {65000, 32, 32}, {}) + noise());
    const std::string images = config(kLenet5, folder_.write("many.gz", packed));
    EXPECT_THAT(said_by("90000", fmt::format("check '{}'", images)), HasSubstr(sentence));
    // A buffer of the clocked model: by a worker process.
    const std::string buffer = config(kLenet5, kMnist, "activation_buffer: {bytes: 1073741824}\n");
    const std::string out = folder_.path("out");
    EXPECT_THAT(said_by("1000000", fmt::format("run '{}' --images 0:1 --out '{}'", buffer, out)), HasSubstr(sentence));
    EXPECT_FALSE(std::filesystem::exists(out));
}

}  // namespace
}  // namespace widthwise

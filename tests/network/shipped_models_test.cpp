// SPDX-License-Identifier: Apache-2.0
// The shipped LeNet-5 and the operator goldens: an import that is executed naively in integers must give ONNX Runtime's
// bytes, which proves layouts, pads, zero points, biases and clamp ranges at once.
#include <algorithm>
#include <cmath>

#include "data/dataset.h"
#include "network/onnx_builder.h"
#include "network/onnx_import.h"

namespace widthwise::test {
namespace {

const std::string kRoot = WIDTHWISE_SOURCE_DIR;
const std::string kLenet = kRoot + "/models/lenet5.onnx";
const std::string kGoldens = kRoot + "/tests/goldens/";

using Values = std::vector<int>;

/// A feature map that reads as zero points outside.
struct Map {
    Shape shape;
    int zero_point = 0;
    const Values& values;
    [[nodiscard]] bool inside(int y, int x) const { return y >= 0 && y < shape.height && x >= 0 && x < shape.width; }
    [[nodiscard]] int at(int c, int y, int x) const {
        if (!inside(y, x)) return zero_point;
        return values[static_cast<std::size_t>((std::int64_t{c} * shape.height + y) * shape.width + x)];
    }
};

/// What ONNX Runtime adds to int8 that it makes uint8.
int lift(const Operator& op, const Quantization& q) {
    return op.runtime_kernel == RuntimeKernel::unsigned_integers && q.is_signed ? 128 : 0;
}

int limited(float real, const Operator& op, const Quantization& output) {
    // ONNX Runtime adds the zero point before rounding a pool's average, after rounding a convolution's sum.
    const int lifted = lift(op, output);
    const bool after = op.has_weights() || op.global_average || op.runtime_kernel == RuntimeKernel::reals;
    const float value =
        after ? std::nearbyint(real) + static_cast<float>(output.zero_point)
              : std::nearbyint(real + static_cast<float>(output.zero_point + lifted)) - static_cast<float>(lifted);
    return static_cast<int>(std::clamp(value, static_cast<float>(op.clamp_low), static_cast<float>(op.clamp_high)));
}

int convolve(const Operator& op, const Map& input, float scale_in, const Quantization& output, int m, int top,
             int left) {
    const Weights& weights = op.weights;
    std::int64_t sum = weights.bias.empty() ? 0 : weights.bias[static_cast<std::size_t>(m)];
    const std::int16_t* weight = weights.values.data() + m * weights.per_channel();
    const int first = m / (weights.output_channels / op.groups) * weights.input_channels;
    for (int c = first; c < first + weights.input_channels; ++c) {
        for (int r = 0; r < weights.kernel_height; ++r) {
            for (int s = 0; s < weights.kernel_width; ++s) {
                const int y = top + r * op.window.dilation_height;
                const int x = left + s * op.window.dilation_width;
                sum += (input.at(c, y, x) - input.zero_point) * *weight++;
            }
        }
    }
    return limited(static_cast<float>(sum) * (scale_in * weights.scale(m) / output.scale), op, output);
}

int pool(const Operator& op, const Map& input, float scale_in, const Quantization& output, int c, int top, int left) {
    int best = -129;
    int pixels = 0;
    float sum = 0.0F;
    int integers = 0;
    for (int y = top; y < top + op.window.kernel_height; ++y) {
        for (int x = left; x < left + op.window.kernel_width; ++x) {
            if (!input.inside(y, x)) continue;
            ++pixels;
            best = std::max(best, input.at(c, y, x));
            integers += input.at(c, y, x) - input.zero_point;
            sum += static_cast<float>(input.at(c, y, x) - input.zero_point) * scale_in;
        }
    }
    if (op.kind == OperatorKind::max_pool) return std::clamp(best, op.clamp_low, op.clamp_high);
    if (op.global_average && op.runtime_kernel != RuntimeKernel::reals) {  // the integer sum is requantized
        const float factor = scale_in / (output.scale * static_cast<float>(pixels));
        return limited(static_cast<float>(integers) * factor, op, output);
    }
    if (op.average_counts_padding) pixels = op.window.kernel_height * op.window.kernel_width;
    return limited(sum / static_cast<float>(pixels) / output.scale, op, output);
}

/// ONNX Runtime's QLinearAdd: two fused multiply-adds that start at what the zero points come to.
Values add(const Network& network, const Operator& op, const std::vector<Values>& tensors) {
    Values a = tensors[static_cast<std::size_t>(op.input)], b;
    Quantization in_a = network.tensors[static_cast<std::size_t>(op.input)].quantization, in_b;
    if (op.constant) {
        const std::size_t pixels = a.size() / op.constant->values.size();
        for (std::size_t i = 0; i < a.size(); ++i) b.push_back(op.constant->values[i / pixels]);
        in_b = op.constant->quantization;
        if (op.constant->is_first) {
            std::swap(a, b);
            std::swap(in_a, in_b);
        }
    } else {
        b = tensors[static_cast<std::size_t>(op.second_input)];
        in_b = network.tensors[static_cast<std::size_t>(op.second_input)].quantization;
    }
    const Quantization& out = network.tensors[static_cast<std::size_t>(op.output)].quantization;
    Values result;
    if (op.runtime_kernel == RuntimeKernel::reals) {
        for (std::size_t i = 0; i < a.size(); ++i) {
            const float real_a = static_cast<float>(a[i] - in_a.zero_point) * in_a.scale;
            const float real_b = static_cast<float>(b[i] - in_b.zero_point) * in_b.scale;
            result.push_back(limited((real_a + real_b) / out.scale, op, out));
        }
        return result;
    }
    const int lift_a = lift(op, in_a), lift_b = lift(op, in_b), lift_out = lift(op, out);
    const float ratio_a = in_a.scale / out.scale;
    const float ratio_b = in_b.scale / out.scale;
    const float of_b = ratio_b * static_cast<float>(in_b.zero_point + lift_b);
    const float start = static_cast<float>(out.zero_point + lift_out) -
                        std::fma(ratio_a, static_cast<float>(in_a.zero_point + lift_a), of_b);
    for (std::size_t i = 0; i < a.size(); ++i) {
        const float sum = std::fma(static_cast<float>(a[i] + lift_a), ratio_a,
                                   std::fma(static_cast<float>(b[i] + lift_b), ratio_b, start));
        result.push_back(std::clamp(static_cast<int>(std::nearbyint(sum)) - lift_out, op.clamp_low, op.clamp_high));
    }
    return result;
}

/// DequantizeLinear and QuantizeLinear.
Values requantized(const Values& values, const Operator& op, const Quantization& in, const Quantization& out) {
    Values result;
    for (const int value : values) {
        const float real = static_cast<float>(value - in.zero_point) * in.scale;
        const float quotient = real / out.scale;
        result.push_back(
            std::clamp(static_cast<int>(std::nearbyint(quotient)) + out.zero_point, op.clamp_low, op.clamp_high));
    }
    return result;
}

Values execute(const Network& network, const Operator& op, const std::vector<Values>& tensors) {
    if (op.kind == OperatorKind::addition) return add(network, op, tensors);
    const Values& values = tensors[static_cast<std::size_t>(op.input)];
    const Tensor& in = network.tensors[static_cast<std::size_t>(op.input)];
    const Tensor& out = network.tensors[static_cast<std::size_t>(op.output)];
    if (op.kind == OperatorKind::requantization) return requantized(values, op, in.quantization, out.quantization);
    const bool flat = op.kind == OperatorKind::fully_connected;
    const Shape shape = flat ? Shape{static_cast<int>(in.shape.elements()), 1, 1} : in.shape;
    const Map map{shape, in.quantization.zero_point, values};
    Values result;
    for (int m = 0; m < out.shape.channels; ++m) {
        for (int y = 0; y < out.shape.height; ++y) {
            for (int x = 0; x < out.shape.width; ++x) {
                const int top = y * op.window.stride_height - op.window.pad_top;
                const int left = x * op.window.stride_width - op.window.pad_left;
                const auto compute = op.has_weights() ? convolve : pool;
                result.push_back(compute(op, map, in.quantization.scale, out.quantization, m, top, left));
            }
        }
    }
    return result;
}

Values image_of(const IdxTensor& tensor, int index) {
    const auto size = tensor.values.size() / static_cast<std::size_t>(tensor.dimensions[0]);
    Values values;
    for (std::size_t i = 0; i < size; ++i) {
        const std::uint8_t byte = tensor.values[static_cast<std::size_t>(index) * size + i];
        values.push_back(tensor.is_signed ? static_cast<std::int8_t>(byte) : byte);
    }
    return values;
}

/// Every tensor's values.
std::vector<Values> run_all(const Network& network, const Values& image) {
    std::vector<Values> tensors(network.tensors.size());
    tensors[static_cast<std::size_t>(network.input)] = image;
    for (const Operator& op : network.operators) {
        tensors[static_cast<std::size_t>(op.output)] = execute(network, op, tensors);
    }
    return tensors;
}

/// The class that the sums of the last operator speak for.
int class_of(const Network& network, const std::vector<Values>& tensors) {
    const Operator& op = network.operators.back();
    const Tensor& in = network.tensors[static_cast<std::size_t>(op.input)];
    const Values& values = tensors[static_cast<std::size_t>(op.input)];
    const Weights& w = op.weights;
    int best = 0;
    double most = -HUGE_VAL;
    for (int m = 0; m < w.output_channels; ++m) {
        double sum = w.bias.empty() ? 0 : w.bias[static_cast<std::size_t>(m)];
        for (std::size_t i = 0; i < values.size(); ++i) {
            sum += (values[i] - in.quantization.zero_point) * w.values[static_cast<std::size_t>(m) * values.size() + i];
        }
        if (sum * w.scale(m) <= most) continue;
        most = sum * w.scale(m);
        best = m;
    }
    return best;
}

class OperatorGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(OperatorGolden, ImportsToOnnxRuntimesBytes) {
    const std::string stem = kGoldens + GetParam();
    const Network network =
        import_onnx(stem + ".onnx", GetParam() == "exporters/two_outputs" ? "dequantizelinear28" : "");
    const IdxTensor input = read_idx(stem + ".input.idx.gz");
    if (std::filesystem::exists(stem + ".classes.idx.gz")) {
        const IdxTensor classes = read_idx(stem + ".classes.idx.gz");
        for (int image = 0; image < input.dimensions[0]; ++image) {
            const std::vector<Values> tensors = run_all(network, image_of(input, image));
            const Values& last = tensors[static_cast<std::size_t>(network.output)];
            const int found = network.operators.back().sums_leave
                                  ? class_of(network, tensors)
                                  : static_cast<int>(std::max_element(last.begin(), last.end()) - last.begin());
            EXPECT_EQ(found, classes.values[static_cast<std::size_t>(image)]) << "image " << image;
        }
        return;
    }
    const IdxTensor output = read_idx(stem + ".output.idx.gz");
    const Tensor& first = network.tensors[static_cast<std::size_t>(network.input)];
    EXPECT_EQ(first.shape, (Shape{input.dimensions[1], input.dimensions[2], input.dimensions[3]}));
    EXPECT_EQ(first.quantization.is_signed, input.is_signed);
    for (int image = 0; image < input.dimensions[0]; ++image) {
        const std::vector<Values> tensors = run_all(network, image_of(input, image));
        EXPECT_EQ(tensors[static_cast<std::size_t>(network.output)], image_of(output, image)) << "image " << image;
    }
}

std::vector<std::string> golden_names() {
    std::vector<std::string> names;
    std::error_code none;
    for (const std::string folder : {"exporters/", "operators/"}) {
        for (const auto& entry : std::filesystem::directory_iterator(kGoldens + folder, none)) {
            if (entry.path().extension() == ".onnx") names.push_back(folder + entry.path().stem().string());
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

INSTANTIATE_TEST_SUITE_P(Shipped, OperatorGolden, ::testing::ValuesIn(golden_names()), [](const auto& tested) {
    std::string name = tested.param;
    std::replace(name.begin(), name.end(), '/', '_');
    return name;
});
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OperatorGolden);

class Lenet : public ::testing::Test {
protected:
    void SetUp() override {
        if (!std::filesystem::exists(kLenet)) GTEST_SKIP() << "no model";
    }
};

TEST_F(Lenet, ShapesAndMacs) {
    const Network network = import_onnx(kLenet);
    struct Expected {
        std::string name;
        OperatorKind kind;
        Shape shape;
        std::int64_t macs;
    };
    const std::vector<Expected> layers = {
        {"c1", OperatorKind::convolution, {6, 28, 28}, 117600},
        {"s2", OperatorKind::max_pool, {6, 14, 14}, 0},
        {"c3", OperatorKind::convolution, {16, 10, 10}, 240000},
        {"s4", OperatorKind::max_pool, {16, 5, 5}, 0},
        {"c5", OperatorKind::convolution, {120, 1, 1}, 48000},
        {"f6", OperatorKind::fully_connected, {84, 1, 1}, 10080},
        {"out", OperatorKind::fully_connected, {10, 1, 1}, 840},
    };
    ASSERT_EQ(network.operators.size(), layers.size());
    EXPECT_EQ(network.tensors.size(), layers.size() + 1);
    for (std::size_t i = 0; i < layers.size(); ++i) {
        const Operator& op = network.operators[i];
        EXPECT_EQ(op.name, layers[i].name);
        EXPECT_EQ(op.kind, layers[i].kind);
        EXPECT_EQ(network.tensors[static_cast<std::size_t>(op.output)].shape, layers[i].shape) << op.name;
        EXPECT_EQ(multiply_accumulates(network, op), layers[i].macs) << op.name;
        EXPECT_EQ(op.weights.bias.size(), op.name == "out" ? 10U : 0U) << op.name;
        EXPECT_EQ(op.activation == Activation::relu, op.has_weights() && op.name != "out") << op.name;
        const WorstCaseBits bits = worst_case_accumulator_bits(network, op);
        EXPECT_LE(bits.l1, bits.data_type) << op.name;
    }
    EXPECT_TRUE(output_tensor(network).quantization.is_signed);
}

TEST_F(Lenet, NaiveExecutionGivesTheGoldens) {
    const std::string folder = kRoot + "/tests/goldens/lenet5/";
    const std::string images = kRoot + "/traces/mnist/t10k-images-idx3-ubyte.gz";
    if (!std::filesystem::exists(folder) || !std::filesystem::exists(images)) GTEST_SKIP() << "no goldens or images";
    const Network network = import_onnx(kLenet);
    const Dataset dataset = Dataset::load(images, "");
    const Tensor& input = network.tensors[static_cast<std::size_t>(network.input)];
    for (int image = 0; image < 3; ++image) {
        const auto bytes = dataset.quantized(image, {}, input);
        const std::vector<Values> tensors = run_all(network, {bytes.begin(), bytes.end()});
        for (const Operator& op : network.operators) {
            const IdxTensor golden = read_idx(folder + op.name + ".idx.gz");
            EXPECT_EQ(tensors[static_cast<std::size_t>(op.output)], image_of(golden, image))
                << op.name << ", image " << image;
        }
    }
}

}  // namespace
}  // namespace widthwise::test

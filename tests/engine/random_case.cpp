// SPDX-License-Identifier: Apache-2.0
#include "engine/random_case.h"

#include <fmt/format.h>

#include <algorithm>

#include "arithmetic/accumulator.h"
#include "common/error.h"
#include "config/config_writer.h"
#include "config/run_config.h"
#include "config/validate.h"
#include "kit/random.h"
#include "schedule/compile.h"
#include "schedule/schedule.h"

namespace widthwise::test {

namespace {

class Generator {
public:
    explicit Generator(std::uint64_t seed) : random_(seed) {}

    Network network() {
        Network net;
        net.name = "random";
        const int largest = random_.percent(30) ? 3 : 9;  // small maps lie between paddings that are larger
        Tensor input{"input", {random_.in(1, 5), random_.in(1, largest), random_.in(1, largest)}, quantization()};
        net.tensors.push_back(input);
        const int layers = random_.in(1, 3);
        for (int i = 0; i < layers; ++i) add_layer(net, i);
        net.output = static_cast<int>(net.tensors.size()) - 1;
        return net;
    }

    /// Beyond a full batch.
    int more_images() { return random_.in(0, 2); }

    HardwareParams hardware() {
        HardwareParams h;
        h.batch = random_.percent(60) ? 1 : random_.in(2, 5);
        h.loop_accounting = random_.percent(30);
        h.array.rows = random_.in(1, 9);
        h.array.columns = random_.in(1, 9);
        h.array.mapping = random_.one_of({Mapping::row, Mapping::flat});
        h.array.interconnect = random_.one_of({Interconnect::broadcast, Interconnect::systolic});
        h.array.zero_gating = random_.percent(40);
        h.array.shadow_accumulators = random_.percent(60);
        h.accumulator.format.bits = random_.percent(80) ? random_.in(6, 24) : random_.in(2, 48);
        h.accumulator.format.overflow = random_.one_of({Overflow::saturate, Overflow::wrap});
        h.accumulator.format.check = random_.percent(75) ? OverflowCheck::per_add : OverflowCheck::per_output;
        h.accumulator.bias = random_.one_of({BiasMode::preload, BiasMode::requant});
        h.accumulator.statistics = random_.percent(80) ? PsumStatistics::outputs : PsumStatistics::every_add;
        random_.shuffle(h.accumulator.order);
        h.requant.mode = random_.one_of(
            {RequantMode::fixed_point, RequantMode::shift, RequantMode::reciprocal, RequantMode::float32});
        h.requant.rounding = h.requant.mode == RequantMode::float32
                                 ? Rounding::half_even
                                 : random_.one_of({Rounding::floor, Rounding::toward_zero, Rounding::half_up,
                                                   Rounding::half_away, Rounding::half_even, Rounding::gemmlowp});
        h.requant.multiplier_bits = random_.in(4, 32);
        h.requant.lanes = random_.in(1, 7);
        h.pool.rounding = h.requant.rounding;
        h.line_buffer.fill_bytes_per_cycle = random_.percent(40) ? random_.in(1, 2) : random_.in(1, 12);
        h.line_buffer.rows = random_.percent(60) ? 0 : random_.in(1, 12);
        h.line_buffer.bytes = random_.in(200, 4000);
        h.activation_buffer.bytes = 16384;
        h.activation_buffer.ports = random_.in(1, 2);
        h.weight_buffer.bytes = 65536;
        h.weight_buffer.storage = random_.one_of({WeightStorage::resident, WeightStorage::streamed});
        h.weight_buffer.bytes_per_cycle = random_.percent(60) ? 0 : random_.in(1, 9);
        h.dram.latency = random_.in(1, 80);
        h.dram.bytes_per_cycle = random_.in(1, 12);
        return h;
    }

    /// Gives some layers weights that had a zero point, of each channel its own, so that some do not fit 8 bits.
    void wide_weights(Network& net) {
        for (Operator& op : net.operators) {
            if (!op.has_weights() || !random_.percent(12)) continue;
            Weights& w = op.weights;
            auto value = w.values.begin();
            for (int m = 0; m < w.output_channels; ++m) {
                const int zero_point = random_.one_of({0, 255, random_.in(0, 255), random_.in(0, 255)});
                for (std::int64_t t = 0; t < w.per_channel(); ++t) {
                    *value++ = static_cast<std::int16_t>(random_.in(0, 255) - zero_point);
                }
            }
            const auto [low, high] = std::minmax_element(w.values.begin(), w.values.end());
            w.bits = std::max(2, bits_for_range(*low, *high));
        }
    }

    /// Makes a last operator with weights one whose sums leave, often.
    void end(Network& net) {
        Operator& last = net.operators.back();
        last.sums_leave = last.has_weights() && random_.percent(40);
    }

    /// Makes buffers too small for what is in them at once, often.
    void shrink(HardwareParams& h) {
        if (random_.percent(40)) {
            h.line_buffer.rows = 0;
            h.line_buffer.bytes = random_.in(2, 200);
        }
        if (random_.percent(50))
            h.activation_buffer.bytes = random_.percent(50) ? random_.in(4, 120) : random_.in(4, 1200);
        if (random_.percent(40)) h.weight_buffer.bytes = random_.in(20, 600);
        if (random_.percent(20)) h.weight_buffer.storage = WeightStorage::automatic;
        if (random_.percent(40)) h.activation_buffer.strip_rows = random_.in(1, 3);
        if (random_.percent(20)) h.activation_buffer.strip_channels = random_.in(1, 20);
        h.activation_buffer.prefetch_strips = !random_.percent(20);
    }

    /// What an operator reads, or the network puts out, becomes other integers first, sometimes.
    void requantize(Network& net) {
        const int count = static_cast<int>(net.operators.size());
        insert(net, "requantized", OperatorKind::requantization, random_.in(0, 4 * count));
    }

    /// In one of eight networks, anywhere.
    void add_constant(Network& net) {
        const int count = static_cast<int>(net.operators.size());
        const int at = random_.in(0, 8 * count);
        if (!insert(net, "constant", OperatorKind::addition, at)) return;
        Operator& op = net.operators[at];
        AddedConstant& constant = op.constant.emplace();
        constant.quantization = quantization();
        constant.is_first = random_.percent(50);
        constant.values.resize(net.tensors[op.input].shape.channels);
        for (std::int16_t& value : constant.values)
            value = static_cast<std::int16_t>(random_.in(constant.quantization.low(), constant.quantization.high()));
    }

    /// Ports and buffers of a size of their own, sometimes.
    void narrow(HardwareParams& h) {
        if (random_.percent(30)) h.line_buffer.read_bytes_per_cycle = random_.in(1, 9);
        if (random_.percent(20)) h.pool.row_buffer_bytes = random_.in(1, 60);
    }

    /// Rules of additions and averages of real values. Scales of 1/32 and 1/16 make ties.
    void choose_kernels(HardwareParams& h, Network& net) {
        if (h.requant.mode != RequantMode::float32) return;
        if (random_.percent(30)) h.requant.mode = RequantMode::onnx;
        for (Operator& op : net.operators) {
            op.runtime_kernel =
                random_.one_of({RuntimeKernel::integers, RuntimeKernel::unsigned_integers, RuntimeKernel::reals});
        }
        if (!random_.percent(50)) return;
        for (Tensor& tensor : net.tensors) {
            Quantization& q = tensor.quantization;
            q.scale = q.scale < 0.04F ? 0.03125F : 0.0625F;
        }
    }

    std::vector<std::uint8_t> image(const Tensor& input) {
        std::vector<std::uint8_t> bytes(static_cast<std::size_t>(input.shape.elements()));
        const Quantization& q = input.quantization;
        const int sparsity = random_.in(0, 60);
        for (std::uint8_t& byte : bytes) {
            byte = static_cast<std::uint8_t>(random_.percent(sparsity) ? q.zero_point : random_.in(q.low(), q.high()));
        }
        return bytes;
    }

private:
    /// Before operator `at`, or behind the last one, an operator that leaves the shape as it is; false if nowhere.
    bool insert(Network& net, const std::string& name, OperatorKind kind, int at) {
        const int count = static_cast<int>(net.operators.size());
        if (at > count || (at == count && net.operators.back().sums_leave)) return false;
        const bool at_end = at == count;
        const int read = at_end ? net.output : net.operators[at].input;
        Operator op;
        op.name = name;
        op.kind = kind;
        op.input = read;
        op.output = static_cast<int>(net.tensors.size());
        const Tensor made{op.name + "_q", net.tensors[read].shape, quantization()};
        op.clamp_low = random_.percent(40) ? made.quantization.zero_point : made.quantization.low();
        op.clamp_high = made.quantization.high();
        net.tensors.push_back(made);
        net.operators.insert(net.operators.begin() + at, op);
        if (at_end) net.output = op.output;
        else net.operators[at + 1].input = op.output;
        keep_max_pools(net);
        return true;
    }

    /// A MaxPool's output has its input's quantization.
    static void keep_max_pools(Network& net) {
        for (Operator& op : net.operators) {
            if (op.kind != OperatorKind::max_pool) continue;
            const Quantization& input = net.tensors[op.input].quantization;
            net.tensors[op.output].quantization = input;
            op.clamp_low = std::clamp(op.clamp_low, input.low(), input.high());
            op.clamp_high = std::clamp(op.clamp_high, op.clamp_low, input.high());
        }
    }

    Quantization quantization() {
        Quantization q;
        q.is_signed = random_.percent(40);
        q.bits = random_.percent(70) ? 8 : random_.in(2, 7);
        q.zero_point = random_.percent(50) ? 0 : random_.in(q.low(), q.high());
        q.scale = static_cast<float>(random_.in(1, 1000)) / 10000.0F;
        return q;
    }

    void add_layer(Network& net, int index) {
        const Tensor input = net.tensors.back();
        Operator op;
        op.name = fmt::format("layer{}", index);
        op.input = static_cast<int>(net.tensors.size()) - 1;
        op.output = op.input + 1;
        if (random_.percent(15) && addition(net, op)) return;
        const int kind = random_.in(1, 100);
        Tensor output{op.name + "_q", input.shape, quantization()};
        if (kind <= 55) convolution(op, input, output);
        else if (kind <= 80) fully_connected(op, input, output);
        else pool(op, input, output);
        op.clamp_low = output.quantization.low();
        op.clamp_high = output.quantization.high();
        if (random_.percent(40)) op.clamp_low = std::max(op.clamp_low, output.quantization.zero_point);
        net.tensors.push_back(output);
        net.operators.push_back(op);
        // An addition and a pool behind a computing layer are joined with it.
        if (op.has_weights() && random_.percent(40)) {
            Operator behind;
            behind.name = fmt::format("addition{}", index);
            behind.input = op.output;
            behind.output = op.output + 1;
            addition(net, behind);
        }
        const Tensor last = net.tensors.back();
        if (op.has_weights() && last.shape.height * last.shape.width > 1 && random_.percent(40)) {
            Operator behind;
            behind.name = fmt::format("pool{}", index);
            behind.input = static_cast<int>(net.tensors.size()) - 1;
            behind.output = behind.input + 1;
            Tensor pooled{behind.name + "_q", last.shape, last.quantization};
            pool(behind, last, pooled);
            behind.clamp_low = pooled.quantization.low();
            behind.clamp_high = pooled.quantization.high();
            net.tensors.push_back(pooled);
            net.operators.push_back(behind);
        }
    }

    /// Adds op.input and any earlier tensor of its shape, itself included, in either order. False when op.input is the
    /// only one and stays alone.
    bool addition(Network& net, Operator& op) {
        const Tensor& input = net.tensors[static_cast<std::size_t>(op.input)];
        std::vector<int> others;
        for (int t = 0; t <= op.input; ++t) {
            if (net.tensors[static_cast<std::size_t>(t)].shape == input.shape) others.push_back(t);
        }
        if (others.size() == 1 && random_.percent(70)) return false;
        op.kind = OperatorKind::addition;
        op.second_input = others[static_cast<std::size_t>(random_.in(0, static_cast<int>(others.size()) - 1))];
        if (random_.percent(50)) std::swap(op.input, op.second_input);
        Tensor output{op.name + "_q", input.shape, quantization()};
        op.clamp_low = random_.percent(40) ? output.quantization.zero_point : output.quantization.low();
        op.clamp_high = output.quantization.high();
        net.tensors.push_back(output);
        net.operators.push_back(op);
        return true;
    }

    void window(Window& w, const Shape& shape, int largest) {
        w.kernel_height = random_.in(1, std::min(largest, shape.height));
        w.kernel_width = random_.in(1, std::min(largest, shape.width));
        w.stride_height = random_.in(1, 3);
        w.stride_width = random_.in(1, 3);
        w.pad_top = random_.in(0, w.kernel_height - 1);
        w.pad_bottom = random_.in(0, w.kernel_height - 1);
        w.pad_left = random_.in(0, w.kernel_width - 1);
        w.pad_right = random_.in(0, w.kernel_width - 1);
    }

    /// Up to more rows and columns than the kernel spans: outputs that see nothing but padding.
    void pad_beyond_the_kernel(Window& w) {
        const int rows = std::min(w.span_height() + 1, 8);
        const int columns = std::min(w.span_width() + 1, 8);
        w.pad_top = random_.in(0, rows);
        w.pad_bottom = random_.in(0, rows);
        w.pad_left = random_.in(0, columns);
        w.pad_right = random_.in(0, columns);
    }

    void weights(Operator& op, int outputs, int inputs, int kernel_height, int kernel_width) {
        Weights& w = op.weights;
        w.output_channels = outputs;
        w.input_channels = inputs;
        w.kernel_height = kernel_height;
        w.kernel_width = kernel_width;
        w.bits = random_.percent(60) ? 8 : random_.in(2, 7);
        w.values.resize(static_cast<std::size_t>(outputs * inputs * kernel_height * kernel_width));
        const int high = (1 << (w.bits - 1)) - 1;
        for (std::int16_t& value : w.values) value = static_cast<std::int8_t>(random_.in(-high - 1, high));
        const int scales = random_.percent(50) ? 1 : outputs;
        for (int i = 0; i < scales; ++i) w.scales.push_back(static_cast<float>(random_.in(1, 100)) / 20000.0F);
        const int reach = random_.one_of({10, 1000, 100000});
        for (int i = 0; random_.percent(60) && i < outputs; ++i) w.bias.push_back(0);
        w.bias.resize(w.bias.empty() ? 0 : static_cast<std::size_t>(outputs));
        for (std::int32_t& bias : w.bias) bias = random_.in(-reach, reach);
    }

    void convolution(Operator& op, const Tensor& input, Tensor& output) {
        op.kind = OperatorKind::convolution;
        window(op.window, input.shape, 5);
        Window& w = op.window;
        if (random_.percent(40)) {
            w.dilation_height = random_.in(1, 4);
            w.dilation_width = random_.in(1, 4);
        }
        if (random_.percent(20)) w.stride_height = random_.in(w.kernel_height, w.kernel_height + 4);
        if (random_.percent(20)) w.stride_width = random_.in(w.kernel_width, w.kernel_width + 4);
        if (random_.percent(30)) pad_beyond_the_kernel(w);
        // Padding that the dilated kernel needs to fit in at all goes to either side.
        while (w.output_height(input.shape.height) < 1) ++(random_.percent(50) ? w.pad_top : w.pad_bottom);
        while (w.output_width(input.shape.width) < 1) ++(random_.percent(50) ? w.pad_left : w.pad_right);
        int outputs = random_.in(1, 12);
        if (random_.percent(35)) {
            op.groups = input.shape.channels;  // depthwise, or with 4 channels also two groups of two
            if (op.groups == 4 && random_.percent(50)) op.groups = 2;
            outputs = op.groups * random_.in(1, 4);
        }
        weights(op, outputs, input.shape.channels / op.groups, op.window.kernel_height, op.window.kernel_width);
        output.shape = {outputs, op.window.output_height(input.shape.height),
                        op.window.output_width(input.shape.width)};
    }

    void fully_connected(Operator& op, const Tensor& input, Tensor& output) {
        op.kind = OperatorKind::fully_connected;
        const int outputs = random_.in(1, 20);
        weights(op, outputs, static_cast<int>(input.shape.elements()), 1, 1);
        output.shape = {outputs, 1, 1};
    }

    void pool(Operator& op, const Tensor& input, Tensor& output) {
        op.kind = random_.percent(60) ? OperatorKind::max_pool : OperatorKind::average_pool;
        window(op.window, input.shape, 4);
        op.average_counts_padding = random_.percent(30);
        if (op.kind == OperatorKind::average_pool && random_.percent(30)) {
            op.window = Window{};
            op.window.kernel_height = input.shape.height;
            op.window.kernel_width = input.shape.width;
            op.global_average = true;
        }
        if (op.kind == OperatorKind::average_pool && random_.percent(25))
            op.sum_shift = SumShift{random_.in(0, 6), random_.percent(50)};
        output.shape = {input.shape.channels, op.window.output_height(input.shape.height),
                        op.window.output_width(input.shape.width)};
        if (op.kind == OperatorKind::max_pool) output.quantization = input.quantization;
    }

    Random random_;
};

}  // namespace

RandomCase make_random_case(std::uint64_t seed) {
    for (std::uint64_t attempt = 0;; ++attempt) {
        Generator generate(seed * 1000 + attempt);
        RandomCase made;
        made.seed = seed;
        made.network = generate.network();
        Generator apart(~(seed * 1000 + attempt));  // so that all else of a seed's case stays as it was
        apart.end(made.network);
        apart.wide_weights(made.network);
        made.hardware = generate.hardware();
        apart.shrink(made.hardware);
        apart.requantize(made.network);
        apart.add_constant(made.network);
        apart.narrow(made.hardware);
        apart.choose_kernels(made.hardware, made.network);
        try {
            validate(made.hardware);
            compile(made.network, made.hardware, made.hardware.batch);
        } catch (const InputError&) {
            continue;  // a combination that the hardware refuses; the next attempt is as random
        }
        const int images = made.hardware.batch + generate.more_images();
        for (int i = 0; i < images; ++i) made.images.push_back(generate.image(made.network.tensors[0]));
        return made;
    }
}

std::string RandomCase::describe() const {
    std::string text = fmt::format("seed {}, {} images\n", seed, images.size());
    RunConfig config;
    config.network = "random.onnx";
    config.images = "random.idx";
    config.hardware = hardware;
    text += to_yaml(config);
    for (const Tensor& t : network.tensors) {
        text += fmt::format("tensor {}: {}x{}x{}, {} {} bits, zero point {}, scale {}\n", t.name, t.shape.channels,
                            t.shape.height, t.shape.width, t.quantization.is_signed ? "signed" : "unsigned",
                            t.quantization.bits, t.quantization.zero_point, t.quantization.scale);
    }
    for (const Operator& op : network.operators) {
        const Window& w = op.window;
        text += fmt::format(
            "operator {}: kind {}, input {}, second input {}, groups {}, dilation {}x{}, kernel {}x{}, stride {}x{}, "
            "pads {} {} {} {}, clamp {}..{}, bias {}, weights of {} bits{}\n",
            op.name, static_cast<int>(op.kind), op.input, op.second_input, op.groups, w.dilation_height,
            w.dilation_width, w.kernel_height, w.kernel_width, w.stride_height, w.stride_width, w.pad_top, w.pad_left,
            w.pad_bottom, w.pad_right, op.clamp_low, op.clamp_high, op.weights.bias.size(), op.weights.bits,
            op.sums_leave ? ", sums leave" : "");
    }
    return text;
}

}  // namespace widthwise::test

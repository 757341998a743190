// SPDX-License-Identifier: Apache-2.0
// widthwise inspect: what is in a network.
#include <algorithm>

#include <fmt/format.h>

#include "cli/command.h"
#include "config/hardware.h"
#include "network/network.h"
#include "results/run_files.h"
#include "results/run_report.h"
#include "results/tables.h"

namespace widthwise {
namespace {

using Json = nlohmann::ordered_json;

std::string shape_text(const Shape& shape) {
    return fmt::format("{}x{}x{}", shape.channels, shape.height, shape.width);
}

std::string activation_text(const Operator& op) {
    switch (op.activation) {
        case Activation::none: return "none";
        case Activation::relu: return "ReLU";
        case Activation::clip: return "clip";
    }
    return "";
}

/// Weights and biases.
std::int64_t parameters(const Operator& op) {
    return static_cast<std::int64_t>(op.weights.values.size() + op.weights.bias.size());
}

std::string kernel_text(const Operator& op) {
    if (op.kind == OperatorKind::fully_connected) return "-";
    return fmt::format("{}x{}/{}x{}", op.window.kernel_height, op.window.kernel_width, op.window.stride_height,
                       op.window.stride_width);
}

std::string weight_scale_text(const Weights& weights) {
    if (weights.scales.empty()) return "-";
    const auto [low, high] = std::minmax_element(weights.scales.begin(), weights.scales.end());
    if (weights.scales.size() == 1) return fmt::format("{:.4g}", *low);
    return fmt::format("{:.3g}..{:.3g}", *low, *high);  // per channel
}

std::string type_text(const Quantization& quantization) {
    return fmt::format("{}{}", quantization.is_signed ? "int" : "uint", quantization.bits);
}

class Inspection {
public:
    explicit Inspection(const Network& network) : network_(network) {}

    [[nodiscard]] std::string text() const {
        const Tensor& input = tensor(network_.input);
        return fmt::format(
            "{:<10}{}\n{:<10}{}\n{:<10}{} {}, scale {:.4g}, zero point {}\n\n{}\nQuantization and the "
            "accumulator bits that the worst input can need\n\n{}",
            "network", network_.path, "MD5", network_.digest, "input", shape_text(input.shape),
            type_text(input.quantization), input.quantization.scale, input.quantization.zero_point, shapes_table(),
            quantization_table());
    }

    [[nodiscard]] Json json() const {
        const Tensor& input = tensor(network_.input);
        Json json = {{"name", network_.name}, {"file", network_.path}, {"md5", network_.digest}};
        json["input"] = tensor_json(input);
        json["layers"] = Json::array();
        for (const Operator& op : network_.operators) json["layers"].push_back(operator_json(op));
        std::int64_t macs = 0, weights = 0;
        for (const Operator& op : network_.operators) {
            macs += multiply_accumulates(network_, op);
            weights += parameters(op);
        }
        json["total"] = {{"parameters", weights}, {"macs", macs}};
        return json;
    }

private:
    [[nodiscard]] const Tensor& tensor(int index) const { return network_.tensors[static_cast<std::size_t>(index)]; }

    [[nodiscard]] std::string shapes_table() const {
        TextTable table({"layer", "\nkind", "kernel\n/stride", "\ninput", "\noutput", "output\nbytes", "\nfunction",
                         "\nparameters", "\nMACs"});
        std::int64_t macs = 0, weights = 0, bytes = 0;
        for (const Operator& op : network_.operators) {
            const Shape& output = tensor(op.output).shape;
            const std::int64_t op_macs = multiply_accumulates(network_, op);
            table.add_row({op.name, kind_name(op.kind), kernel_text(op), shape_text(tensor(op.input).shape),
                           shape_text(output), grouped(output.elements()), activation_text(op), grouped(parameters(op)),
                           grouped(op_macs)});
            macs += op_macs;
            weights += parameters(op);
            bytes += output.elements();
        }
        table.add_rule();
        table.add_row({"total", "", "", "", "", grouped(bytes), "", grouped(weights), grouped(macs)});
        return table.text();
    }

    [[nodiscard]] std::string quantization_table() const {
        TextTable table({"layer", "input\ntype", "input\nscale", "zero\npoint", "weight\nbits", "weight\nscale",
                         "output\ntype", "output\nscale", "zero\npoint", "output\nrange", "bits by\nl1 norm",
                         "bits by\ntypes"});
        for (const Operator& op : network_.operators) {
            const Quantization& in = tensor(op.input).quantization;
            const Quantization& out = tensor(op.output).quantization;
            const WorstCaseBits worst = worst_case_accumulator_bits(network_, op);
            const bool sums = op.has_weights();
            table.add_row({op.name, type_text(in), fmt::format("{:.4g}", in.scale), fmt::format("{}", in.zero_point),
                           sums ? fmt::format("{}", op.weights.bits) : "-", weight_scale_text(op.weights),
                           type_text(out), fmt::format("{:.4g}", out.scale), fmt::format("{}", out.zero_point),
                           fmt::format("{}..{}", op.clamp_low, op.clamp_high), sums ? fmt::format("{}", worst.l1) : "-",
                           sums ? fmt::format("{}", worst.data_type) : "-"});
        }
        return table.text();
    }

    static Json tensor_json(const Tensor& tensor) {
        const Quantization& quantization = tensor.quantization;
        return {{"name", tensor.name},
                {"shape", {tensor.shape.channels, tensor.shape.height, tensor.shape.width}},
                {"bytes", tensor.shape.elements()},
                {"signed", quantization.is_signed},
                {"bits", quantization.bits},
                {"scale", quantization.scale},
                {"zero_point", quantization.zero_point}};
    }

    [[nodiscard]] Json operator_json(const Operator& op) const {
        Json json = {{"name", op.name},
                     {"kind", kind_name(op.kind)},
                     {"input", tensor_json(tensor(op.input))},
                     {"output", tensor_json(tensor(op.output))},
                     {"function", activation_text(op)},
                     {"clamp", {op.clamp_low, op.clamp_high}},
                     {"parameters", parameters(op)},
                     {"macs", multiply_accumulates(network_, op)}};
        if (op.kind != OperatorKind::fully_connected) {
            const Window& w = op.window;
            json["window"] = {{"kernel", {w.kernel_height, w.kernel_width}},
                              {"stride", {w.stride_height, w.stride_width}},
                              {"pads", {w.pad_top, w.pad_left, w.pad_bottom, w.pad_right}}};
        }
        if (op.has_weights()) {
            const WorstCaseBits worst = worst_case_accumulator_bits(network_, op);
            json["weights"] = {
                {"bits", op.weights.bits}, {"scales", op.weights.scales}, {"bias", !op.weights.bias.empty()}};
            json["accumulator_bits"] = {{"l1_bound", worst.l1}, {"data_type_bound", worst.data_type}};
        }
        return json;
    }

    const Network& network_;
};

void inspect(const ParsedOptions& options) {
    const std::string& path = options.argument;
    const bool is_config = path.ends_with(".yaml") || path.ends_with(".yml");
    const Network network = import_onnx(is_config ? load_run_config(path).network : path);
    const Inspection inspection(network);
    if (options.has("json")) fmt::print("{}", json_text(inspection.json()));
    else if (!options.has("quiet")) fmt::print("{}", inspection.text());
}

}  // namespace

Command inspect_command() {
    CommandSpec spec;
    spec.name = "inspect";
    spec.argument = "MODEL";
    spec.summary = "Print a network's layers: shapes, parameters, MACs, scales, worst-case accumulator bits.";
    spec.details = "MODEL is an ONNX file, or a YAML configuration that names one.";
    spec.examples = {"models/lenet5.onnx"};
    return {spec, inspect};
}

}  // namespace widthwise

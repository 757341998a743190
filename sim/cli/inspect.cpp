// SPDX-License-Identifier: Apache-2.0
// widthwise inspect: what is in a network.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/workload.h"
#include "common/error.h"
#include "config/hardware.h"
#include "config/run_config.h"
#include "engine/fast/fast_engine.h"
#include "network/network.h"
#include "network/onnx_import.h"
#include "results/run_files.h"
#include "results/run_report.h"
#include "results/tables.h"
#include "schedule/compile.h"
#include "schedule/describe_layer.h"
#include "text/printable.h"

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

bool has_window(const Operator& op) {
    return op.kind == OperatorKind::convolution || op.kind == OperatorKind::max_pool ||
           op.kind == OperatorKind::average_pool;
}

std::string kernel_text(const Operator& op) {
    if (!has_window(op)) return "-";
    const Window& w = op.window;
    std::string text = fmt::format("{}x{}/{}x{}", w.kernel_height, w.kernel_width, w.stride_height, w.stride_width);
    if (w.dilation_height != 1 || w.dilation_width != 1) {
        text += fmt::format(" dilated {}x{}", w.dilation_height, w.dilation_width);
    }
    if (op.groups != 1) text += fmt::format(" in {} groups", op.groups);
    return text;
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

std::string signed_text(std::int64_t value) { return value < 0 ? "-" + grouped(-value) : grouped(value); }

/// The psums of each operator with weights, by its index, over the images that were asked for.
using MeasuredPsums = std::map<int, PsumStats>;

/// With accumulators so wide that nothing overflows, so that no layer sees an input that saturation has changed.
MeasuredPsums measure(const Workload& workload, const HalfOpenRange& images, int jobs) {
    HardwareParams hardware = workload.config.hardware;
    hardware.accumulator.format.bits = kMaxAccumulatorBits;
    hardware.accumulator.layer_bits.clear();
    FastEngine engine(workload.network, hardware, jobs);
    const RunRecord record = engine.run(
        static_cast<int>(images.first), static_cast<int>(images.end), [&](int image) { return workload.input(image); },
        [](int, std::span<const std::uint8_t>) { InterruptGuard::check(); });
    const Schedule schedule = compile(workload.network, hardware, hardware.batch);
    MeasuredPsums measured;
    for (const LayerSchedule& layer : schedule.layers) {
        if (layer.computation.has_value())
            measured[layer.computation->operator_index] = record.layers[static_cast<std::size_t>(layer.index)].psums;
    }
    return measured;
}

class Inspection {
public:
    /// `sum_bits`: of the last operator's accumulators, if its sums leave and a configuration says.
    Inspection(const Network& network, MeasuredPsums measured, std::optional<int> sum_bits)
        : network_(network), measured_(std::move(measured)), sum_bits_(sum_bits) {}

    [[nodiscard]] std::string text() const {
        const Tensor& input = tensor(network_.input);
        return fmt::format(
            "{:<10}{}\n{:<10}{}\n{:<10}{} {}, scale {:.4g}, zero point {}\n{}\n{}\nQuantization\n\n{}\n"
            "Accumulator bits that the worst input can need, by types and by the actual weights{}\n\n{}",
            "network", printable(network_.path), "MD5", network_.digest, "input", shape_text(input.shape),
            type_text(input.quantization), input.quantization.scale, input.quantization.zero_point,
            sums_text() + notes_text(), shapes_table(), quantization_table(),
            measured_.empty() ? "" : "; bits measured", accumulator_table());
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
        if (!network_.notes.empty()) json["notes"] = network_.notes;
        return json;
    }

private:
    [[nodiscard]] const Tensor& tensor(int index) const { return network_.tensors[static_cast<std::size_t>(index)]; }

    [[nodiscard]] std::string notes_text() const {
        std::string text;
        for (const std::string& note : network_.notes) text += fmt::format("{:<10}{}\n", "note", printable(note));
        return text;
    }

    [[nodiscard]] std::string sums_text() const {
        const Operator& last = network_.operators.back();
        if (!last.sums_leave) return "";
        return fmt::format("{:<10}{} sums, without requantization, {} bytes each\n", "output",
                           shape_text(tensor(last.output).shape),
                           sum_bits_ ? fmt::format("{}", bytes_of_bits(*sum_bits_)) : "ceil(accumulator bits / 8)");
    }

    /// Of one image; unknown where sums leave and no configuration says how wide they are.
    [[nodiscard]] std::optional<std::int64_t> output_bytes(const Operator& op) const {
        const std::int64_t values = tensor(op.output).shape.elements();
        if (!op.sums_leave) return values;
        if (!sum_bits_) return std::nullopt;
        return values * bytes_of_bits(*sum_bits_);
    }

    [[nodiscard]] std::string shapes_table() const {
        TextTable table({"layer", "\nkind", "kernel\n/stride", "\ninput", "\noutput", "output\nbytes", "\nfunction",
                         "\nparameters", "\nMACs"});
        std::int64_t macs = 0, weights = 0, bytes = 0;
        for (const Operator& op : network_.operators) {
            const Shape& output = tensor(op.output).shape;
            const std::optional<std::int64_t> op_bytes = output_bytes(op);
            const std::int64_t op_macs = multiply_accumulates(network_, op);
            table.add_row({op.name, kind_name(op.kind), kernel_text(op), shape_text(tensor(op.input).shape),
                           shape_text(output), op_bytes ? grouped(*op_bytes) : "-", activation_text(op),
                           grouped(parameters(op)), grouped(op_macs)});
            macs += op_macs;
            weights += parameters(op);
            bytes += op_bytes.value_or(0);
        }
        table.add_rule();
        table.add_row({"total", "", "", "", "", grouped(bytes), "", grouped(weights), grouped(macs)});
        return table.text();
    }

    [[nodiscard]] std::string quantization_table() const {
        TextTable table({"layer", "input\ntype", "input\nscale", "zero\npoint", "weight\nbits", "weight\nscale",
                         "output\ntype", "output\nscale", "zero\npoint", "output\nrange"});
        for (const Operator& op : network_.operators) {
            const Quantization& in = tensor(op.input).quantization;
            const Quantization& out = tensor(op.output).quantization;
            const bool sums = op.has_weights();
            table.add_row({op.name, type_text(in), fmt::format("{:.4g}", in.scale), fmt::format("{}", in.zero_point),
                           sums ? fmt::format("{}", op.weights.bits) : "-", weight_scale_text(op.weights),
                           op.sums_leave ? "sums" : type_text(out),
                           op.sums_leave ? "-" : fmt::format("{:.4g}", out.scale),
                           op.sums_leave ? "-" : fmt::format("{}", out.zero_point),
                           op.sums_leave ? "-" : fmt::format("{}..{}", op.clamp_low, op.clamp_high)});
        }
        return table.text();
    }

    [[nodiscard]] std::string accumulator_table() const {
        std::vector<std::string> header = {"layer", "taps", "bits by\ntypes", "bits by\nl1 norm"};
        if (!measured_.empty()) header.insert(header.end(), {"bits\nmeasured", "least\npsum", "greatest\npsum"});
        TextTable table(header);
        for (std::size_t i = 0; i < network_.operators.size(); ++i) {
            const Operator& op = network_.operators[i];
            if (!op.has_weights()) continue;
            const WorstCaseBits worst = worst_case_accumulator_bits(network_, op);
            std::vector<std::string> row = {op.name, grouped(op.weights.per_channel()),
                                            fmt::format("{}", worst.data_type), fmt::format("{}", worst.l1)};
            if (const auto found = measured_.find(static_cast<int>(i)); found != measured_.end()) {
                const PsumStats& psums = found->second;
                row.insert(row.end(), {fmt::format("{}", bits_for_range(psums.min, psums.max)), signed_text(psums.min),
                                       signed_text(psums.max)});
            }
            table.add_row(row);
        }
        return table.text();
    }

    static Json quantization_json(const Quantization& quantization) {
        return {{"signed", quantization.is_signed},
                {"bits", quantization.bits},
                {"scale", quantization.scale},
                {"zero_point", quantization.zero_point}};
    }

    static Json tensor_json(const Tensor& tensor) {
        Json json = {{"name", tensor.name},
                     {"shape", {tensor.shape.channels, tensor.shape.height, tensor.shape.width}},
                     {"bytes", tensor.shape.elements()}};
        json.update(quantization_json(tensor.quantization));
        return json;
    }

    [[nodiscard]] Json output_json(const Operator& op) const {
        const Tensor& output = tensor(op.output);
        if (!op.sums_leave) return tensor_json(output);
        Json scales = Json::array();
        for (std::size_t c = 0; c < op.weights.scales.size(); ++c) {
            scales.push_back(op.sum_scale(network_, static_cast<int>(c)));
        }
        const std::optional<std::int64_t> bytes = output_bytes(op);
        return {{"name", output.name},
                {"shape", {output.shape.channels, output.shape.height, output.shape.width}},
                {"sums_leave", true},
                {"bytes_per_sum", sum_bits_ ? Json(bytes_of_bits(*sum_bits_)) : Json(nullptr)},
                {"bytes", bytes ? Json(*bytes) : Json(nullptr)},
                {"scales", scales}};
    }

    [[nodiscard]] Json operator_json(const Operator& op) const {
        Json json = {{"name", op.name},
                     {"kind", kind_name(op.kind)},
                     {"input", tensor_json(tensor(op.input))},
                     {"output", output_json(op)},
                     {"function", activation_text(op)},
                     {"clamp", op.sums_leave ? Json(nullptr) : Json({op.clamp_low, op.clamp_high})},
                     {"parameters", parameters(op)},
                     {"macs", multiply_accumulates(network_, op)}};
        if (op.second_input >= 0) json["second_input"] = tensor_json(tensor(op.second_input));
        if (op.constant) {
            json["constant"] = quantization_json(op.constant->quantization);
            json["constant"]["values"] = op.constant->values;
        }
        if (has_window(op)) {
            const Window& w = op.window;
            json["window"] = {{"kernel", {w.kernel_height, w.kernel_width}},
                              {"stride", {w.stride_height, w.stride_width}},
                              {"dilation", {w.dilation_height, w.dilation_width}},
                              {"pads", {w.pad_top, w.pad_left, w.pad_bottom, w.pad_right}}};
        }
        if (op.has_weights()) {
            const WorstCaseBits worst = worst_case_accumulator_bits(network_, op);
            json["weights"] = {{"groups", op.groups},
                               {"bits", op.weights.bits},
                               {"scales", op.weights.scales},
                               {"bias", !op.weights.bias.empty()}};
            json["accumulator_bits"] = {{"l1_bound", worst.l1}, {"data_type_bound", worst.data_type}};
            const auto found = measured_.find(static_cast<int>(&op - network_.operators.data()));
            if (found != measured_.end()) {
                const PsumStats& psums = found->second;
                json["accumulator_bits"]["measured"] = bits_for_range(psums.min, psums.max);
                json["psums"] = {{"min", psums.min}, {"max", psums.max}};
            }
        }
        return json;
    }

    const Network& network_;
    MeasuredPsums measured_;
    std::optional<int> sum_bits_;
};

void inspect(const ParsedOptions& options) {
    const std::string& path = options.argument;
    const bool is_config = is_yaml_path(path);
    if (options.has("set") && !is_config) throw InputError("--set needs a YAML configuration, whose keys it changes");
    const ConfigChanges changes = chosen_changes(options);
    MeasuredPsums measured;
    if (options.has("images")) {
        if (!is_config) throw InputError("--images needs a YAML configuration, which says which images and how");
        const Workload workload(path, changes);
        const InterruptGuard guard;
        measured = measure(workload, chosen_images(options, workload.dataset, 0), chosen_jobs(options));
    }
    std::optional<RunConfig> config;
    if (is_config) config = changed(load_config_file(path), changes).config;
    const std::string output = options.has("output") ? options.text("output") : config ? config->network_output : "";
    const Network network = import_onnx(config ? config->network : path, output);
    const Operator& last = network.operators.back();
    std::optional<int> sum_bits;
    if (config && last.sums_leave) sum_bits = accumulator_bits(config->hardware.accumulator, last.name);
    const Inspection inspection(network, std::move(measured), sum_bits);
    if (options.has("json")) print_text(json_text(inspection.json()));
    else if (!options.has("quiet")) print_text(inspection.text());
}

}  // namespace

Command inspect_command() {
    CommandSpec spec;
    spec.name = "inspect";
    spec.argument = "MODEL";
    spec.summary = "Print a network's layers: shapes, parameters, MACs, scales, worst-case accumulator bits.";
    spec.details =
        "MODEL is an ONNX file, or a YAML configuration that names one. With a configuration, --images\n"
        "measures the range of each layer's partial sums: of finished ones, or after every addition if the\n"
        "configuration says accumulator.statistics: every_add.";
    spec.options = {{"output", "NAME", "The graph output to inspect, of several."},
                    set_option(),
                    {"images", "A:B", "Measure on images A up to B, B not among them."},
                    {"jobs", "N", "Threads at most (default: one per processor). The results do not depend on it."}};
    spec.examples = {"models/lenet5.onnx", "configs/widthwise-8x8.yaml --images 0:10000"};
    return {spec, inspect};
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "results/layer_dump.h"

#include <fmt/format.h>

#include <cctype>
#include <nlohmann/json.hpp>
#include <set>

#include "common/error.h"
#include "common/output_file.h"
#include "results/run_files.h"
#include "text/letter_case.h"
#include "text/suggestion.h"

namespace widthwise {

std::vector<std::string> dump_names(const Network& network) {
    constexpr std::size_t kLongest = 100;  // file systems take 255 bytes
    std::vector<std::string> names;
    std::set<std::string> taken;  // in lower case: some file systems do not tell case apart
    for (const Operator& op : network.operators) {
        std::string base = op.name;
        for (char& letter : base) {
            const bool usual = std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '-' || letter == '.';
            if (!usual) letter = '_';
        }
        if (base.size() > kLongest)
            base = fmt::format("{}..{}", base.substr(0, kLongest / 2), base.substr(base.size() - kLongest / 2));
        if (base.empty() || base.front() == '.' || base.front() == '-') base.insert(0, 1, '_');
        std::string name = base;
        for (int n = 2; !taken.insert(lower_case(name)).second; ++n) name = fmt::format("{}_{}", base, n);
        names.push_back(name);
    }
    return names;
}

namespace {

NpyType type_of(const Operator& op, const Tensor& output) {
    if (op.sums_leave) return NpyType::int64;
    return output.quantization.is_signed ? NpyType::int8 : NpyType::uint8;
}

/// Real value of one: a number, or of sums whose weights have scales per channel a list.
nlohmann::ordered_json scale_of(const Network& network, const Operator& op, const Tensor& output) {
    if (!op.sums_leave) return output.quantization.scale;
    if (op.weights.scales.size() == 1) return op.sum_scale(network, 0);
    nlohmann::ordered_json scales = nlohmann::ordered_json::array();
    for (int c = 0; c < output.shape.channels; ++c) scales.push_back(op.sum_scale(network, c));
    return scales;
}

}  // namespace

LayerDump::LayerDump(const std::string& path, bool replace, const Network& network, int first, int end)
    : output_(path, StagedOutput::Kind::folder, replace, "layer dump", {"layers.json"}), first_(first) {
    const std::vector<std::string> names = dump_names(network);
    nlohmann::ordered_json index = nlohmann::ordered_json::array();
    for (std::size_t i = 0; i < network.operators.size(); ++i) {
        const Operator& op = network.operators[i];
        const Tensor& tensor = network.tensors[static_cast<std::size_t>(op.output)];
        const Shape& shape = tensor.shape;
        const std::vector<std::int64_t> extents = {end - first, shape.channels, shape.height, shape.width};
        const NpyType type = type_of(op, tensor);
        operators_.push_back({op.name, std::int64_t{shape.height} * shape.width, shape.elements(), npy_bytes(type),
                              NpyFile(output_.partial() + "/" + names[i] + ".npy", type, extents)});
        index.push_back({{"operator", op.name},
                         {"file", names[i] + ".npy"},
                         {"shape", extents},
                         {"type", npy_type_name(type)},
                         {"scale", scale_of(network, op, tensor)},
                         {"zero_point", op.sums_leave ? 0 : tensor.quantization.zero_point}});
    }
    const nlohmann::ordered_json content = {{"first_image", first}, {"end_image", end}, {"operators", index}};
    write_file(output_.partial() + "/layers.json", json_text(content));
}

void LayerDump::set(int op, int image, int channel, int pixel, std::int64_t value) {
    const auto i = static_cast<std::size_t>(op);
    std::vector<Values>& operators = under_way_[image];
    operators.resize(operators_.size());
    Values& values = operators[i];
    const auto size = static_cast<std::size_t>(operators_[i].element_bytes);
    values.bytes.resize(static_cast<std::size_t>(operators_[i].elements) * size);
    const std::size_t at = static_cast<std::size_t>(channel * operators_[i].pixels + pixel) * size;
    for (std::size_t b = 0; b < size; ++b) values.bytes[at + b] = static_cast<std::uint8_t>(value >> (8 * b));
    ++values.count;
}

void LayerDump::finish_image(int image) {
    std::vector<Values>& operators = under_way_[image];
    operators.resize(operators_.size());
    for (std::size_t i = 0; i < operators_.size(); ++i) {
        OperatorDump& dump = operators_[i];
        if (operators[i].count != dump.elements) {
            throw SimulationError(fmt::format("layer dump: the engine reported {} of the {} values of '{}', image {}",
                                              operators[i].count, dump.elements, dump.name, image));
        }
        dump.file.write((image - first_) * dump.elements, operators[i].bytes);
    }
    under_way_.erase(image);
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "results/layer_dump.h"

#include <fmt/format.h>

#include <cctype>
#include <nlohmann/json.hpp>
#include <set>

#include "common/error.h"
#include "common/output_file.h"
#include "config/suggestion.h"
#include "results/run_files.h"

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
        if (base.empty() || base.front() == '.' || base.front() == '-') base = "_" + base;
        std::string name = base;
        for (int n = 2; !taken.insert(lower_case(name)).second; ++n) name = fmt::format("{}_{}", base, n);
        names.push_back(name);
    }
    return names;
}

LayerDump::LayerDump(const std::string& path, bool replace, const Network& network, int first, int end)
    : output_(path, StagedOutput::Kind::folder, replace, "layer dump", {"layers.json"}), first_(first) {
    const std::vector<std::string> names = dump_names(network);
    nlohmann::ordered_json index = nlohmann::ordered_json::array();
    for (std::size_t i = 0; i < network.operators.size(); ++i) {
        const Tensor& tensor = network.tensors[static_cast<std::size_t>(network.operators[i].output)];
        const Shape& shape = tensor.shape;
        const std::vector<std::int64_t> extents = {end - first, shape.channels, shape.height, shape.width};
        const bool is_signed = tensor.quantization.is_signed;
        const std::int64_t elements = shape.elements();
        operators_.push_back({network.operators[i].name, std::int64_t{shape.height} * shape.width, elements,
                              NpyFile(output_.partial() + "/" + names[i] + ".npy", is_signed, extents)});
        index.push_back({{"operator", network.operators[i].name},
                         {"file", names[i] + ".npy"},
                         {"shape", extents},
                         {"type", is_signed ? "int8" : "uint8"},
                         {"scale", tensor.quantization.scale},
                         {"zero_point", tensor.quantization.zero_point}});
    }
    const nlohmann::ordered_json content = {{"first_image", first}, {"end_image", end}, {"operators", index}};
    write_file(output_.partial() + "/layers.json", json_text(content));
}

void LayerDump::set(int op, int image, int channel, int pixel, int value) {
    const auto i = static_cast<std::size_t>(op);
    std::vector<Values>& operators = under_way_[image];
    operators.resize(operators_.size());
    Values& values = operators[i];
    values.bytes.resize(static_cast<std::size_t>(operators_[i].elements));
    values.bytes[static_cast<std::size_t>(channel * operators_[i].pixels + pixel)] = static_cast<std::uint8_t>(value);
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

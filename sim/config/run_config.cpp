// SPDX-License-Identifier: Apache-2.0
#include "config/run_config.h"

// Reading an accelerator file, and the command line's accumulator option.
#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <utility>

#include "common/error.h"
#include "config/config_keys.h"
#include "config/value_reader.h"
#include "config/yaml_reader.h"
#include "text/letter_case.h"
#include "text/list_text.h"
#include "text/printable.h"

namespace widthwise {
namespace {

/// The visitor of describe() that reads one map of the file.
class FileReader : public ValueReader {
public:
    FileReader(const YamlValue& value, const std::filesystem::path& folder) : ValueReader(folder), map_(value) {}

    void finish() const { map_.finish(); }

    template <typename Callback>
    void section(const Key& key, const Callback& callback) {
        const auto value = map_.find(key.name);
        if (!value) return;
        FileReader child(*value, folder());
        callback(child);
        child.finish();
    }

private:
    std::optional<YamlValue> find(const Key& key, Presence presence) override {
        return presence == Presence::required ? map_.require(key.name) : map_.find(key.name);
    }

    YamlMap map_;
};

[[noreturn]] void refuse_option(const std::string& option, const std::string& problem) {
    throw InputError(fmt::format("accumulator specification '{}': {}", option, problem));
}

/// `whose`: "" or the start of the message, "layer 'c1': ".
int parse_width(const std::string& option, const std::string& digits, const std::string& whose) {
    int bits = 0;
    const char* end_of_text = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(digits.data(), end_of_text, bits);
    if (error == std::errc::invalid_argument || end != end_of_text) {
        refuse_option(option,
                      fmt::format("{}'{}' is not an integer (allowed: {}){}", whose, digits, kAccumulatorBits.text(),
                                  digits.find('=') == std::string::npos
                                      ? ""
                                      : "; a name with ',' or '=' stands in double quotes, as in \"a=1\"=18"));
    }
    if (error != std::errc{} || !kAccumulatorBits.contains(bits)) {
        refuse_option(option, whose + out_of_range(digits, kAccumulatorBits.text()));
    }
    return bits;
}

/// Takes "c1=18" apart; the name may stand in double quotes.
NamedPart layer_part(const std::string& option, const std::string& part) {
    try {
        return named_part(part);
    } catch (const std::invalid_argument& error) {
        refuse_option(option, fmt::format("'{}' {}", part, error.what()));
    }
}

}  // namespace

ConfigFile load_config_file(const std::string& path) {
    ConfigFile file;
    file.config.path = path;
    const YamlValue root = YamlValue::load(path);
    FileReader reader(root, std::filesystem::path(path).parent_path());
    describe(reader, file.config);
    reader.finish();
    for (const ConfigKey& key : config_keys()) {
        if (root.locate(key.key).key() == key.key) file.keys.push_back(key.key);
    }
    return file;
}

bool is_yaml_path(std::string_view text) { return text.ends_with(".yaml") || text.ends_with(".yml"); }

std::string path_in(const std::filesystem::path& folder, const std::string& path) {
    const std::filesystem::path given(path);
    return (given.is_absolute() ? given : folder / given).lexically_normal().string();
}

RunConfig load_run_config(const std::string& path) { return load_config_file(path).config; }

void apply_accumulator_option(AccumulatorParams& params, const std::string& option) {
    AccumulatorParams changed = params;  // all or nothing
    std::set<std::string> named;
    const std::vector<std::string> parts = list_parts(option);
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const std::string& part = parts[i];
        if (part.empty()) refuse_option(option, "expects a width like 18, or layers like c1=18,c3=16");
        if (!has_name(part)) {
            const int bits = parse_width(option, part, "");
            if (i != 0) refuse_option(option, fmt::format("the width {} names no layer and is not the first", part));
            changed.format.bits = bits;
            changed.layer_bits.clear();
            continue;
        }
        const NamedPart named_width = layer_part(option, part);
        const std::string layer = lower_case(valid_utf8(named_width.name));
        if (layer.empty()) refuse_option(option, fmt::format("'{}' names no layer before the '='", part));
        if (!named.insert(layer).second) refuse_option(option, fmt::format("the layer '{}' is given twice", layer));
        changed.layer_bits[layer] = parse_width(option, named_width.value, fmt::format("layer '{}': ", layer));
    }
    params = std::move(changed);
}

std::string layer_widths_text(const std::map<std::string, int>& widths) {
    std::vector<std::string> parts;
    parts.reserve(widths.size());
    for (const auto& [layer, bits] : widths) parts.push_back(named_part_text(layer, bits));
    return fmt::format("{}", fmt::join(parts, ","));
}

}  // namespace widthwise

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
#include "config/yaml_reader.h"
#include "text/letter_case.h"
#include "text/list_text.h"
#include "text/printable.h"
#include "text/suggestion.h"

namespace widthwise {
namespace {

/// Relative paths count from the YAML file's folder, so that a configuration works from anywhere.
std::string resolve(const std::string& path, const std::filesystem::path& folder) {
    const std::filesystem::path given(path);
    return (given.is_absolute() ? given : folder / given).lexically_normal().string();
}

bool is_table_file(const std::string& table) { return table.ends_with(".yaml") || table.ends_with(".yml"); }

/// The visitor of describe() that reads one map of the file.
class ConfigReader {
public:
    ConfigReader(const YamlValue& value, std::filesystem::path folder) : map_(value), folder_(std::move(folder)) {}

    void finish() const { map_.finish(); }

    template <typename Callback>
    void section(const char* key, const Callback& callback) {
        const auto value = map_.find(key);
        if (!value) return;
        ConfigReader child(*value, folder_);
        callback(child);
        child.finish();
    }

    void name(const char* key, std::string& text) {
        const auto value = map_.find(key);
        if (!value) return;
        text = value->text();
        const std::string problem = name_problem(text);
        if (!problem.empty()) value->fail(problem);
    }

    void path(const char* key, std::string& text, Presence presence) {
        const auto value = presence == Presence::required ? map_.require(key) : map_.find(key);
        if (!value) return;
        text = value->text();
        if (!text.empty()) {
            text = resolve(text, folder_);
        } else if (presence == Presence::required) {
            value->fail("expects a path, got an empty text");
        }
    }

    void text(const char* key, std::string& text, const char* /*allowed*/) {
        if (const auto value = map_.find(key)) text = value->text();
    }

    void table(const char* key, std::string& text) {
        const auto value = map_.find(key);
        if (!value) return;
        text = value->text();
        if (text.empty()) value->fail("expects a table's name or the path of a .yaml file, got an empty text");
        if (is_table_file(text)) text = resolve(text, folder_);
    }

    template <typename Int>
    void integer(const char* key, Int& number, const IntRange& range) {
        if (const auto value = map_.find(key)) number = static_cast<Int>(value->integer(range));
    }

    void automatic(const char* key, int& number, const IntRange& range) {
        const auto value = map_.find(key);
        if (!value) return;
        number = value->is_word("auto") ? 0 : auto_integer(*value, range);
    }

    void real(const char* key, double& number, const RealRange& range) {
        if (const auto value = map_.find(key)) number = value->real(range);
    }

    void automatic_ratio(const char* key, double& number, const RealRange& range) {
        if (const auto value = map_.find(key)) number = value->is_word("auto") ? 0 : value->ratio(range);
    }

    void per_channel(const char* key, std::vector<double>& numbers, const RealRange& range) {
        const auto value = map_.find(key);
        if (!value) return;
        if (!value->is_list()) {
            numbers = {value->real(range)};
            return;
        }
        numbers.clear();
        for (const YamlValue& item : value->items()) numbers.push_back(item.real(range));
        if (numbers.empty()) value->fail("expects a number, or a list of one for each channel, got an empty list");
    }

    void boolean(const char* key, bool& flag) {
        if (const auto value = map_.find(key)) flag = value->boolean();
    }

    template <typename Enum, std::size_t N>
    void word(const char* key, Enum& choice, const Words<Enum, N>& words) {
        if (const auto value = map_.find(key)) choice = value->word(words);
    }

    void order(const char* key, TapOrder& order, const Words<TapLoop, 3>& words) {
        const auto value = map_.find(key);
        if (!value) return;
        const std::vector<YamlValue> items = value->items();
        if (items.size() != order.size()) {
            value->fail(fmt::format("has {} entries (allowed: row, column and channel, each once, outermost first)",
                                    items.size()));
        }
        for (std::size_t i = 0; i < items.size(); ++i) order[i] = items[i].word(words);
        if (!is_permutation(order)) {
            value->fail("names a loop twice (allowed: row, column and channel, each once, outermost first)");
        }
    }

    void layers(const char* key, std::map<std::string, int>& widths, const IntRange& range) {
        const auto value = map_.find(key);
        if (!value) return;
        widths.clear();
        for (const YamlEntry& entry : value->entries()) {
            if (entry.name.empty()) entry.name_value.fail("expects a layer's name, got an empty text");
            const int bits = static_cast<int>(entry.value.integer(range));
            if (!widths.emplace(lower_case(entry.name), bits).second) {
                entry.name_value.fail(fmt::format("the layer '{}' is given twice (case does not count)", entry.name));
            }
        }
    }

private:
    static int auto_integer(const YamlValue& value, const IntRange& range) {
        const std::string given = value.text();
        const bool is_number = given.find_first_not_of("-0123456789") == std::string::npos;
        if (!is_number) value.fail(fmt::format("expects auto or an integer in {}, got '{}'", range.text(), given));
        return static_cast<int>(value.integer(range));
    }

    YamlMap map_;
    std::filesystem::path folder_;
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
    ConfigReader reader(root, std::filesystem::path(path).parent_path());
    describe(reader, file.config);
    reader.finish();
    for (const ConfigKey& key : config_keys()) {
        if (root.locate(key.key).key() == key.key) file.keys.push_back(key.key);
    }
    return file;
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

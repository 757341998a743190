// SPDX-License-Identifier: Apache-2.0
#include "config/run_config.h"

// Reading an accelerator file, and the command line's accumulator option.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <utility>

#include "common/error.h"
#include "config/config_keys.h"
#include "config/memory_rows.h"
#include "config/value_reader.h"
#include "config/yaml_reader.h"
#include "text/letter_case.h"
#include "text/list_text.h"
#include "text/printable.h"

namespace widthwise {
namespace {

/// The visitor of describe() that reads one map of the file, and notes which keys it has.
class FileReader : public ValueReader {
public:
    FileReader(const YamlValue& value, const std::filesystem::path& folder, std::vector<std::string>& keys,
               std::string prefix = "")
        : ValueReader(folder), map_(value), keys_(keys), prefix_(std::move(prefix)) {
        if (!prefix_.empty()) return;
        if (const auto list = map_.find(std::string(kMemoriesKey))) rows_ = MemoryRows(*list);
    }

    void finish() const { map_.finish(); }

    template <typename Callback>
    void section(const Key& key, const Callback& callback) {
        if (const auto value = map_.find(key.name)) read(key, *value, callback);
    }

    template <typename Callback>
    void memory(const Key& key, MemoryRole role, const Callback& callback) {
        const auto section = map_.find(key.name);
        const std::optional<YamlValue>& row = rows_.row(role);
        if (section && row) {
            section->fail(
                fmt::format("is given twice: {} has a row of the list {} too", row->position(), kMemoriesKey));
        }
        if (section) read(key, *section, callback);
        if (row) read(key, *row, callback, true);
        places_[static_cast<std::size_t>(role)] = row ? row : section;
    }

    /// Where the file describes the memory, if it does.
    [[nodiscard]] const std::optional<YamlValue>& place(MemoryRole role) const {
        return places_[static_cast<std::size_t>(role)];
    }

private:
    template <typename Callback>
    void read(const Key& key, const YamlValue& value, const Callback& callback, bool is_row = false) {
        FileReader child(value, folder(), keys_, fmt::format("{}{}.", prefix_, key.name));
        if (is_row) {
            static_cast<void>(child.map_.find(std::string(kKeepsKey)));  // has been read
            static_cast<void>(child.map_.require(kMemoryName.name));
        }
        callback(child);
        child.finish();
    }

    std::optional<YamlValue> find(const Key& key, Presence presence) override {
        auto value = presence == Presence::required ? map_.require(key.name) : map_.find(key.name);
        if (value) keys_.push_back(prefix_ + key.name);
        return value;
    }

    YamlMap map_;
    std::vector<std::string>& keys_;
    std::string prefix_;  ///< of the section: "array."
    MemoryRows rows_;
    std::array<std::optional<YamlValue>, kMemoryCount> places_;
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

ConfigFile load_config_file(const std::string& path) { return parse_config(YamlValue::load(path), path); }

ConfigFile parse_config(const YamlValue& root, const std::string& path) {
    ConfigFile file;
    file.config.path = path;
    FileReader reader(root, std::filesystem::path(path).parent_path(), file.keys);
    describe(reader, file.config);
    reader.finish();
    if (const auto problem = memory_names_problem(file.config.hardware)) {
        reader.place(problem->role).value_or(root).fail(problem->text);
    }
    return file;
}

void require_images(const RunConfig& config) {
    if (!config.images.empty()) return;
    throw InputError(fmt::format(
        "{}:1:1: the required key 'images' is missing; only run --shapes-only and check do without", config.path));
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

// SPDX-License-Identifier: Apache-2.0
// A strict reader over yaml-cpp. Every refusal is an InputError that reads "file:line:column: dotted.key: what is
// wrong (what would be allowed)". Used by accelerator files, energy tables and sweep files.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/input_file.h"
#include "config/limits.h"

namespace widthwise {

/// Accelerator files, energy tables and sweep files are small. What is larger, or holds more than these many keys and
/// values (each use of an alias counts), or nests deeper, is refused before anything is built of it.
inline constexpr FileLimit kYamlFile{"a YAML file", std::int64_t{1} << 20, true};
inline constexpr int kMaxYamlValues = 50000;
inline constexpr int kMaxYamlDepth = 32;

struct YamlEntry;

/// One value of a YAML file, together with where it stands.
class YamlValue {
public:
    /// Reads and parses a file (or pipe) that holds one document. Throws InputError when it cannot be read, is too
    /// large, is empty, is not YAML or goes on after the document.
    static YamlValue load(const std::string& path);
    /// The same from text; `path` is what messages call it.
    static YamlValue parse(const std::string& text, const std::string& path);
    /// The value that an option of the command line gives to `key`. Messages name the option in place of a file.
    static YamlValue of_option(const std::string& option, const std::string& key, const std::string& text);
    /// This place, as if `scalar` stood there.
    [[nodiscard]] YamlValue with(const std::string& scalar) const;

    [[nodiscard]] const std::string& key() const { return key_; }  ///< dotted, "" for the whole document
    [[nodiscard]] std::string position() const;                    ///< "file:line:column", or the option
    [[nodiscard]] std::size_t line() const;                        ///< of its first character in the file, from 0 on

    [[nodiscard]] std::string text() const;                           ///< any scalar, quoted or not
    [[nodiscard]] std::int64_t integer(const IntRange& range) const;  ///< decimal digits only
    [[nodiscard]] double real(const RealRange& range) const;
    [[nodiscard]] double ratio(const RealRange& range) const;  ///< a number, or two as in "1/255"
    [[nodiscard]] bool boolean() const;                        ///< true or false, no other spelling
    [[nodiscard]] bool is_word(std::string_view word) const;   ///< an unquoted scalar that reads `word`

    template <typename Enum, std::size_t N>
    [[nodiscard]] Enum word(const Words<Enum, N>& words) const {
        const std::string given = text();
        for (const Word<Enum>& word : words) {
            if (given == word.text) return word.value;
        }
        fail(not_a_word(given, spellings(words)));
    }

    [[nodiscard]] bool is_list() const;
    [[nodiscard]] bool is_map() const;
    [[nodiscard]] std::vector<YamlValue> items() const;  ///< of a list
    /// Of a map, in file order. Refuses keys that occur twice and keys that are not plain text.
    [[nodiscard]] std::vector<YamlEntry> entries() const;

    /// Refuses this value.
    [[noreturn]] void fail(const std::string& message) const;

private:
    YamlValue(const YAML::Node& node, std::string file, std::string key);
    /// What stands in the same file.
    [[nodiscard]] YamlValue beside(const YAML::Node& node, const std::string& key) const;
    [[nodiscard]] std::string plain_scalar(const std::string& expected) const;
    [[nodiscard]] double number(const std::string& digits, const std::string& expected) const;
    [[nodiscard]] std::string shown() const;  ///< the value as messages quote it
    [[nodiscard]] std::string below(const std::string& key) const;

    YAML::Node node_;
    std::string file_;  ///< or the option
    std::string key_;
    bool has_lines_ = true;
};

struct YamlEntry {
    std::string name;
    YamlValue name_value;  ///< where the key itself stands
    YamlValue value;
};

/// A map whose keys are consumed; finish() refuses those that nobody asked for.
class YamlMap {
public:
    explicit YamlMap(const YamlValue& value);

    /// The value of an optional key.
    std::optional<YamlValue> find(const std::string& key);
    /// The value of a required key; its absence is reported by finish(), after unknown keys, since a required key that
    /// is missing is mostly one that was mistyped.
    std::optional<YamlValue> require(const std::string& key);
    void finish() const;

private:
    YamlValue value_;
    std::vector<YamlEntry> entries_;
    std::vector<std::string> known_;
    std::vector<std::string> missing_;
};

}  // namespace widthwise

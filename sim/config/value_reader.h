// SPDX-License-Identifier: Apache-2.0
// How the value of each kind of key is read, wherever it stands: in an accelerator file, behind an option, on an axis.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/config_keys.h"
#include "config/yaml_reader.h"

namespace widthwise {

/// The methods of a visitor of describe() that read one key each. Where values come from is up to the derived class,
/// which has section() too.
class ValueReader {
public:
    /// Relative paths count from `folder`.
    explicit ValueReader(std::filesystem::path folder) : folder_(std::move(folder)) {}
    virtual ~ValueReader() = default;
    ValueReader(const ValueReader&) = delete;
    ValueReader& operator=(const ValueReader&) = delete;

    void name(const Key& key, std::string& text) { checked_text(key, text, name_problem); }
    void memory_name(const Key& key, std::string& text) { checked_text(key, text, memory_name_problem); }
    void path(const Key& key, std::string& text, Presence presence);
    void text(const Key& key, std::string& text, const char* allowed);
    void table(const Key& key, std::string& text);
    void automatic(const Key& key, int& number, const IntRange& range);
    void real(const Key& key, double& number, const RealRange& range);
    void automatic_ratio(const Key& key, double& number, const RealRange& range);
    void per_channel(const Key& key, std::vector<double>& numbers, const RealRange& range);
    void boolean(const Key& key, bool& flag);
    void order(const Key& key, TapOrder& order, const Words<TapLoop, 3>& words);
    void layers(const Key& key, std::map<std::string, int>& widths, const IntRange& range);

    template <typename Int>
    void integer(const Key& key, Int& number, const IntRange& range) {
        if (const auto value = find(key, Presence::optional)) number = static_cast<Int>(value->integer(range));
    }
    template <typename Enum, std::size_t N>
    void word(const Key& key, Enum& choice, const Words<Enum, N>& words) {
        if (const auto value = find(key, Presence::optional)) choice = value->word(words);
    }

protected:
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

private:
    void checked_text(const Key& key, std::string& text, std::string (*problem_of)(const std::string&));
    virtual std::optional<YamlValue> find(const Key& key, Presence presence) = 0;

    std::filesystem::path folder_;
};

}  // namespace widthwise

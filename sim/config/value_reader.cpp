// SPDX-License-Identifier: Apache-2.0
#include "config/value_reader.h"

#include <fmt/format.h>

#include "config/run_config.h"
#include "text/letter_case.h"

namespace widthwise {
namespace {

int auto_integer(const YamlValue& value, const IntRange& range) {
    const std::string given = value.text();
    const bool is_number = given.find_first_not_of("-0123456789") == std::string::npos;
    if (!is_number) value.fail(fmt::format("expects auto or an integer in {}, got '{}'", range.text(), given));
    return static_cast<int>(value.integer(range));
}

}  // namespace

void ValueReader::checked_text(const Key& key, std::string& text, std::string (*problem_of)(const std::string&)) {
    const auto value = find(key, Presence::optional);
    if (!value) return;
    text = value->text();
    const std::string problem = problem_of(text);
    if (!problem.empty()) value->fail(problem);
}

void ValueReader::path(const Key& key, std::string& text, Presence presence) {
    const auto value = find(key, presence);
    if (!value) return;
    text = value->text();
    if (!text.empty()) {
        text = path_in(folder_, text);
    } else if (presence == Presence::required) {
        value->fail("expects a path, got an empty text");
    }
}

void ValueReader::text(const Key& key, std::string& text, const char* /*allowed*/) {
    if (const auto value = find(key, Presence::optional)) text = value->text();
}

void ValueReader::table(const Key& key, std::string& text) {
    const auto value = find(key, Presence::optional);
    if (!value) return;
    text = value->text();
    if (text.empty()) value->fail("expects a table's name or the path of a .yaml file, got an empty text");
    if (is_yaml_path(text)) text = path_in(folder_, text);
}

void ValueReader::automatic(const Key& key, int& number, const IntRange& range) {
    if (const auto value = find(key, Presence::optional)) {
        number = value->is_word("auto") ? 0 : auto_integer(*value, range);
    }
}

void ValueReader::real(const Key& key, double& number, const RealRange& range) {
    if (const auto value = find(key, Presence::optional)) number = value->real(range);
}

void ValueReader::automatic_ratio(const Key& key, double& number, const RealRange& range) {
    if (const auto value = find(key, Presence::optional)) number = value->is_word("auto") ? 0 : value->ratio(range);
}

void ValueReader::per_channel(const Key& key, std::vector<double>& numbers, const RealRange& range) {
    const auto value = find(key, Presence::optional);
    if (!value) return;
    if (!value->is_list()) {
        numbers = {value->real(range)};
        return;
    }
    numbers.clear();
    for (const YamlValue& item : value->items()) numbers.push_back(item.real(range));
    if (numbers.empty()) value->fail("expects a number, or a list of one for each channel, got an empty list");
}

void ValueReader::boolean(const Key& key, bool& flag) {
    if (const auto value = find(key, Presence::optional)) flag = value->boolean();
}

void ValueReader::order(const Key& key, TapOrder& order, const Words<TapLoop, 3>& words) {
    const auto value = find(key, Presence::optional);
    if (!value) return;
    const std::vector<YamlValue> items = value->items();
    if (items.size() != order.size()) {
        value->fail(
            fmt::format("has {} entries (allowed: row, column and channel, each once, outermost first)", items.size()));
    }
    for (std::size_t i = 0; i < items.size(); ++i) order[i] = items[i].word(words);
    if (!is_permutation(order)) {
        value->fail("names a loop twice (allowed: row, column and channel, each once, outermost first)");
    }
}

void ValueReader::layers(const Key& key, std::map<std::string, int>& widths, const IntRange& range) {
    const auto value = find(key, Presence::optional);
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

}  // namespace widthwise

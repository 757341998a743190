// SPDX-License-Identifier: Apache-2.0
#include "explore/resume.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "config/config_writer.h"
#include "config/run_config.h"

namespace widthwise {
namespace {

using Json = nlohmann::ordered_json;

/// The keys of an accelerator file with their values, "array.rows": "8". Paths are left out: what they lead to counts.
Json settings_of(const RunConfig& config, std::span<const UnusedKey> unused) {
    Json settings = Json::object();
    for (const KeyText& text : key_texts(config, ".", unused)) {
        if (text.key != "network" && text.key != "images" && text.key != "labels") settings[text.key] = text.yaml;
    }
    return settings;
}

/// A member of what a journal says, as text; "" when it is not there.
std::string text_of(const Json& about, const char* name) {
    if (!about.is_object() || !about.contains(name)) return "";
    const Json& member = about.at(name);
    return member.is_string() ? member.get<std::string>() : member.dump(-1, ' ', true, Json::error_handler_t::replace);
}

/// What decides values whatever the point, each with what messages call it.
constexpr std::pair<const char*, const char*> kCommon[] = {{"tool", "version of widthwise"},
                                                           {"range", "range of images"},
                                                           {"images", "file of images"},
                                                           {"labels", "file of labels"}};

void refuse_other_images(const Json& before, const Json& now, const std::string& folder) {
    const auto refuse = [&](const std::string& what, const std::string& there, const std::string& here) {
        throw InputError(fmt::format(
            "result folder '{}' holds values of another {}: {}, where this sweep has {}; --resume would lose them all "
            "(give another --out)",
            folder, what, there, here));
    };
    for (const auto& [name, what] : kCommon) {
        if (text_of(before, name) != text_of(now, name)) refuse(what, text_of(before, name), text_of(now, name));
    }
    if (!before.contains("settings") || !before["settings"].is_object()) return;
    for (const auto& [key, value] : now["settings"].items()) {
        const std::string there = text_of(before["settings"], key.c_str());
        if (key.starts_with("preprocessing.") && there != value) refuse(key, there, value.get<std::string>());
    }
}

/// "array.rows was 8 and is 16"
std::vector<std::string> changes(const Json& before, const Json& now) {
    std::vector<std::string> found;
    const auto add = [&](const std::string& key, const std::string& there, const std::string& here) {
        if (there != here) found.push_back(fmt::format("{} was {} and is {}", key, there.empty() ? "-" : there, here));
    };
    for (const char* section : {"settings", "axes", "energy_tables"}) {
        if (!before.contains(section)) continue;
        for (const auto& [key, value] : now[section].items()) {
            add(key, text_of(before[section], key.c_str()), text_of(now[section], key.c_str()));
        }
        if (!before[section].is_object()) continue;
        for (const auto& [key, value] : before[section].items()) {
            if (!now[section].contains(key)) add(key, text_of(before[section], key.c_str()), "-");
        }
    }
    return found;
}

}  // namespace

std::string sweep_about(const Sweep& sweep) {
    const Dataset& data = sweep.dataset();
    Json about;
    about["tool"] = sweep.version();
    about["range"] = fmt::format("{}:{}", sweep.first_image(), sweep.end_image());
    about["images"] = data.images().digest;
    about["labels"] = data.has_labels() ? data.labels().digest : "none";
    about["settings"] = settings_of(sweep.base(), sweep.unused_data_keys());
    about["axes"] = Json::object();
    for (const Axis& axis : sweep.file().axes) {
        std::vector<std::string> values;
        for (const AxisValue& value : axis.values) values.push_back(value.text);
        about["axes"][axis.name] = fmt::format("{}", fmt::join(values, ", "));
    }
    about["energy_tables"] = Json::object();
    for (const Sweep::Table& table : sweep.tables()) about["energy_tables"][table.table.name()] = table.digest;
    return about.dump(-1, ' ', true, Json::error_handler_t::replace);
}

std::vector<std::string> replaced_by_resuming(const Sweep& sweep, const Journal& journal, const std::string& folder) {
    if (journal.size() == 0) return {};
    std::vector<std::string> notes;
    const Json before = Json::parse(journal.about(), nullptr, false);  // nothing in journals of older versions
    if (before.is_object()) {
        const Json now = Json::parse(sweep_about(sweep));
        refuse_other_images(before, now, folder);
        const std::vector<std::string> changed = changes(before, now);
        if (!changed.empty()) {
            notes.push_back(fmt::format("the tables in '{}' are replaced, they were made with other settings: {}",
                                        folder, fmt::join(changed, "; ")));
        }
    }
    const std::vector<std::string> needed = sweep.digests();
    const auto used = static_cast<std::size_t>(
        std::count_if(needed.begin(), needed.end(), [&](const std::string& digest) { return journal.has(digest); }));
    if (used == 0 && !needed.empty()) {
        throw InputError(fmt::format(
            "result folder '{}': none of its {} evaluations belongs to a point of this sweep; --resume would "
            "lose them all (give another --out)",
            folder, journal.size()));
    }
    if (used < journal.size()) {
        notes.push_back(fmt::format("{} of the {} evaluations in '{}' belong to no point of this sweep and are dropped",
                                    journal.size() - used, journal.size(), folder));
    }
    return notes;
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "explore/sweep_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <limits>

#include "common/error.h"

namespace widthwise {
namespace {

std::filesystem::path folder_of(const std::string& sweep_file) {
    return std::filesystem::path(sweep_file).parent_path();
}

SweepFile::Images read_images(const YamlValue& value) {
    const std::vector<YamlValue> pair = value.items();
    if (pair.size() != 2) {
        value.fail(fmt::format("has {} entries (allowed: [first, end], the end not being part of it)", pair.size()));
    }
    constexpr std::int64_t kMost = std::numeric_limits<int>::max();
    const auto first = static_cast<int>(pair[0].integer({0, kMost - 1}));
    return {first, static_cast<int>(pair[1].integer({std::int64_t{first} + 1, kMost})), value};
}

void check_size(const SweepFile& sweep, const YamlValue& axes) {
    double points = 1;
    for (const Axis& axis : sweep.axes) points *= static_cast<double>(axis.values.size());
    if (points > static_cast<double>(kMaxSweepPoints)) {
        axes.fail(fmt::format("span {:.0f} points (allowed: up to {})", points, kMaxSweepPoints));
    }
}

bool changes_any(const Axis& axis, const std::vector<std::string_view>& keys) {
    return std::any_of(keys.begin(), keys.end(), [&](std::string_view key) { return axis.changes(key); });
}

}  // namespace

void at(const YamlValue& place, const std::function<void()>& action) {
    try {
        action();
    } catch (const InputError& error) {
        place.fail(error.what());
    }
}

bool SweepFile::varies(const std::vector<std::string_view>& keys) const {
    return std::any_of(axes.begin(), axes.end(), [&](const Axis& axis) { return changes_any(axis, keys); });
}

std::size_t SweepFile::points() const {
    std::size_t product = 1;
    for (const Axis& axis : axes) product *= axis.values.size();
    return product;
}

std::vector<std::size_t> SweepFile::choices(std::size_t point) const {
    std::vector<std::size_t> digits(axes.size());
    for (std::size_t a = axes.size(); a-- > 0;) {
        digits[a] = point % axes[a].values.size();
        point /= axes[a].values.size();
    }
    return digits;
}

void SweepFile::apply(const AxisValue& value, RunConfig& changed) const {
    for (const KeySetting& setting : value.settings) set_key(changed, setting, folder_of(path));
}

RunConfig SweepFile::apply(const RunConfig& base, std::size_t point) const {
    const std::vector<std::size_t> digits = choices(point);
    RunConfig result = base;
    for (const bool first : {true, false}) {
        for (std::size_t a = 0; a < axes.size(); ++a) {
            if (axes[a].comes_first == first) apply(axes[a].values[digits[a]], result);
        }
    }
    return result;
}

void SweepFile::for_each_choice(const RunConfig& base, const std::vector<std::string_view>& keys,
                                const std::function<void(const RunConfig&)>& action) const {
    std::vector<const Axis*> varying;
    for (const Axis& axis : axes) {
        if (changes_any(axis, keys)) varying.push_back(&axis);
    }
    if (varying.empty()) return action(base);
    const std::function<void(std::size_t, const RunConfig&)> choose = [&](std::size_t a, const RunConfig& before) {
        for (const AxisValue& value : varying[a]->values) {
            RunConfig chosen = before;
            apply(value, chosen);
            if (a + 1 < varying.size()) choose(a + 1, chosen);
            else at(value.place, [&] { action(chosen); });
        }
    };
    choose(0, base);
}

std::string SweepFile::describe(std::size_t point) const {
    const std::vector<std::size_t> digits = choices(point);
    std::vector<std::string> parts;
    for (std::size_t a = 0; a < axes.size(); ++a) {
        parts.push_back(fmt::format("{} {}", axes[a].name, axes[a].values[digits[a]].text));
    }
    return fmt::format("{}", fmt::join(parts, ", "));
}

SweepFile load_sweep(const std::string& path) {
    SweepFile sweep;
    sweep.path = path;
    YamlMap map(YamlValue::load(path));
    const auto config = map.require("config");
    const auto images = map.find("images");
    const auto axes = map.require("axes");
    map.finish();
    sweep.config = config->text();
    if (sweep.config.empty()) config->fail("expects a path, got an empty text");
    sweep.config = path_in(folder_of(path), sweep.config);
    if (images) sweep.images = read_images(*images);
    sweep.axes = read_axes(*axes, folder_of(path));
    check_size(sweep, *axes);
    return sweep;
}

}  // namespace widthwise

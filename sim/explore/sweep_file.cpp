// SPDX-License-Identifier: Apache-2.0
#include "explore/sweep_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <utility>

#include "config/config_keys.h"
#include "config/run_config.h"
#include "text/letter_case.h"
#include "text/suggestion.h"

namespace widthwise {
namespace {

std::string resolve(const std::string& path, const std::string& sweep_file) {
    const std::filesystem::path given(path);
    const std::filesystem::path folder = std::filesystem::path(sweep_file).parent_path();
    return (given.is_absolute() ? given : folder / given).lexically_normal().string();
}

std::string required_path(const YamlValue& value, const std::string& sweep_file) {
    const std::string text = value.text();
    if (text.empty()) value.fail("expects a path, got an empty text");
    return resolve(text, sweep_file);
}

/// One axis being read: its values are the items of a list.
class AxisReader {
public:
    AxisReader(std::string name, int rank) { axis_ = {std::move(name), rank, {}}; }

    void add(const YamlValue& place, std::string text, std::function<void(RunConfig&)> apply) {
        const auto same = [&](const AxisValue& value) { return value.text == text; };
        if (std::any_of(axis_.values.begin(), axis_.values.end(), same)) {
            place.fail(fmt::format("the value '{}' is given twice", text));
        }
        axis_.values.push_back({std::move(text), place, std::move(apply)});
    }

    Axis finish(const YamlValue& list) {
        if (axis_.values.empty()) list.fail("the list is empty (allowed: one value or more)");
        return std::move(axis_);
    }

private:
    Axis axis_;
};

using ReadItem = void (*)(AxisReader& axis, const YamlValue& item, const std::string& sweep_file);

template <typename Enum, std::size_t N, typename Set>
void add_word(AxisReader& axis, const YamlValue& item, const Words<Enum, N>& words, Set set) {
    const Enum choice = item.word(words);
    axis.add(item, std::string(spelling(words, choice)), [set, choice](RunConfig& config) { set(config) = choice; });
}

template <typename Set>
void add_integer(AxisReader& axis, const YamlValue& item, const IntRange& range, Set set) {
    const auto number = static_cast<int>(item.integer(range));
    axis.add(item, fmt::format("{}", number), [set, number](RunConfig& config) { set(config) = number; });
}

void add_width(AxisReader& axis, const YamlValue& item, int bits) {
    axis.add(item, fmt::format("{}", bits), [bits](RunConfig& config) {
        config.hardware.accumulator.format.bits = bits;
        config.hardware.accumulator.layer_bits.clear();  // as --accumulator does; layer_accumulators come after
    });
}

void read_width(AxisReader& axis, const YamlValue& item, const std::string& /*sweep_file*/) {
    add_width(axis, item, static_cast<int>(item.integer(kAccumulatorBits)));
}

void read_layer_widths(AxisReader& axis, const YamlValue& item, const std::string& /*sweep_file*/) {
    std::map<std::string, int> widths;
    for (const YamlEntry& entry : item.entries()) {
        if (entry.name.empty()) entry.name_value.fail("expects a layer's name, got an empty text");
        if (!widths.emplace(lower_case(entry.name), static_cast<int>(entry.value.integer(kAccumulatorBits))).second) {
            entry.name_value.fail(fmt::format("the layer '{}' is given twice (case does not count)", entry.name));
        }
    }
    axis.add(item, layer_widths_text(widths),
             [widths](RunConfig& config) { config.hardware.accumulator.layer_bits = widths; });
}

void read_array(AxisReader& axis, const YamlValue& item, const std::string& /*sweep_file*/) {
    const std::vector<YamlValue> pair = item.items();
    if (pair.size() != 2) item.fail(fmt::format("has {} entries (allowed: [rows, columns])", pair.size()));
    const auto rows = static_cast<int>(pair[0].integer(kUpTo256));
    const auto columns = static_cast<int>(pair[1].integer(kUpTo256));
    axis.add(item, fmt::format("{}x{}", rows, columns), [rows, columns](RunConfig& config) {
        config.hardware.array.rows = rows;
        config.hardware.array.columns = columns;
    });
}

void read_requantization(AxisReader& axis, const YamlValue& item, const std::string& /*sweep_file*/) {
    YamlMap map(item);
    std::vector<std::string> parts;
    std::vector<std::function<void(RequantParams&)>> changes;
    if (const auto value = map.find("mode")) {
        const RequantMode mode = value->word(kRequantModeWords);
        parts.push_back(fmt::format("mode={}", spelling(kRequantModeWords, mode)));
        changes.emplace_back([mode](RequantParams& params) { params.mode = mode; });
    }
    if (const auto value = map.find("rounding")) {
        const Rounding rounding = value->word(kRoundingWords);
        parts.push_back(fmt::format("rounding={}", spelling(kRoundingWords, rounding)));
        changes.emplace_back([rounding](RequantParams& params) { params.rounding = rounding; });
    }
    if (const auto value = map.find("multiplier_bits")) {
        const auto bits = static_cast<int>(value->integer(kMultiplierBits));
        parts.push_back(fmt::format("multiplier_bits={}", bits));
        changes.emplace_back([bits](RequantParams& params) { params.multiplier_bits = bits; });
    }
    map.finish();
    if (parts.empty()) item.fail("names nothing (allowed: mode, rounding, multiplier_bits, or some of them)");
    axis.add(item, fmt::format("{}", fmt::join(parts, ",")), [changes](RunConfig& config) {
        for (const auto& change : changes) change(config.hardware.requant);
    });
}

void read_energy_table(AxisReader& axis, const YamlValue& item, const std::string& sweep_file) {
    const std::string given = item.text();
    if (given.empty()) item.fail("expects a table's name or the path of a .yaml file, got an empty text");
    const bool is_file = given.ends_with(".yaml") || given.ends_with(".yml");
    const std::string table = is_file ? resolve(given, sweep_file) : given;
    axis.add(item, given, [table](RunConfig& config) { config.energy_table = table; });
}

void read_network(AxisReader& axis, const YamlValue& item, const std::string& sweep_file) {
    const std::string network = required_path(item, sweep_file);
    axis.add(item, item.text(), [network](RunConfig& config) { config.network = network; });
}

struct AxisSpec {
    const char* name;
    ReadItem read;
};

/// In order of application: accumulator_bits drops what layer_accumulators sets.
const std::array<AxisSpec, 13>& axis_specs() {
    static const std::array<AxisSpec, 13> kSpecs{{
        {"accumulator_bits", read_width},
        {"layer_accumulators", read_layer_widths},
        {"overflow",
         [](AxisReader& axis, const YamlValue& item, const std::string&) {
             add_word(axis, item, kOverflowWords,
                      [](RunConfig& c) -> Overflow& { return c.hardware.accumulator.format.overflow; });
         }},
        {"check",
         [](AxisReader& axis, const YamlValue& item, const std::string&) {
             add_word(axis, item, kCheckWords,
                      [](RunConfig& c) -> OverflowCheck& { return c.hardware.accumulator.format.check; });
         }},
        {"bias",
         [](AxisReader& axis, const YamlValue& item, const std::string&) {
             add_word(axis, item, kBiasWords, [](RunConfig& c) -> BiasMode& { return c.hardware.accumulator.bias; });
         }},
        {"array", read_array},
        {"interconnect",
         [](AxisReader& axis, const YamlValue& item, const std::string&) {
             add_word(axis, item, kInterconnectWords,
                      [](RunConfig& c) -> Interconnect& { return c.hardware.array.interconnect; });
         }},
        {"mapping",
         [](AxisReader& axis, const YamlValue& item, const std::string&) {
             add_word(axis, item, kMappingWords, [](RunConfig& c) -> Mapping& { return c.hardware.array.mapping; });
         }},
        {"lanes",
         [](AxisReader& axis, const YamlValue& item, const std::string&) {
             add_integer(axis, item, kUpTo64, [](RunConfig& c) -> int& { return c.hardware.requant.lanes; });
         }},
        {"requantization", read_requantization},
        {"energy_table", read_energy_table},
        {"network", read_network},
        {"batch",
         [](AxisReader& axis, const YamlValue& item, const std::string&) {
             add_integer(axis, item, kUpTo256, [](RunConfig& c) -> int& { return c.hardware.batch; });
         }},
    }};
    return kSpecs;
}

/// accumulator_bits: {from: 10, to: 32, step: 2}
void read_width_range(AxisReader& axis, const YamlValue& value) {
    YamlMap map(value);
    const auto from = map.require("from");
    const auto to = map.require("to");
    const auto step = map.find("step");
    map.finish();
    constexpr IntRange kStep{1, kAccumulatorBits.high};
    const auto first = static_cast<int>(from->integer(kAccumulatorBits));
    const auto last = static_cast<int>(to->integer({first, kAccumulatorBits.high}));
    const int by = step ? static_cast<int>(step->integer(kStep)) : 1;
    for (int bits = first; bits <= last; bits += by) add_width(axis, value, bits);
}

/// Told from a list by asking for the keys that it has.
bool is_width_range(const YamlValue& value, const std::string& name) {
    if (name != "accumulator_bits") return false;
    const std::array<const char*, 3> keys = {"from", "to", "step"};
    return std::any_of(keys.begin(), keys.end(),
                       [&](const char* key) { return value.locate(key).key() != value.key(); });
}

std::vector<Axis> read_axes(const YamlValue& value, const std::string& sweep_file) {
    YamlMap map(value);
    std::vector<Axis> axes;
    int rank = 0;
    for (const AxisSpec& spec : axis_specs()) {
        const auto list = map.find(spec.name);
        ++rank;
        if (!list) continue;
        AxisReader reader(spec.name, rank);
        if (is_width_range(*list, spec.name)) {
            read_width_range(reader, *list);
        } else {
            for (const YamlValue& item : list->items()) spec.read(reader, item, sweep_file);
        }
        axes.push_back(reader.finish(*list));
    }
    map.finish();
    if (axes.empty()) value.fail(fmt::format("names no axis (allowed: {})", fmt::join(axis_names(), ", ")));
    std::vector<std::string> order;
    for (const YamlEntry& entry : value.entries()) order.push_back(entry.name);
    const auto place = [&](const Axis& axis) { return std::find(order.begin(), order.end(), axis.name); };
    std::sort(axes.begin(), axes.end(), [&](const Axis& a, const Axis& b) { return place(a) < place(b); });
    return axes;
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

}  // namespace

std::vector<std::string> axis_names() {
    std::vector<std::string> names;
    for (const AxisSpec& spec : axis_specs()) names.emplace_back(spec.name);
    return names;
}

const Axis* SweepFile::find(const std::string& name) const {
    const auto it = std::find_if(axes.begin(), axes.end(), [&](const Axis& axis) { return axis.name == name; });
    return it == axes.end() ? nullptr : &*it;
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

RunConfig SweepFile::apply(const RunConfig& base, std::size_t point) const {
    const std::vector<std::size_t> digits = choices(point);
    std::vector<std::size_t> order(axes.size());
    for (std::size_t a = 0; a < order.size(); ++a) order[a] = a;
    std::sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) { return axes[a].rank < axes[b].rank; });
    RunConfig result = base;
    for (const std::size_t a : order) axes[a].values[digits[a]].apply(result);
    return result;
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
    sweep.config = required_path(*config, path);
    if (images) sweep.images = read_images(*images);
    sweep.axes = read_axes(*axes, path);
    check_size(sweep, *axes);
    return sweep;
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "trace/wave_views.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "common/output_file.h"
#include "trace/vcd_encoder.h"

namespace widthwise {
namespace {

// GTKWave's flags of a line, hexadecimal.
constexpr const char* kBinary = "@28";
constexpr const char* kHexadecimal = "@22";
constexpr const char* kDecimal = "@24";
constexpr const char* kSigned = "@420";
constexpr const char* kFilteredDecimal = "@2024";
constexpr const char* kGroup = "@800200";
constexpr const char* kGroupEnd = "@1000200";
constexpr const char* kClosedGroup = "@c00200";
constexpr const char* kClosedGroupEnd = "@1401200";

constexpr int kElementsShown = 8;
constexpr double kPixelsOfACycle = 48;   // room for a cycle's number
constexpr double kPixelsOfAFrame = 200;  // GTKWave's zoom is log2 of the time that a frame of so many pixels shows

template <std::size_t Count>
bool is_one_of(const std::string& name, const std::array<std::string_view, Count>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

const char* radix(const WaveVariable& variable) {
    static constexpr std::array<std::string_view, 8> kSignedNames = {"activation", "weight",  "product", "accumulator",
                                                                     "sum",        "rounded", "output",  "bias"};
    static constexpr std::array<std::string_view, 2> kAddresses = {"address", "dram_address"};
    if (variable.storage == WaveStorage::text || variable.bits == 1) return kBinary;
    if (is_one_of(variable.name, kAddresses)) return kHexadecimal;
    return is_one_of(variable.name, kSignedNames) ? kSigned : kDecimal;
}

std::string dotted(const WaveVariable& variable) {
    std::string name;
    std::size_t start = 0;
    while (start < variable.scope.size()) {
        const std::size_t dot = std::min(variable.scope.find('.', start), variable.scope.size());
        name += legal_vcd_name(variable.scope.substr(start, dot - start)) + ".";
        start = dot + 1;
    }
    return name + legal_vcd_name(variable.name);
}

std::string with_range(const WaveVariable& variable) {
    const bool vector = variable.storage != WaveStorage::text && variable.bits > 1;
    return dotted(variable) + (vector ? fmt::format("[{}:0]", variable.bits - 1) : "");
}

/// Its scope names a row or an element of the array, such as "row12" or "pe9", that is beyond those shown.
bool too_far(const std::string& scope) {
    for (const std::string_view prefix : {".row", ".pe"}) {
        for (std::size_t at = scope.find(prefix); at != std::string::npos; at = scope.find(prefix, at + 1)) {
            int number = 0;
            const char* digits = scope.data() + at + prefix.size();
            const auto [end, error] = std::from_chars(digits, scope.data() + scope.size(), number);
            if (error == std::errc{} && number >= kElementsShown) return true;
        }
    }
    return false;
}

std::vector<std::string> parts_of(const std::string& scope) {
    std::vector<std::string> parts;
    std::size_t start = 0;
    while (start <= scope.size()) {
        const std::size_t dot = std::min(scope.find('.', start), scope.size());
        parts.push_back(scope.substr(start, dot - start));
        start = dot + 1;
    }
    return parts;
}

/// Opens and closes groups as one scope follows another: the units' own open, what lies below closed.
class Groups {
public:
    explicit Groups(std::string& text) : text_(text) {}
    void go_to(const std::vector<std::string>& wanted) {
        std::size_t common = 0;
        while (common < open_.size() && common < wanted.size() && open_[common] == wanted[common]) ++common;
        while (open_.size() > common) {
            const bool closed = open_.size() > kOpenLevels;
            text_ += fmt::format("{}\n-{}\n", closed ? kClosedGroupEnd : kGroupEnd, open_.back());
            open_.pop_back();
        }
        while (open_.size() < wanted.size()) {
            open_.push_back(wanted[open_.size()]);
            const bool closed = open_.size() > kOpenLevels;
            text_ += fmt::format("{}\n-{}\n", closed ? kClosedGroup : kGroup, open_.back());
        }
    }

private:
    static constexpr std::size_t kOpenLevels = 1;  ///< below the accelerator
    std::string& text_;
    std::vector<std::string> open_;
};

/// Scopes sorted so that each is in one piece, units in their own order.
std::vector<const WaveVariable*> by_scope(const std::vector<const WaveVariable*>& variables) {
    std::vector<const WaveVariable*> sorted = variables;
    std::vector<std::string> units;
    const auto unit = [&](const WaveVariable* variable) {
        const std::vector<std::string> parts = parts_of(variable->scope);
        const std::string name = parts.size() > 1 ? parts[1] : "";
        auto found = std::find(units.begin(), units.end(), name);
        if (found == units.end()) found = units.insert(found, name);
        return found - units.begin();
    };
    for (const WaveVariable* variable : variables) unit(variable);
    std::stable_sort(sorted.begin(), sorted.end(),
                     [&](const WaveVariable* a, const WaveVariable* b) { return unit(a) < unit(b); });
    return sorted;
}

}  // namespace

std::string gtkwave_view(const std::vector<const WaveVariable*>& variables, const std::string& waveform,
                         const std::string& layer_filter, std::uint64_t start_ps, std::uint64_t period_ps) {
    std::string text = fmt::format(
        "[*]\n[*] Written by widthwise: open with gtkwave {0} FILE_OF_THIS_TEXT\n[dumpfile] \"{0}\"\n"
        "[timestart] {1}\n[size] 1500 900\n[pos] -1 -1\n*-{2:.3f} -1\n[sst_expanded] 0\n",
        waveform, start_ps, std::log2(static_cast<double>(period_ps) * kPixelsOfAFrame / kPixelsOfACycle));
    const std::vector<const WaveVariable*> sorted = by_scope(variables);
    const std::string top = sorted.empty() || sorted.front()->scope.empty() ? "" : parts_of(sorted.front()->scope)[0];
    const std::string prefix = top.empty() ? "" : legal_vcd_name(top) + ".";
    text += fmt::format("{}\n{}clk\n{}\n{}cycle\n", kBinary, prefix, kDecimal, prefix);
    Groups groups(text);
    for (const WaveVariable* variable : sorted) {
        if (too_far(variable->scope)) continue;
        std::vector<std::string> parts = parts_of(variable->scope);
        parts.erase(parts.begin());  // the accelerator itself needs no group
        groups.go_to(parts);
        if (variable->name == "layer" && variable->scope.ends_with("sequencer")) {
            text += fmt::format("{}\n^1 {}\n{}\n", kFilteredDecimal, layer_filter, with_range(*variable));
        } else {
            text += fmt::format("{}\n{}\n", radix(*variable), with_range(*variable));
        }
    }
    groups.go_to({});
    return text;
}

std::string layer_filter_text(const std::vector<std::string>& layers) {
    std::string text = "# The layer of a number, for GTKWave (Data Format, Translate Filter File).\n";
    for (std::size_t i = 0; i < layers.size(); ++i) text += fmt::format("{} {}\n", i, legal_vcd_name(layers[i]));
    return text;
}

std::string surfer_view(const std::vector<const WaveVariable*>& variables) {
    std::string text, unit;
    for (const WaveVariable* variable : by_scope(variables)) {
        const std::vector<std::string> parts = parts_of(variable->scope);
        const bool own = parts.size() == 2;
        if (!own) continue;
        if (unit.empty())
            text += fmt::format("variable_add {0}.clk\nvariable_add {0}.cycle\n", legal_vcd_name(parts[0]));
        if (unit != parts[1]) text += fmt::format("divider_add {}\n", parts[1]);
        unit = parts[1];
        text += fmt::format("variable_add {}\n", dotted(*variable));
    }
    return text + "zoom_fit\n";
}

void WaveViewWriter::begin(const WaveList& list, std::uint64_t period_ps) {
    const std::vector<const WaveVariable*> selected = select_variables(list, limits_);
    for (const Files& files : files_) {
        write_file(files.save_to, gtkwave_view(selected, files.waveform, files.layer_filter,
                                               limits_.first_cycle * period_ps, period_ps));
        write_file(files.filter_to, layer_filter_text(layers_));
        write_file(files.commands_to, surfer_view(selected));
    }
}

}  // namespace widthwise

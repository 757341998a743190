// SPDX-License-Identifier: Apache-2.0
#include "trace/wave_views.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "common/output_file.h"
#include "text/printable.h"
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
    if (variable.bits == 1) return kBinary;
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
    return dotted(variable) + (variable.bits > 1 ? fmt::format("[{}:0]", variable.bits - 1) : "");
}

bool is_layer(const WaveVariable& variable) {
    return variable.name == "layer" && variable.scope.ends_with("sequencer");
}

/// "sequencer_state": scopes below the outermost, and the name.
std::string format_name(const WaveVariable& variable) {
    std::string name = dotted(variable);
    name.erase(0, name.find('.') + 1);
    std::replace(name.begin(), name.end(), '.', '_');
    return name;
}

/// A name as a filter file shows it: one short word of ASCII, without what begins a comment or, in front, a colour.
std::string filter_word(const std::string& name) {
    std::string word = shown_name(name);
    for (char& c : word) {
        if (c <= ' ' || c > '~' || c == '#') c = '_';
    }
    if (word.starts_with('?')) word.front() = '_';
    return word;
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

std::string gtkwave_view(const std::vector<const WaveVariable*>& variables, const GtkwavePaths& paths,
                         std::uint64_t start_fs, double period_fs) {
    std::string text = fmt::format(
        "[*]\n[*] Written by widthwise: open with gtkwave {0} FILE_OF_THIS_TEXT\n[dumpfile] \"{0}\"\n"
        "[timestart] {1}\n[size] 1500 900\n[pos] -1 -1\n*-{2:.3f} -1\n[sst_expanded] 0\n",
        paths.waveform, start_fs, std::log2(period_fs * kPixelsOfAFrame / kPixelsOfACycle));
    const std::vector<const WaveVariable*> sorted = by_scope(variables);
    const std::string top = sorted.empty() || sorted.front()->scope.empty() ? "" : parts_of(sorted.front()->scope)[0];
    const std::string prefix = top.empty() ? "" : legal_vcd_name(top) + ".";
    text += fmt::format("{}\n{}clk\n{}\n{}cycle\n", kBinary, prefix, kDecimal, prefix);
    Groups groups(text);
    int filters = 0;
    const auto filtered = [&](const WaveVariable& variable, const std::string& filter) {
        text += fmt::format("{}\n^{} {}\n{}\n", kFilteredDecimal, ++filters, filter, with_range(variable));
    };
    for (const WaveVariable* variable : sorted) {
        if (too_far(variable->scope)) continue;
        std::vector<std::string> parts = parts_of(variable->scope);
        parts.erase(parts.begin());  // the accelerator itself needs no group
        groups.go_to(parts);
        const bool words = variable->storage == WaveStorage::text;
        if (words && paths.words.empty()) text += fmt::format("{}\n{}\n", kBinary, dotted(*variable));
        else if (words) filtered(*variable, paths.words + "/" + words_file(*variable));
        else if (is_layer(*variable)) filtered(*variable, paths.layer_filter);
        else text += fmt::format("{}\n{}\n", radix(*variable), with_range(*variable));
    }
    groups.go_to({});
    return text;
}

std::string words_file(const WaveVariable& variable) { return format_name(variable) + ".txt"; }

std::string words_text(const std::string& format, const std::vector<std::string>& words, int bits) {
    std::string text = fmt::format(
        "# What the numbers mean: for GTKWave (Data Format, Translate Filter File) and Surfer (.surfer/mappings).\n"
        "Name = {}\nBits = {}\n",
        format, bits);
    for (std::size_t i = 0; i < words.size(); ++i) text += fmt::format("{} {}\n", i, filter_word(words[i]));
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

void WaveViewWriter::begin(const WaveList& list, const ClockEdges& edges) {
    constexpr int kLayerBits = 16;
    const std::vector<const WaveVariable*> selected = select_variables(list, limits_);
    for (const Files& files : files_) {
        write_file(files.save_to,
                   gtkwave_view(selected, files.paths, edges.rise(limits_.first_cycle), edges.period_fs()));
        write_file(files.filter_to, words_text("layer", layers_, kLayerBits));
        write_file(files.commands_to, surfer_view(selected));
        for (const WaveVariable& variable : list.variables()) {
            if (variable.storage != WaveStorage::text) continue;
            const std::vector<std::string> words(variable.words.begin(), variable.words.end());
            write_file(files.words_to + "/" + words_file(variable),
                       words_text(format_name(variable), words, variable.bits));
        }
    }
}

}  // namespace widthwise

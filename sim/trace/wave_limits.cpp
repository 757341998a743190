// SPDX-License-Identifier: Apache-2.0
#include "trace/wave_limits.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <string_view>

#include "common/error.h"

namespace widthwise {

namespace {

int levels(const std::string& scope) {
    return scope.empty() ? 0 : static_cast<int>(std::count(scope.begin(), scope.end(), '.')) + 1;
}

/// The glob matches the scope or one around it.
bool matches(const std::string& glob, const std::string& scope) {
    for (std::size_t end = scope.find('.');; end = scope.find('.', end + 1)) {
        if (fnmatch(glob.c_str(), scope.substr(0, end).c_str(), 0) == 0) return true;
        if (end == std::string::npos) return false;
    }
}

[[noreturn]] void throw_no_match(const std::string& glob, const WaveList& list) {
    std::vector<std::string_view> known;  // the units; below them an array may have thousands
    for (const WaveVariable& variable : list.variables()) {
        if (levels(variable.scope) > 2) continue;
        if (std::find(known.begin(), known.end(), variable.scope) == known.end()) known.push_back(variable.scope);
    }
    throw InputError(fmt::format("waveform: no scope matches '{}'; there are {} and scopes below them", glob,
                                 fmt::join(known, ", ")));
}

}  // namespace

void WaveLimits::validate() const {
    if (first_cycle >= end_cycle) {
        throw InputError(fmt::format("waveform: first cycle {} is not before the end, {}", first_cycle, end_cycle));
    }
    if (depth < 0) throw InputError(fmt::format("waveform: depth {} is below 0 (0 records all levels)", depth));
    if (layer && *layer < 0) throw InputError(fmt::format("waveform: layer {} is below 0", *layer));
}

std::vector<const WaveVariable*> select_variables(const WaveList& list, const WaveLimits& limits) {
    std::vector<const WaveVariable*> selected;
    std::vector<bool> used(limits.scopes.size(), false);
    const std::string* scope = nullptr;  // neighbours in the list mostly share their scope
    bool wanted = false;
    for (const WaveVariable& variable : list.variables()) {
        if (scope == nullptr || *scope != variable.scope) {
            scope = &variable.scope;
            wanted = limits.scopes.empty();
            for (std::size_t g = 0; g < limits.scopes.size(); ++g) {
                if (!matches(limits.scopes[g], *scope)) continue;
                wanted = true;
                used[g] = true;
            }
            if (limits.depth > 0 && levels(*scope) > limits.depth) wanted = false;
        }
        if (wanted) selected.push_back(&variable);
    }
    const auto unused = std::find(used.begin(), used.end(), false);
    if (unused != used.end()) throw_no_match(limits.scopes[static_cast<std::size_t>(unused - used.begin())], list);
    if (selected.empty() && !list.variables().empty()) {
        throw InputError(fmt::format("waveform: nothing to record: the scopes lie deeper than depth {}", limits.depth));
    }
    return selected;
}

WaveGate::WaveGate(const WaveLimits& limits, const WaveList& list)
    : first_(limits.first_cycle),
      end_(limits.end_cycle),
      layer_(limits.layer),
      image_(limits.image),
      activity_(list.activity()) {
    if (activity_ != nullptr || (!layer_ && !image_)) return;
    throw InputError(
        fmt::format("waveform: cannot record one {}: the model tells nothing of its work", layer_ ? "layer" : "image"));
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// Which registers and which cycles a waveform holds.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "trace/wave.h"

namespace widthwise {

struct WaveLimits {
    static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

    std::uint64_t first_cycle = 0;
    std::uint64_t end_cycle = kUnlimited;  ///< the first cycle that is no longer recorded
    int depth = 0;                         ///< levels of scopes from the top, "accelerator" being the first; 0 = all
    /// Globs over the dotted scope (*, ? and [set]; a * also spans dots). A scope is recorded when one of them matches
    /// it or a scope around it; none = all.
    std::vector<std::string> scopes;
    std::optional<int> layer;  ///< only the cycles in which the sequencer works on this layer
    std::optional<int> image;  ///< only the cycles of the batch that begins with this image

    /// Throws InputError for limits that leave nothing whatever the model.
    void validate() const;
};

/// The variables that scopes and depth leave, in the list's order. Throws InputError when a glob matches nothing or
/// nothing is left.
std::vector<const WaveVariable*> select_variables(const WaveList& list, const WaveLimits& limits);

/// Cycles, layer and image together.
class WaveGate {
public:
    /// Throws InputError when a layer or an image is asked for and the model tells nothing of its work.
    WaveGate(const WaveLimits& limits, const WaveList& list);
    [[nodiscard]] bool open(std::uint64_t cycle) const {
        return cycle >= first_ && cycle < end_ && (!layer_ || activity_->layer() == layer_) &&
               (!image_ || activity_->batch() == image_);
    }

private:
    std::uint64_t first_, end_;
    std::optional<std::int32_t> layer_;
    std::optional<std::int32_t> image_;
    const Activity* activity_;
};

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// Which registers and which cycles a waveform holds.
#pragma once

#include <array>
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

/// Tells from the sequencer's registers whether the accelerator is working on a layer.
class LayerGate {
public:
    /// Finds "layer" and "state" in the list's scope "sequencer". Throws InputError when the list has none.
    LayerGate(const WaveList& list, int layer);
    /// The layer is the sequencer's and its state is FILL, COMPUTE or DRAIN.
    [[nodiscard]] bool open() const { return *layer_ == wanted_ && recorded_[*state_]; }

private:
    std::int32_t wanted_;
    const std::int32_t* layer_ = nullptr;
    const std::uint8_t* state_ = nullptr;
    std::array<bool, 256> recorded_{};  ///< by value of the state register
};

/// Tells from the sequencer's registers whether the accelerator is working on a batch of images.
class ImageGate {
public:
    /// `image`: the batch's first. Finds "image" and "state" in the list's scope "sequencer". Throws InputError when
    /// the list has none.
    ImageGate(const WaveList& list, int image);
    /// The batch is the sequencer's and its state is neither IDLE nor SETUP.
    [[nodiscard]] bool open() const { return *image_ == wanted_ && recorded_[*state_]; }

private:
    std::int32_t wanted_;
    const std::int32_t* image_ = nullptr;
    const std::uint8_t* state_ = nullptr;
    std::array<bool, 256> recorded_{};
};

/// Cycles, layer and image together.
class WaveGate {
public:
    WaveGate(const WaveLimits& limits, const WaveList& list) : first_(limits.first_cycle), end_(limits.end_cycle) {
        if (limits.layer) layer_.emplace(list, *limits.layer);
        if (limits.image) image_.emplace(list, *limits.image);
    }
    [[nodiscard]] bool open(std::uint64_t cycle) const {
        return cycle >= first_ && cycle < end_ && (!layer_ || layer_->open()) && (!image_ || image_->open());
    }

private:
    std::uint64_t first_, end_;
    std::optional<LayerGate> layer_;
    std::optional<ImageGate> image_;
};

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace widthwise {

/// What the accelerator is doing between two edges. A model answers it from its units' registers for whoever follows its
/// work: the limits of a waveform to a layer or a batch, and timelines.
class Activity {
public:
    Activity() = default;
    Activity(const Activity&) = delete;
    Activity& operator=(const Activity&) = delete;
    virtual ~Activity() = default;

    /// The sequencer's state, in the word that waveforms show.
    [[nodiscard]] virtual std::string_view phase() const = 0;
    /// The layer that it works on; none before, between and behind the layers of a batch.
    [[nodiscard]] virtual std::optional<std::int32_t> layer() const = 0;
    /// The first image of the batch that it works on; none while idle or setting up.
    [[nodiscard]] virtual std::optional<std::int32_t> batch() const = 0;
    /// The array issued a tap.
    [[nodiscard]] virtual bool computes() const = 0;
    /// Why a tile of the array has waited instead; "" if it has not.
    [[nodiscard]] virtual std::string_view stall() const = 0;
    /// Processing elements that work on the array's tile.
    [[nodiscard]] virtual std::int64_t elements() const = 0;
    [[nodiscard]] virtual bool drains() const = 0;                ///< finished sums leave the array
    [[nodiscard]] virtual bool fills() const = 0;                 ///< a word for the line buffer is on its way
    [[nodiscard]] virtual std::string_view transfer() const = 0;  ///< what the Dma does; "" while it is idle
    /// Additions that did not fit, of all layers so far.
    [[nodiscard]] virtual std::int64_t overflow_events() const = 0;
};

}  // namespace widthwise

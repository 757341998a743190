// SPDX-License-Identifier: Apache-2.0
// A layer's weights in the order in which the dot products take them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/fast/aligned_vector.h"
#include "engine/fast/tap_window.h"

namespace widthwise::fast {

/// Output channels whose sums of a tile are made one after the other, before anything else happens to them.
inline constexpr int kChunkChannels = 32;

/// Output channels of one group that one call of a dot product takes.
struct ChannelBlock {
    int first = 0;
    int count = 0;
    int group = 0;
    std::size_t weights = 0;  ///< offset of the first one
};

class PackedWeights {
public:
    /// Whether a depthwise layer's window has kernels of its own: each input channel has one output channel.
    static bool has_own_kernels(const TapWindow& window, int channels);

    /// What the weights of an output channel take, rounded up.
    static std::int64_t bytes_of_channel(const TapWindow& window, int channels);

    /// `weight(channel, tap)` for each output channel and tap.
    PackedWeights(const TapWindow& window, int channels, const std::function<std::int8_t(int, int)>& weight);

    /// Those of kChunkChannels channels that begin at `channel`; of depthwise layers of four channels each.
    [[nodiscard]] std::span<const ChannelBlock> blocks(int channel) const;
    [[nodiscard]] const std::int8_t* at(const ChannelBlock& block) const { return weights_.data() + block.weights; }

private:
    void pack(const ChannelBlock& block, std::span<const std::array<int, 4>> quads,
              const std::function<std::int8_t(int, int)>& weight);
    void pack_depthwise(const ChannelBlock& block, int taps, const std::function<std::int8_t(int, int)>& weight);

    std::vector<ChannelBlock> blocks_;
    std::vector<std::size_t> chunks_;  ///< where each chunk's blocks begin, and where the last ones end
    AlignedVector<std::int8_t> weights_;
};

}  // namespace widthwise::fast

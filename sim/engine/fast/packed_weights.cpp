// SPDX-License-Identifier: Apache-2.0
#include "engine/fast/packed_weights.h"

#include <algorithm>

namespace widthwise::fast {

bool PackedWeights::has_own_kernels(const TapWindow& window, int channels) {
    return window.is_depthwise() && channels == window.groups();
}

std::int64_t PackedWeights::bytes_of_channel(const TapWindow& window, int channels) {
    if (!has_own_kernels(window, channels)) return std::int64_t{window.quads()} * 4;
    // Fours of taps, and fours of channels, are filled up; there are two channels at least.
    return (static_cast<std::int64_t>(window.taps_of_group()) + 3) / 4 * 4 * 2;
}

PackedWeights::PackedWeights(const TapWindow& window, int channels,
                             const std::function<std::int8_t(int, int)>& weight) {
    const bool depthwise = has_own_kernels(window, channels);
    const int per_group = channels / window.groups();
    std::vector<std::array<int, 4>> quads;
    int group_of_quads = -1;
    for (int first = 0; first < channels; first += blocks_.back().count) {
        if (first % kChunkChannels == 0) chunks_.push_back(blocks_.size());
        ChannelBlock& block = blocks_.emplace_back();
        block.first = first;
        block.group = first / per_group;
        block.weights = weights_.size();
        if (depthwise) {
            block.count = std::min(kWordChannels, channels - first);
            pack_depthwise(block, static_cast<int>(window.taps_of_group()), weight);
            continue;
        }
        const int end_of_chunk = (first / kChunkChannels + 1) * kChunkChannels;
        block.count = std::min({first + kDotChannels, (block.group + 1) * per_group, end_of_chunk}) - first;
        if (group_of_quads != block.group) quads = window.taps_of_quads(group_of_quads = block.group);
        pack(block, quads, weight);
    }
    chunks_.push_back(blocks_.size());
}

void PackedWeights::pack(const ChannelBlock& block, std::span<const std::array<int, 4>> quads,
                         const std::function<std::int8_t(int, int)>& weight) {
    for (const std::array<int, 4>& taps : quads) {
        for (int m = block.first; m < block.first + block.count; ++m) {
            for (const int tap : taps) weights_.push_back(tap < 0 ? std::int8_t{0} : weight(m, tap));
        }
    }
}

void PackedWeights::pack_depthwise(const ChannelBlock& block, int taps,
                                   const std::function<std::int8_t(int, int)>& weight) {
    for (int t = 0; t < taps; t += 4) {
        for (int m = 0; m < kWordChannels; ++m) {
            for (int k = 0; k < 4; ++k) {
                const bool is_tap = m < block.count && t + k < taps;
                weights_.push_back(is_tap ? weight(block.first + m, t + k) : std::int8_t{0});
            }
        }
    }
}

std::span<const ChannelBlock> PackedWeights::blocks(int channel) const {
    const auto chunk = static_cast<std::size_t>(channel / kChunkChannels);
    return std::span(blocks_).subspan(chunks_[chunk], chunks_[chunk + 1] - chunks_[chunk]);
}

}  // namespace widthwise::fast

// SPDX-License-Identifier: Apache-2.0
// One layer on a block of images: the values, overflow counts and psum statistics that the clocked model would give.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/fast/block_map.h"
#include "engine/fast/kernels.h"
#include "engine/fast/packed_weights.h"
#include "engine/fast/requantize_lanes.h"
#include "engine/fast/stages/addition.h"
#include "engine/fast/stages/pooling.h"
#include "engine/fast/stages/requantization.h"
#include "engine/fast/tap_window.h"
#include "record/record.h"
#include "schedule/schedule.h"

namespace widthwise::fast {

/// Scratch memory of one thread, reused from layer to layer.
struct Workspace {
    BlockMap sums;                    ///< requantized, before the stages behind
    BlockMap added;                   ///< results of a residual addition, before pooling
    BlockMap viewed, viewed_operand;  ///< inputs in another shape
    AlignedBytes strip;
    SumTile tile;
    /// Of a chunk of channels, kTileLanes for each.
    std::vector<LaneInts> exact, negative, value, events;
    std::array<std::uint8_t, kChunkChannels * kTileLanes> leaves{};  ///< may leave their range
    /// Of kLanes sums.
    std::vector<LaneBytes> taps;
    std::vector<LaneQuads> quads;
    std::vector<LaneShorts> wide;
    std::vector<OrderedChannel> ordered;
    int gathered_group = -1, widened_group = -1;  ///< of the tile's first part: whose taps they are
    bool keeps_psums = true;             ///< false: the records' psum statistics are of no interest and may stay empty
    PsumHistogram* histogram = nullptr;  ///< of the layer that runs; none unless asked for
};

/// Bytes of the layer's output, which a thread keeps for each layer of a block of `images` images.
std::int64_t block_bytes(const LayerSchedule& layer, int images);
/// Bytes of a thread's workspace while the layer is computed, whichever path it takes.
std::int64_t workspace_bytes(const LayerSchedule& layer, int images);
/// Bytes of the layer's weights as the kernels want them, shared by all threads.
std::int64_t weight_bytes(const LayerSchedule& layer);

class FastLayer {
public:
    FastLayer(const LayerSchedule& layer, const HardwareParams& hardware, const Kernels& kernels);

    /// Computes `output` from `input` (and `operand`, the map that is added; null without one) for all images of a
    /// block and adds what was counted to `record` (overflow, psums, and the events that depend on values).
    void run(const BlockMap& input, const BlockMap* operand, BlockMap& output, Workspace& workspace,
             LayerRecord& record, const LaneProbe& probe) const;

private:
    /// How the layer's sums are formed.
    enum class Path : std::uint8_t {
        exact,    ///< no sum can overflow, or only finished sums are checked: dot products
        bounded,  ///< dot products of the positive and of the negative weights bound every intermediate sum; only
                  ///< outputs that might leave the range are summed in order
        ordered,  ///< in order, always
        plain,    ///< one accumulator at a time: sums beyond 31 bits, or statistics of every addition
    };
    /// What sums are made in and from.
    struct Work {
        TapWindow::Walk& walk;
        Workspace& space;
        LayerRecord& record;
    };
    /// What a computation reads.
    struct Sources {
        const BlockMap& map;
        const BlockMap* operand = nullptr;  ///< of the addition; null without one, or where constants are added
        bool adds_at_once = false;          ///< the addition is part of what happens to a tile
    };
    /// Neighbouring output channels.
    struct Channels {
        int first = 0;
        int count = 0;
        [[nodiscard]] int end() const { return first + count; }
    };
    /// Those of a chunk that one group of the layer has, and the sums of a tile that one call in order takes.
    struct Lanes {
        int group = 0;
        int first_channel = 0;
        int end_channel = 0;
        int part = 0;  ///< of kTileLanes
    };

    /// Only finished sums can be out of range.
    [[nodiscard]] bool checks_finished() const {
        return layer_.computation->accumulator.check == OverflowCheck::per_output &&
               layer_.computation->overflow_possible;
    }
    void prepare_stages();
    void prepare_weights();
    [[nodiscard]] PackedWeights pack(bool positive, bool negative) const;
    void compute_sums(const Sources& sources, BlockMap& sums, Workspace& workspace, LayerRecord& record) const;
    void sum_channels(const Channels& channels, const Work& work) const;
    void multiply(const PackedWeights& weights, const std::vector<std::int32_t>& starts, const Channels& channels,
                  const Work& work, std::vector<LaneInts>& sums) const;
    void check_ranges(const Channels& channels, const Work& work) const;
    template <typename Visitor>
    void for_each_lanes(const Channels& channels, const Work& work, Visitor&& visit) const;
    struct LaneBases {
        const std::uint8_t* low = nullptr;
        const std::uint8_t* high = nullptr;
    };
    static LaneBases bases_of(const Lanes& lanes, const SumTile& tile, std::ptrdiff_t shift);
    void gather_taps(const Lanes& lanes, const Work& work) const;
    void widen_taps(const Lanes& lanes, const Work& work) const;
    void sum_long_products(const Channels& channels, const Lanes& lanes, const Work& work) const;
    void bound_prefixes(const Channels& channels, const Lanes& lanes, const Work& work) const;
    void sum_in_order(const Channels& channels, const Lanes& lanes, const Work& work) const;
    void sum_plainly(const Lanes& lanes, const Work& work, BlockMap& sums) const;
    [[nodiscard]] std::int64_t plain_sum(int channel, int lane, const Work& work) const;
    void count_gated(const Lanes& lanes, const Work& work) const;
    void drop_unwanted(const Channels& channels, const Work& work) const;
    void count_sums(const Channels& channels, const Work& work) const;
    void finish(const Channels& channels, const Sources& sources, BlockMap& sums, const Work& work) const;
    void store_plain_sum(std::int64_t sum, int channel, std::size_t word, BlockMap& sums) const;
    void store_value(std::int64_t value, int channel, std::size_t word, BlockMap& sums) const;

    const LayerSchedule& layer_;
    const Kernels& kernels_;
    Path path_ = Path::exact;
    PsumStatistics statistics_;
    bool zero_gating_;
    Products products_ = Products::short_ones;
    bool flip_ = false;  ///< signed activations, offset by 128 for the dot product
    int taps_ = 0;
    int quads_ = 0;  ///< groups of four taps in order
    std::optional<TapWindow> window_;
    std::optional<PackedWeights> weights_, positive_, negative_;
    std::vector<std::int8_t> quad_positive_, quad_negative_;  ///< in order, [channel][4 * quads]
    std::vector<std::int32_t> tap_weights_;                   ///< [channel][tap], as pair_of() gives them
    std::vector<std::int64_t> start_exact_;                   ///< per channel: preloaded bias, or 0
    std::vector<std::int32_t> start_;                         ///< the same in a lane's width
    std::vector<std::int32_t> zeros_;
    std::vector<std::int32_t> dot_start_;  ///< per channel: start less what `flip_` adds to the dot product
    std::optional<LaneRequantizer> requantizer_;
    std::optional<StoredRequantization> requantization_;  ///< without a computation
    std::optional<LaneAddition> addition_;
    std::optional<LanePooling> pooling_;
};

}  // namespace widthwise::fast

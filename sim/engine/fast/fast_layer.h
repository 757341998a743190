// SPDX-License-Identifier: Apache-2.0
// One layer on a block of images: the values, overflow counts and psum statistics that the clocked model would give.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/fast/block_map.h"
#include "engine/fast/kernels.h"
#include "engine/fast/requantize_lanes.h"
#include "engine/fast/stages/addition.h"
#include "engine/fast/stages/pooling.h"
#include "engine/fast/stages/requantization.h"
#include "record/record.h"
#include "schedule/schedule.h"

namespace widthwise::fast {

/// Scratch memory of one thread, reused from layer to layer.
struct Workspace {
    BlockMap sums;  ///< requantized, before the stages behind
    std::vector<const LaneBytes*> taps;
    std::vector<LaneQuads> quads;
    std::vector<LaneShorts> wide;
    std::vector<LaneInts> exact, negative, value, events;  ///< per channel
    std::vector<std::uint8_t> leaves;                      ///< per channel: may leave its range
    BlockMap added;                                        ///< results of a residual addition, before pooling
    std::vector<OrderedChannel> ordered;
    bool keeps_psums = true;             ///< false: the records' psum statistics are of no interest and may stay empty
    PsumHistogram* histogram = nullptr;  ///< of the layer that runs; none unless asked for
};

/// Bytes of the layer's output, which a thread keeps for each layer of a block.
std::int64_t block_bytes(const LayerSchedule& layer);
/// Bytes of a thread's workspace while the layer is computed, whichever path it takes.
std::int64_t workspace_bytes(const LayerSchedule& layer);
/// Bytes of the layer's weights as the kernels want them, shared by all threads.
std::int64_t weight_bytes(const LayerSchedule& layer);

class FastLayer {
public:
    FastLayer(const LayerSchedule& layer, const HardwareParams& hardware, Dispatch dispatch);

    /// Computes `output` from `input` (and `residual`, the map that is added; null without one) for lanes
    /// 0..lanes-1 and adds what was counted to `record` (overflow, psums, and the events that depend on values).
    void run(const BlockMap& input, const BlockMap* residual, BlockMap& output, int lanes, Workspace& workspace,
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

    void prepare_stages();
    void prepare_weights();
    void compute_sums(const BlockMap& map, int lanes, Workspace& workspace, LayerRecord& record,
                      const LaneProbe& probe) const;
    /// The output channels of one group of channels.
    struct Channels {
        int first = 0;
        int count = 0;
    };
    void gather(const BlockMap& map, int y, int x, int group, Workspace& workspace) const;
    void sum_pixel(const Channels& channels, int lanes, Workspace& workspace, LayerRecord& record) const;
    void sum_long_products(const Channels& channels, Workspace& workspace) const;
    void bound_prefixes(const Channels& channels, Workspace& workspace) const;
    void sum_in_order(const Channels& channels, Workspace& workspace) const;
    void sum_plainly(const Channels& channels, int pixel, int lanes, Workspace& workspace, LayerRecord& record,
                     const LaneProbe& probe) const;
    void finish_pixel(int pixel, int lanes, Workspace& workspace, LayerRecord& record, PsumLanes& psums,
                      const LaneProbe& probe) const;
    [[nodiscard]] std::int64_t store_plain_sum(std::int64_t sum, std::size_t channel, std::size_t at, int lane,
                                               Workspace& workspace) const;
    void store_value(std::int64_t value, std::size_t at, int lane, Workspace& workspace) const;
    void store_sums(int pixel, int lanes, Workspace& workspace, const LaneProbe& probe) const;
    void report_pixel(int pixel, int lanes, const Workspace& workspace, const LaneProbe& probe) const;
    void count_gated(const Channels& channels, int lanes, const Workspace& workspace, LayerRecord& record) const;

    const LayerSchedule& layer_;
    Dispatch dispatch_;
    Path path_ = Path::exact;
    PsumStatistics statistics_;
    bool zero_gating_;
    Products products_ = Products::short_ones;
    bool flip_ = false;  ///< signed activations, offset by 128 for the dot product
    int taps_ = 0;
    int quads_ = 0;                        ///< groups of four taps
    std::vector<std::ptrdiff_t> offsets_;  ///< of each tap in the map, from the kernel's top left corner
    std::ptrdiff_t group_offset_ = 0;      ///< from one group's channels to the next one's, in the map
    LaneBytes padding_{};                  ///< what taps outside of the map see
    std::vector<std::int8_t> quad_weights_, quad_positive_, quad_negative_;  ///< [channel][4 * quads]
    std::vector<std::int32_t> tap_weights_;   ///< [channel][tap], as pair_of() gives them
    std::vector<std::int64_t> start_exact_;   ///< per channel: preloaded bias, or 0
    std::vector<std::int32_t> start_;         ///< the same in a lane's width
    std::vector<std::int32_t> dot_constant_;  ///< per channel: start less what `flip_` adds to the dot product
    std::optional<LaneRequantizer> requantizer_;
    std::optional<StoredRequantization> requantization_;  ///< without a computation
    std::optional<LaneAddition> addition_;
    std::optional<LanePooling> pooling_;
};

}  // namespace widthwise::fast

// SPDX-License-Identifier: Apache-2.0
#include "engine/fast/fast_layer.h"

#include <algorithm>
#include <numeric>

namespace widthwise::fast {

namespace {

/// Bits of a sum that the 32-bit lanes hold with room for one more product.
constexpr int kMaxLaneBits = 31;
/// Widest accumulator that the ordered kernel keeps in 16-bit lanes.
constexpr int kMaxShortBits = 16;

}  // namespace

std::int64_t block_bytes(const LayerSchedule& layer, int images) {
    return map_bytes(layer.output, images, layer.value_bytes);
}

std::int64_t workspace_bytes(const LayerSchedule& layer, int images) {
    constexpr auto kPerTap = static_cast<std::int64_t>(sizeof(LaneBytes) + sizeof(LaneQuads) / 4 + sizeof(LaneShorts));
    constexpr auto kChunks = static_cast<std::int64_t>(4 * kChunkChannels * kTileLanes * sizeof(LaneInts));
    const bool stays = !layer.addition.has_value() && !layer.pooling.has_value();
    const bool adds_before_pooling = layer.addition.has_value() && layer.pooling.has_value();
    const std::int64_t maps = (layer.computation && stays ? 0 : 1) + (adds_before_pooling ? 1 : 0);
    std::int64_t bytes = maps * map_bytes(layer.sums, images, layer.value_bytes);
    if (layer.fully_connected) bytes += map_bytes({static_cast<int>(layer.input.elements()), 1, 1}, images);
    if (layer.computation) bytes += kChunks + layer.tap_count * kPerTap + TapWindow(layer).strip_bytes(images);
    return bytes;
}

std::int64_t weight_bytes(const LayerSchedule& layer) {
    if (!layer.computation) return 0;
    const std::int64_t packed = PackedWeights::bytes_of_channel(TapWindow(layer), layer.sums.channels);
    // Packed and split by sign, split by sign in quads in order, and one by one in 32 bits.
    const std::int64_t in_order = (layer.tap_count + 3) / 4 * 4;
    return layer.sums.channels * (2 * packed + 2 * in_order + std::int64_t{layer.tap_count} * 4);
}

FastLayer::FastLayer(const LayerSchedule& layer, const HardwareParams& hardware, const Kernels& kernels)
    : layer_(layer),
      kernels_(kernels),
      statistics_(hardware.accumulator.statistics),
      zero_gating_(hardware.array.zero_gating) {
    taps_ = static_cast<int>(layer.taps.size());
    quads_ = (taps_ + 3) / 4;
    prepare_stages();
    if (!layer.computation) return;
    window_.emplace(layer);
    const AccumulatorFormat& format = layer.computation->accumulator;
    flip_ = layer.input_may_be_negative;
    if (layer.computation->weights_have_zero_points) products_ = Products::long_ones;
    const bool checked = layer.computation->overflow_possible && format.check == OverflowCheck::per_add;
    if (layer.computation->worst_case_bits > kMaxLaneBits ||
        (format.bits > kMaxLaneBits && layer.computation->overflow_possible) ||
        statistics_ == PsumStatistics::every_add) {
        path_ = Path::plain;
    } else if (!checked) {
        path_ = Path::exact;
    } else {
        path_ = flip_ || products_ == Products::long_ones ? Path::ordered : Path::bounded;
    }
    prepare_weights();
}

void FastLayer::prepare_stages() {
    StoredRange range = range_of_input(layer_);
    if (layer_.requantization) {
        if (!layer_.computation) requantization_.emplace(layer_);
        range = range_of(layer_.requantization->format);
    }
    if (layer_.addition) {
        addition_.emplace(layer_, range, kernels_);
        range = range_of(layer_.addition->format.output);
    }
    if (layer_.pooling) pooling_.emplace(layer_, range);
}

/// The weights of these signs; the others are 0.
PackedWeights FastLayer::pack(bool positive, bool negative) const {
    const std::vector<std::int16_t>& weights = layer_.computation->weights;
    return {*window_, layer_.sums.channels, [&, taps = static_cast<std::size_t>(taps_)](int channel, int tap) {
                const int weight = weights[static_cast<std::size_t>(channel) * taps + static_cast<std::size_t>(tap)];
                return static_cast<std::int8_t>((weight > 0 ? positive : negative) ? weight : 0);
            }};
}

void FastLayer::prepare_weights() {
    const LayerSchedule& l = layer_;
    const auto channels = static_cast<std::size_t>(l.sums.channels);
    const auto per_channel = static_cast<std::size_t>(quads_) * 4;
    const std::vector<std::int16_t>& weights = l.computation->weights;
    const bool adds_in_order = path_ != Path::exact || products_ == Products::long_ones;
    if (adds_in_order) {
        tap_weights_.resize(weights.size());
        std::transform(weights.begin(), weights.end(), tap_weights_.begin(), pair_of);
    }
    zeros_.assign(channels + kWordChannels, 0);
    for (std::size_t m = 0; m < channels; ++m) {
        const auto first = weights.begin() + static_cast<std::ptrdiff_t>(m * l.taps.size());
        const std::int32_t sum = std::accumulate(first, first + taps_, std::int32_t{0});
        const std::int64_t start =
            l.computation->bias_preload && !l.computation->bias.empty() ? l.computation->bias[m] : 0;
        start_exact_.push_back(start);
        start_.push_back(static_cast<std::int32_t>(start));  // used only where sums fit 31 bits
        dot_start_.push_back(static_cast<std::int32_t>(start) - (flip_ ? kSignOffset * sum : 0));
    }
    start_.resize(channels + kWordChannels);
    dot_start_.resize(channels + kWordChannels);
    if (products_ == Products::short_ones && path_ != Path::plain) {
        if (path_ == Path::bounded) {
            positive_.emplace(pack(true, false));
            negative_.emplace(pack(false, true));
        } else {
            weights_.emplace(pack(true, true));
        }
    }
    if (path_ == Path::bounded && l.computation->accumulator.bits > kMaxShortBits) {
        quad_positive_.assign(channels * per_channel, 0);
        quad_negative_ = quad_positive_;
        for (std::size_t m = 0; m < channels; ++m) {
            for (std::size_t t = 0; t < l.taps.size(); ++t) {
                const std::int16_t weight = weights[m * l.taps.size() + t];
                (weight > 0 ? quad_positive_ : quad_negative_)[m * per_channel + t] = static_cast<std::int8_t>(weight);
            }
        }
    }
    if (l.sums_leave()) return;
    requantizer_.emplace(l.requantization->format, l.requantization->scales,
                         l.computation->bias_preload ? std::span<const std::int64_t>{} : l.computation->bias,
                         l.computation->worst_case_bits, kernels_);
}

void FastLayer::run(const BlockMap& input, const BlockMap* operand, BlockMap& output, Workspace& workspace,
                    LayerRecord& record, const LaneProbe& probe) const {
    const StoredRange range = range_of_input(layer_);
    const bool of_vector = layer_.fully_connected;
    const BlockMap& map =
        viewed_as(input, of_vector ? window_->input() : layer_.input, range.is_signed, workspace.viewed);
    if (operand != nullptr) operand = &viewed_as(*operand, layer_.sums, operand->is_signed(), workspace.viewed_operand);
    const BlockMap* values = &map;
    // Added to while the values are in the cache, unless somebody wants to see them before.
    const bool adds_at_once = layer_.computation && path_ != Path::plain && addition_ && !probe;
    const bool is_last = !pooling_ && (!addition_ || adds_at_once);
    BlockMap& made = is_last ? output : workspace.sums;
    if (layer_.computation) compute_sums({map, operand, adds_at_once}, made, workspace, record);
    else if (requantization_) requantization_->run(map, made);
    if (layer_.computation || requantization_) {
        values = &made;
        if (probe)
            report_map(
                made, (layer_.computation ? layer_.computation->operator_index : layer_.requantization->operator_index),
                probe);
    }
    if (addition_ && !adds_at_once) {
        BlockMap& added = pooling_ ? workspace.added : output;
        addition_->run(*values, operand, added);
        if (probe) report_map(added, layer_.addition->operator_index, probe);
        values = &added;
    }
    if (!pooling_) return;
    pooling_->run(*values, output);
    if (probe) report_map(output, layer_.pooling->operator_index, probe);
}

void FastLayer::compute_sums(const Sources& sources, BlockMap& sums, Workspace& workspace, LayerRecord& record) const {
    const LayerSchedule& l = layer_;
    const RequantFormat* stored = l.sums_leave() ? nullptr : &l.requantization->format;
    if (sources.adds_at_once) stored = &l.addition->format.output;
    const bool is_signed = stored == nullptr ? l.value_bytes == 1 : range_of(*stored).is_signed;
    sums.reshape(l.sums, sources.map.images(), is_signed, l.value_bytes);
    for (auto* lane_ints : {&workspace.exact, &workspace.negative, &workspace.value, &workspace.events})
        lane_ints->resize(std::size_t{kChunkChannels} * kTileLanes);
    workspace.taps.resize(static_cast<std::size_t>(taps_));
    workspace.quads.resize(static_cast<std::size_t>(quads_));
    workspace.wide.resize(static_cast<std::size_t>(taps_));
    TapWindow::Walk walk(*window_, sources.map, workspace.strip);
    const Work work{walk, workspace, record};
    PsumLanes psums(l.computation->worst_case_bits, kernels_);
    // What is added up in order is gathered once for all channels; so is one call's worth.
    const int vectors =
        path_ == Path::exact && products_ == Products::short_ones ? kTileVectors : kLanes / kVectorWords;
    while (walk.next(workspace.tile, vectors)) {
        workspace.gathered_group = workspace.widened_group = -1;
        if (workspace.tile.words == 0) continue;
        const Channels all{0, l.sums.channels};
        if (zero_gating_) for_each_lanes(all, work, [&](const Lanes& lanes) { count_gated(lanes, work); });
        if (path_ == Path::plain) {
            for_each_lanes(all, work, [&](const Lanes& lanes) { sum_plainly(lanes, work, sums); });
            continue;
        }
        for (int first = 0; first < l.sums.channels; first += kChunkChannels) {
            const Channels channels{first, std::min(kChunkChannels, l.sums.channels - first)};
            sum_channels(channels, work);
            if (workspace.keeps_psums) {
                if (psums.full(channels.count * kTileSums / kVectorWords)) psums.flush(record.psums);
                psums.add(workspace.exact.data(), channels.count, workspace.tile.words);
            }
            finish(channels, sources, sums, work);
        }
    }
    psums.flush(record.psums);
}

/// Calls `visit` for each group of the layer among the channels, and each part of the tile.
template <typename Visitor>
void FastLayer::for_each_lanes(const Channels& channels, const Work& work, Visitor&& visit) const {
    const int per_group = layer_.sums.channels / layer_.groups;
    const int parts = (work.space.tile.sums() + kLanes - 1) / kLanes;
    for (int first = channels.first; first < channels.end();) {
        Lanes lanes;
        lanes.group = first / per_group;
        lanes.first_channel = first;
        lanes.end_channel = first = std::min(channels.end(), (lanes.group + 1) * per_group);
        for (lanes.part = 0; lanes.part < parts; ++lanes.part) visit(lanes);
    }
}

/// Leaves every channel's exact sums and register values in the workspace, of wanted outputs alone, and counts
/// overflow.
void FastLayer::sum_channels(const Channels& channels, const Work& work) const {
    Workspace& space = work.space;
    if (products_ == Products::long_ones) {
        for_each_lanes(channels, work, [&](const Lanes& lanes) { sum_long_products(channels, lanes, work); });
    } else if (path_ == Path::bounded) {
        multiply(*positive_, start_, channels, work, space.exact);
        multiply(*negative_, zeros_, channels, work, space.negative);
    } else {
        multiply(*weights_, dot_start_, channels, work, space.exact);
    }
    check_ranges(channels, work);
    if (space.tile.words != space.tile.sums()) drop_unwanted(channels, work);
    count_sums(channels, work);
}

void FastLayer::multiply(const PackedWeights& weights, const std::vector<std::int32_t>& starts,
                         const Channels& channels, const Work& work, std::vector<LaneInts>& sums) const {
    const SumTile& tile = work.space.tile;
    const bool depthwise = PackedWeights::has_own_kernels(*window_, layer_.sums.channels);
    constexpr std::ptrdiff_t kStride = kTileSums;
    for (const ChannelBlock& block : weights.blocks(channels.first)) {
        std::int32_t* to = sums[static_cast<std::size_t>(block.first - channels.first) * kTileLanes].lane;
        if (tile.sums() % kLanes != 0) {  // what is looked at beside the tile's last vector
            for (int m = 0; m < block.count; ++m) std::fill_n(to + m * kStride + tile.sums(), kVectorWords, 0);
        }
        const std::int32_t* start = starts.data() + block.first;
        const auto [offsets, shift] =
            depthwise ? work.walk.tap_offsets(block.group) : work.walk.quad_offsets(block.group);
        std::array<const std::uint8_t*, kTileVectors> bases{};
        for (int v = 0; v < tile.vectors; ++v) bases[v] = tile.bases[v] + shift;
        if (depthwise) {
            kernels_.dot_depthwise(
                {bases.data(), tile.vectors, offsets.data(), taps_, weights.at(block), start, to, kStride});
            continue;
        }
        for (int v = 0; v < tile.vectors; v += kDotVectors) {
            kernels_.dot({bases.data() + v, std::min(kDotVectors, tile.vectors - v), offsets.data(),
                          static_cast<int>(offsets.size()), weights.at(block), start, block.count,
                          to + std::ptrdiff_t{v} * kVectorWords, kStride});
        }
    }
}

/// Register values and overflow events, from exact sums or their bounds.
void FastLayer::check_ranges(const Channels& channels, const Work& work) const {
    Workspace& space = work.space;
    const AccumulatorFormat& format = layer_.computation->accumulator;
    const int lane_ints = channels.count * kTileLanes;
    const int parts = (space.tile.sums() + kLanes - 1) / kLanes;
    if (path_ == Path::exact) {
        if (!checks_finished()) return;
        std::fill_n(space.leaves.begin(), lane_ints, std::uint8_t{1});
        check_sums(format, space.exact.data(), space.value.data(), space.events.data(), lane_ints);
        return;
    }
    if (path_ == Path::bounded) {
        const std::span starts = std::span(start_).subspan(static_cast<std::size_t>(channels.first),
                                                           static_cast<std::size_t>(channels.count));
        bound_channels(space.exact.data(), space.negative.data(), starts, parts,
                       static_cast<std::int32_t>(format.min()), static_cast<std::int32_t>(format.max()),
                       space.leaves.data());
    } else {
        std::fill_n(space.leaves.begin(), lane_ints, std::uint8_t{1});
    }
    bool any = false;
    for (int m = 0; m < channels.count; ++m) {
        const std::size_t first = static_cast<std::size_t>(m) * kTileLanes;
        const auto used = static_cast<std::size_t>(parts);
        std::copy_n(&space.exact[first], used, &space.value[first]);
        any |= std::any_of(&space.leaves[first], &space.leaves[first] + used, [](auto leaf) { return leaf != 0; });
    }
    if (!any) return;
    for_each_lanes(channels, work, [&](const Lanes& lanes) {
        const auto leaves = [&](int channel) {
            return space.leaves[static_cast<std::size_t>(channel - channels.first) * kTileLanes + lanes.part] != 0;
        };
        int channel = lanes.first_channel;
        while (channel < lanes.end_channel && !leaves(channel)) ++channel;
        if (channel == lanes.end_channel) return;
        if (path_ == Path::bounded && format.bits > kMaxShortBits) {
            gather_taps(lanes, work);
            bound_prefixes(channels, lanes, work);
        }
        sum_in_order(channels, lanes, work);
    });
    if (parts == 1) return;  // events are looked at where the channel's only part leaves
    for (int i = 0; i < lane_ints; ++i)
        if (space.leaves[static_cast<std::size_t>(i)] == 0) space.events[static_cast<std::size_t>(i)] = {};
}

namespace {

/// The first bytes of 16 words.
[[gnu::always_inline]] inline void take_bytes(const std::uint8_t* words, std::uint8_t flip, std::uint8_t* lanes) {
    for (int l = 0; l < kVectorWords; ++l) lanes[l] = static_cast<std::uint8_t>(words[kWordChannels * l] ^ flip);
}

}  // namespace

/// Words that the first taps of the lanes' two vectors read; a vector that is missing has those of the other.
FastLayer::LaneBases FastLayer::bases_of(const Lanes& lanes, const SumTile& tile, std::ptrdiff_t shift) {
    const int first = lanes.part * (kLanes / kVectorWords);
    const int second = std::min(first + 1, tile.vectors - 1);
    return {tile.bases[first] + shift, tile.bases[second] + shift};
}

/// The activations of each tap, in order of accumulation, as two's complement numbers where they are signed.
void FastLayer::gather_taps(const Lanes& lanes, const Work& work) const {
    if (lanes.part == 0 && work.space.gathered_group == lanes.group) return;
    work.space.gathered_group = lanes.part == 0 ? lanes.group : -1;
    const auto [offsets, shift] = work.walk.tap_offsets(lanes.group);
    const std::uint8_t flip = flip_ ? kSignOffset : 0;
    const auto [low, high] = bases_of(lanes, work.space.tile, shift);
    for (std::size_t t = 0; t < offsets.size(); ++t) {
        take_bytes(low + offsets[t], flip, work.space.taps[t].lane);
        take_bytes(high + offsets[t], flip, work.space.taps[t].lane + kVectorWords);
    }
}

/// The same, as the kernel that adds in order takes them.
void FastLayer::widen_taps(const Lanes& lanes, const Work& work) const {
    Workspace& space = work.space;
    if (lanes.part == 0 && space.widened_group == lanes.group) return;
    space.widened_group = lanes.part == 0 ? lanes.group : -1;
    const auto [offsets, shift] = work.walk.tap_offsets(lanes.group);
    const auto [low, high] = bases_of(lanes, space.tile, shift);
    kernels_.widen(low, high, offsets, flip_ ? kSignOffset : 0, space.wide.data());
}

/// Exact sums of weights that the dot product cannot take, as an accumulator that is wide enough adds them up.
void FastLayer::sum_long_products(const Channels& channels, const Lanes& lanes, const Work& work) const {
    Workspace& space = work.space;
    space.ordered.clear();
    for (int m = lanes.first_channel; m < lanes.end_channel; ++m) {
        const std::size_t at = static_cast<std::size_t>(m - channels.first) * kTileLanes + lanes.part;
        space.ordered.push_back({tap_weights_.data() + static_cast<std::size_t>(m) * taps_,
                                 start_[static_cast<std::size_t>(m)], &space.exact[at], &space.events[at]});
    }
    widen_taps(lanes, work);
    kernels_.ordered_sums(products_, {kMaxLaneBits, Overflow::saturate, OverflowCheck::per_add}, space.wide.data(),
                          taps_, space.ordered);
}

/// A second, closer look at the channels that might leave their range. It costs a third of adding up in 32-bit lanes,
/// so it pays where many channels pass it; in 16-bit lanes it would not.
void FastLayer::bound_prefixes(const Channels& channels, const Lanes& lanes, const Work& work) const {
    Workspace& space = work.space;
    const AccumulatorFormat& format = layer_.computation->accumulator;
    const auto low = static_cast<std::int32_t>(format.min());
    const auto high = static_cast<std::int32_t>(format.max());
    const std::size_t per_channel = static_cast<std::size_t>(quads_) * 4;
    kernels_.gather_quads(space.taps, flip_, space.quads.data());
    for (int m = lanes.first_channel; m < lanes.end_channel; ++m) {
        std::uint8_t& leaves = space.leaves[static_cast<std::size_t>(m - channels.first) * kTileLanes + lanes.part];
        if (leaves == 0 || !format.fits(start_exact_[static_cast<std::size_t>(m)])) continue;
        const std::size_t weights = static_cast<std::size_t>(m) * per_channel;
        const BoundedChannel channel{quad_positive_.data() + weights, quad_negative_.data() + weights,
                                     start_[static_cast<std::size_t>(m)]};
        leaves = kernels_.prefixes_may_leave(space.quads.data(), quads_, channel, low, high) ? 1 : 0;
    }
}

/// The channels that might leave their range, addition by addition.
void FastLayer::sum_in_order(const Channels& channels, const Lanes& lanes, const Work& work) const {
    Workspace& space = work.space;
    const AccumulatorFormat& format = layer_.computation->accumulator;
    space.ordered.clear();
    for (int m = lanes.first_channel; m < lanes.end_channel; ++m) {
        const std::size_t at = static_cast<std::size_t>(m - channels.first) * kTileLanes + lanes.part;
        if (space.leaves[at] == 0) continue;
        const auto start =
            static_cast<std::int32_t>(bring_into_range(format, start_exact_[static_cast<std::size_t>(m)]));
        space.ordered.push_back(
            {tap_weights_.data() + static_cast<std::size_t>(m) * taps_, start, &space.value[at], &space.events[at]});
    }
    if (space.ordered.empty()) return;
    widen_taps(lanes, work);
    kernels_.ordered_sums(products_, format, space.wide.data(), taps_, space.ordered);
    for (int m = lanes.first_channel; m < lanes.end_channel; ++m) {  // a bias that did not fit is an event of its own
        const std::size_t at = static_cast<std::size_t>(m - channels.first) * kTileLanes + lanes.part;
        if (space.leaves[at] == 0 || format.fits(start_exact_[static_cast<std::size_t>(m)])) continue;
        for (std::int32_t& events : space.events[at].lane) ++events;
    }
}

/// Brings the sums that are wanted together.
void FastLayer::drop_unwanted(const Channels& channels, const Work& work) const {
    Workspace& space = work.space;
    for (int m = 0; m < channels.count; ++m) {
        const std::size_t first = static_cast<std::size_t>(m) * kTileLanes;
        for (auto* sums : {&space.exact, &space.value, &space.events}) {
            std::int32_t* to = (*sums)[first].lane;
            const std::int32_t* from = to;
            for (const SumTile::Run& run : space.tile.wanted()) to = std::copy_n(from + run.first, run.count, to);
        }
    }
}

void FastLayer::count_sums(const Channels& channels, const Work& work) const {
    Workspace& space = work.space;
    const int words = space.tile.words;
    const AccumulatorFormat& format = layer_.computation->accumulator;
    OverflowCounts& overflow = work.record.overflow;
    overflow.outputs += static_cast<std::uint64_t>(channels.count) * static_cast<std::uint64_t>(words);
    if (path_ == Path::exact && !checks_finished()) return;
    for (int m = 0; m < channels.count; ++m) {
        const std::size_t first = static_cast<std::size_t>(m) * kTileLanes;
        const std::uint8_t* leaves = space.leaves.data() + first;
        if (std::all_of(leaves, leaves + kTileLanes, [](auto leaf) { return leaf == 0; })) continue;
        count_overflow(format, &space.exact[first], &space.events[first], words, overflow);
    }
}

/// What follows once the sums of a tile are in the workspace.
void FastLayer::finish(const Channels& channels, const Sources& sources, BlockMap& sums, const Work& work) const {
    Workspace& space = work.space;
    const SumTile& tile = space.tile;
    if (space.histogram != nullptr) {
        for (int m = 0; m < channels.count; ++m) {
            const std::int32_t* exact = space.exact[static_cast<std::size_t>(m) * kTileLanes].lane;
            for (int i = 0; i < tile.words; ++i) space.histogram->add(exact[i]);
        }
    }
    const std::vector<LaneInts>& values = path_ == Path::exact && !checks_finished() ? space.exact : space.value;
    if (layer_.sums_leave()) {
        for (int m = 0; m < channels.count; ++m) {
            const std::int32_t* value = values[static_cast<std::size_t>(m) * kTileLanes].lane;
            for (int i = 0; i < tile.words; ++i)
                store_value(value[i], channels.first + m, tile.first_word + static_cast<std::size_t>(i), sums);
        }
        return;
    }
    for (int m = 0; m < channels.count; m += kWordChannels) {
        const int group = (channels.first + m) / kWordChannels;
        std::uint8_t* words = sums.group(group) + tile.first_word * kWordChannels;
        requantizer_->write_words(&values[static_cast<std::size_t>(m) * kTileLanes], channels.first + m, tile.words,
                                  reinterpret_cast<std::uint32_t*>(words));
        if (sources.adds_at_once)
            addition_->run(words, sources.operand, group, tile.first_word, static_cast<std::size_t>(tile.words), words);
    }
}

/// A sum that leaves: in two's complement, least significant byte first.
void FastLayer::store_value(std::int64_t value, int channel, std::size_t word, BlockMap& sums) const {
    const auto images = static_cast<std::size_t>(sums.images());
    const std::uint8_t flip = sums.is_signed() ? kSignOffset : 0;
    for (int b = 0; b < layer_.value_bytes; ++b) {
        sums[sums.at(channel * layer_.value_bytes + b, word / images, static_cast<int>(word % images))] =
            static_cast<std::uint8_t>(value >> (8 * b)) ^ flip;
    }
}

void FastLayer::store_plain_sum(std::int64_t sum, int channel, std::size_t word, BlockMap& sums) const {
    if (layer_.sums_leave()) return store_value(sum, channel, word, sums);
    const std::int64_t bias = !layer_.computation->bias_preload && !layer_.computation->bias.empty()
                                  ? layer_.computation->bias[static_cast<std::size_t>(channel)]
                                  : 0;
    const RequantFormat& format = layer_.requantization->format;
    const int value = requantize(sum, bias, scale_of(*layer_.requantization, channel), format);
    const auto images = static_cast<std::size_t>(sums.images());
    sums[sums.at(channel, word / images, static_cast<int>(word % images))] = range_of(format).byte(value);
}

void FastLayer::count_gated(const Lanes& lanes, const Work& work) const {
    gather_taps(lanes, work);
    const int first = lanes.part * kLanes;
    std::uint64_t zeros = 0;
    for (const SumTile::Run& run : work.space.tile.wanted()) {
        const int begin = std::max(run.first, first) - first;
        const int end = std::min(run.first + run.count, first + kLanes) - first;
        if (begin >= end) continue;
        for (const LaneBytes& tap : work.space.taps)
            zeros += static_cast<std::uint64_t>(std::count(tap.lane + begin, tap.lane + end, 0));
    }
    work.record.events[Event::mac_gated] += zeros * static_cast<std::uint64_t>(lanes.end_channel - lanes.first_channel);
}

/// The definition itself, one output after the other.
void FastLayer::sum_plainly(const Lanes& lanes, const Work& work, BlockMap& sums) const {
    gather_taps(lanes, work);
    std::size_t word = work.space.tile.first_word;
    for (const SumTile::Run& run : work.space.tile.wanted()) {
        for (int i = run.first; i < run.first + run.count; ++i, ++word) {
            if (i / kLanes != lanes.part) continue;
            for (int m = lanes.first_channel; m < lanes.end_channel; ++m)
                store_plain_sum(plain_sum(m, i % kLanes, work), m, word, sums);
        }
    }
}

/// The register's value of one output, whose taps are in `lane`; counts what happened on the way.
std::int64_t FastLayer::plain_sum(int channel, int lane, const Work& work) const {
    LayerRecord& record = work.record;
    const AccumulatorFormat& format = layer_.computation->accumulator;
    const bool every_add = statistics_ == PsumStatistics::every_add;
    const std::int32_t* weights = tap_weights_.data() + static_cast<std::size_t>(channel) * taps_;
    Accumulator accumulator(format);
    accumulator.start(start_exact_[static_cast<std::size_t>(channel)]);
    for (int t = 0; t < taps_; ++t) {
        const std::uint8_t byte = work.space.taps[static_cast<std::size_t>(t)].lane[lane];
        accumulator.add(weight_of(weights[t]) * (flip_ ? static_cast<std::int8_t>(byte) : byte));
        if (every_add) record.psums.add(accumulator.exact());
    }
    accumulator.finish();
    if (!every_add) record.psums.add(accumulator.exact());
    if (work.space.histogram != nullptr) work.space.histogram->add(accumulator.exact());
    ++record.overflow.outputs;
    record.overflow.events += accumulator.overflow_events();
    if (accumulator.overflow_events() > 0)
        ++(format.fits(accumulator.exact()) ? record.overflow.transient : record.overflow.persistent);
    return accumulator.value();
}

}  // namespace widthwise::fast

// SPDX-License-Identifier: Apache-2.0
#include "engine/fast/fast_layer.h"

#include <algorithm>
#include <cstring>

namespace widthwise::fast {

namespace {

void add_to_histogram(int lanes, const Workspace& workspace) {
    for (const LaneInts& channel : workspace.exact) {
        for (int lane = 0; lane < lanes; ++lane) workspace.histogram->add(channel.lane[lane]);
    }
}

/// Bits of a sum that the 32-bit lanes hold with room for one more product.
constexpr int kMaxLaneBits = 31;
/// Widest accumulator that the ordered kernel keeps in 16-bit lanes.
constexpr int kMaxShortBits = 16;

}  // namespace

std::int64_t block_bytes(const LayerSchedule& layer) {
    return layer.output_bytes() * static_cast<std::int64_t>(sizeof(LaneBytes));
}

std::int64_t workspace_bytes(const LayerSchedule& layer) {
    constexpr auto kPerTap = static_cast<std::int64_t>(sizeof(void*) + sizeof(LaneQuads) / 4 + sizeof(LaneShorts));
    constexpr auto kPerChannel = static_cast<std::int64_t>(4 * sizeof(LaneInts) + sizeof(OrderedChannel) + 1);
    const bool adds_before_pooling = layer.addition.has_value() && layer.pooling.has_value();
    const std::int64_t maps = (layer.computation || layer.requantization ? 1 : 0) + (adds_before_pooling ? 1 : 0);
    return layer.tap_count * kPerTap + layer.sums.channels * kPerChannel +
           maps * layer.sums.elements() * layer.value_bytes * static_cast<std::int64_t>(sizeof(LaneBytes));
}

std::int64_t weight_bytes(const LayerSchedule& layer) {
    if (!layer.computation) return 0;
    // In groups of four, whole and split by sign, and one by one in 32 bits.
    const std::int64_t quads = (layer.tap_count + 3) / 4;
    return layer.sums.channels * (quads * 4 * 3 + std::int64_t{layer.tap_count} * 4);
}

FastLayer::FastLayer(const LayerSchedule& layer, const HardwareParams& hardware, Dispatch dispatch)
    : layer_(layer),
      dispatch_(dispatch),
      statistics_(hardware.accumulator.statistics),
      zero_gating_(hardware.array.zero_gating) {
    taps_ = static_cast<int>(layer.taps.size());
    quads_ = (taps_ + 3) / 4;
    prepare_stages();
    if (!layer.computation) return;
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
    StoredRange range{layer_.input_quantization.is_signed, layer_.input_quantization.low(),
                      layer_.input_quantization.high()};
    if (layer_.requantization) {
        if (!layer_.computation) requantization_.emplace(layer_);
        range = range_of(layer_.requantization->format);
    }
    if (layer_.addition) {
        addition_.emplace(layer_, range, dispatch_);
        range = range_of(layer_.addition->format.output);
    }
    if (layer_.pooling) pooling_.emplace(layer_, range);
}

void FastLayer::prepare_weights() {
    const LayerSchedule& l = layer_;
    for (const Tap& tap : l.taps) {
        offsets_.push_back(l.fully_connected
                               ? tap.weight
                               : (std::ptrdiff_t{tap.channel} * l.input.height + tap.row) * l.input.width + tap.column);
    }
    group_offset_ = std::ptrdiff_t{l.line_channels} * l.input.height * l.input.width;
    std::fill(padding_.lane, padding_.lane + kLanes, static_cast<std::uint8_t>(l.input_quantization.zero_point));
    const auto channels = static_cast<std::size_t>(l.sums.channels);
    const auto per_channel = static_cast<std::size_t>(quads_) * 4;
    quad_weights_.assign(channels * per_channel, 0);
    quad_positive_ = quad_negative_ = quad_weights_;
    tap_weights_.resize(channels * l.taps.size());
    for (std::size_t m = 0; m < channels; ++m) {
        std::int32_t sum = 0;
        for (std::size_t t = 0; t < l.taps.size(); ++t) {
            const std::int16_t weight = l.computation->weights[m * l.taps.size() + t];
            if (products_ == Products::short_ones) {
                const auto byte = static_cast<std::int8_t>(weight);
                quad_weights_[m * per_channel + t] = byte;
                (weight > 0 ? quad_positive_ : quad_negative_)[m * per_channel + t] = byte;
            }
            tap_weights_[m * l.taps.size() + t] = pair_of(weight);
            sum += weight;
        }
        const std::int64_t start =
            l.computation->bias_preload && !l.computation->bias.empty() ? l.computation->bias[m] : 0;
        start_exact_.push_back(start);
        start_.push_back(static_cast<std::int32_t>(start));  // used only where sums fit 31 bits
        dot_constant_.push_back(static_cast<std::int32_t>(start) - (flip_ ? 128 * sum : 0));
    }
    if (l.sums_leave()) return;
    requantizer_.emplace(l.requantization->format, l.requantization->scales,
                         l.computation->bias_preload ? std::span<const std::int64_t>{} : l.computation->bias,
                         l.computation->worst_case_bits, dispatch_);
}

void FastLayer::run(const BlockMap& input, const BlockMap* residual, BlockMap& output, int lanes, Workspace& workspace,
                    LayerRecord& record, const LaneProbe& probe) const {
    if (layer_.computation) compute_sums(input, lanes, workspace, record, probe);
    else if (requantization_) requantization_->run(input, workspace.sums, lanes, probe);
    const bool made = layer_.computation || requantization_;
    const BlockMap* values = made ? &workspace.sums : &input;
    if (addition_) {
        addition_->run(*values, residual, pooling_ ? workspace.added : output, lanes, probe);
        values = &workspace.added;
    }
    if (pooling_) pooling_->run(*values, output, lanes, probe);
    else if (!addition_) output.swap(workspace.sums);
}

void FastLayer::compute_sums(const BlockMap& map, int lanes, Workspace& workspace, LayerRecord& record,
                             const LaneProbe& probe) const {
    const LayerSchedule& l = layer_;
    const auto channels = static_cast<std::size_t>(l.sums.channels);
    workspace.sums.resize(static_cast<std::size_t>(l.sums.elements() * l.value_bytes));
    workspace.taps.resize(static_cast<std::size_t>(taps_));
    workspace.quads.resize(static_cast<std::size_t>(quads_));
    workspace.wide.resize(static_cast<std::size_t>(taps_));
    for (auto* lane_ints : {&workspace.exact, &workspace.negative, &workspace.value, &workspace.events}) {
        lane_ints->resize(channels);
    }
    workspace.leaves.assign(channels, 0);
    PsumLanes psums(layer_.computation->worst_case_bits);
    const int per_group = l.sums.channels / l.groups;
    for (int y = 0; y < l.sums.height; ++y) {
        for (int x = 0; x < l.sums.width; ++x) {
            const std::ptrdiff_t pixel = std::ptrdiff_t{y} * l.sums.width + x;
            for (int g = 0; g < l.groups; ++g) {
                const Channels group{g * per_group, per_group};
                gather(map, y, x, g, workspace);
                if (zero_gating_) count_gated(group, lanes, workspace, record);
                if (path_ == Path::plain) {
                    sum_plainly(group, static_cast<int>(pixel), lanes, workspace, record, probe);
                } else {
                    sum_pixel(group, lanes, workspace, record);
                }
            }
            if (path_ != Path::plain) {
                finish_pixel(static_cast<int>(pixel), lanes, workspace, record, psums, probe);
            }
        }
    }
    psums.flush(lanes, record.psums);
}

/// What follows once every channel's sum of a pixel is in the workspace.
void FastLayer::finish_pixel(int pixel, int lanes, Workspace& workspace, LayerRecord& record, PsumLanes& psums,
                             const LaneProbe& probe) const {
    const LayerSchedule& l = layer_;
    if (workspace.keeps_psums) {
        if (psums.full(l.sums.channels)) psums.flush(lanes, record.psums);
        psums.add(workspace.exact.data(), l.sums.channels);
    }
    if (workspace.histogram != nullptr) add_to_histogram(lanes, workspace);
    if (l.sums_leave()) {
        store_sums(pixel, lanes, workspace, probe);
        return;
    }
    const std::ptrdiff_t pixels = std::ptrdiff_t{l.sums.height} * l.sums.width;
    requantizer_->run(workspace.value.data(), workspace.sums.data() + pixel, pixels);
    if (probe) report_pixel(pixel, lanes, workspace, probe);
}

/// A sum that leaves: value number `at` of the map, in two's complement, least significant byte first.
void FastLayer::store_value(std::int64_t value, std::size_t at, int lane, Workspace& workspace) const {
    const auto bytes = static_cast<std::size_t>(layer_.value_bytes);
    for (std::size_t b = 0; b < bytes; ++b) {
        workspace.sums[at * bytes + b].lane[lane] = static_cast<std::uint8_t>(value >> (8 * b));
    }
}

void FastLayer::store_sums(int pixel, int lanes, Workspace& workspace, const LaneProbe& probe) const {
    const std::size_t pixels =
        static_cast<std::size_t>(layer_.sums.height) * static_cast<std::size_t>(layer_.sums.width);
    for (int m = 0; m < layer_.sums.channels; ++m) {
        const LaneInts& sums = workspace.value[static_cast<std::size_t>(m)];
        const std::size_t at = static_cast<std::size_t>(m) * pixels + static_cast<std::size_t>(pixel);
        for (int lane = 0; lane < kLanes; ++lane) {
            store_value(sums.lane[lane], at, lane, workspace);
            if (probe && lane < lanes) probe(layer_.computation->operator_index, lane, m, pixel, sums.lane[lane]);
        }
    }
}

void FastLayer::report_pixel(int pixel, int lanes, const Workspace& workspace, const LaneProbe& probe) const {
    const StoredRange range = range_of(layer_.requantization->format);
    const std::size_t pixels =
        static_cast<std::size_t>(layer_.sums.height) * static_cast<std::size_t>(layer_.sums.width);
    for (int m = 0; m < layer_.sums.channels; ++m) {
        const LaneBytes& out = workspace.sums[static_cast<std::size_t>(m) * pixels + static_cast<std::size_t>(pixel)];
        for (int lane = 0; lane < lanes; ++lane) {
            probe(layer_.computation->operator_index, lane, m, pixel, range.value(out.lane[lane]));
        }
    }
}

/// Padding is not part of the map: it may be much larger than that, and only the pixels at the border see it.
void FastLayer::gather(const BlockMap& map, int y, int x, int group, Workspace& workspace) const {
    const LayerSchedule& l = layer_;
    const int top = l.fully_connected ? 0 : y * l.stride_height - l.pad_top;
    const int left = l.fully_connected ? 0 : x * l.stride_width - l.pad_left;
    const std::ptrdiff_t corner = group * group_offset_ + std::ptrdiff_t{top} * l.input.width + left;
    const bool inside =
        top >= 0 && left >= 0 && top + l.kernel_height <= l.input.height && left + l.kernel_width <= l.input.width;
    if (inside || l.fully_connected) {
        for (std::size_t t = 0; t < workspace.taps.size(); ++t) workspace.taps[t] = map.data() + (corner + offsets_[t]);
        return;
    }
    for (std::size_t t = 0; t < workspace.taps.size(); ++t) {
        const int row = top + l.taps[t].row;
        const int column = left + l.taps[t].column;
        const bool is_pixel = row >= 0 && row < l.input.height && column >= 0 && column < l.input.width;
        workspace.taps[t] = is_pixel ? map.data() + (corner + offsets_[t]) : &padding_;
    }
}

void FastLayer::count_gated(const Channels& channels, int lanes, const Workspace& workspace,
                            LayerRecord& record) const {
    std::uint64_t zeros = 0;
    for (const LaneBytes* tap : workspace.taps)
        zeros += static_cast<std::uint64_t>(std::count(tap->lane, tap->lane + lanes, 0));
    record.events[Event::mac_gated] += zeros * static_cast<std::uint64_t>(channels.count);
}

/// Leaves every channel's exact sum and register value in the workspace and counts overflow.
void FastLayer::sum_pixel(const Channels& channels, int lanes, Workspace& workspace, LayerRecord& record) const {
    const AccumulatorFormat& format = layer_.computation->accumulator;
    const auto first = static_cast<std::size_t>(channels.first);
    const auto count = static_cast<std::size_t>(channels.count);
    const std::size_t weights = first * static_cast<std::size_t>(quads_) * 4;
    LaneInts* exact = workspace.exact.data() + first;
    LaneInts* value = workspace.value.data() + first;
    LaneInts* events = workspace.events.data() + first;
    std::uint8_t* leaves = workspace.leaves.data() + first;
    if (products_ == Products::short_ones) {
        gather_quads(dispatch_, workspace.taps, flip_, workspace.quads.data());
    }
    if (products_ == Products::long_ones) {
        sum_long_products(channels, workspace);
        std::fill(leaves, leaves + count, path_ == Path::ordered ? 1 : 0);
    } else if (path_ == Path::bounded) {
        LaneInts* negative = workspace.negative.data() + first;
        dot_quads(dispatch_, workspace.quads.data(), quads_, quad_positive_.data() + weights, channels.count, exact);
        dot_quads(dispatch_, workspace.quads.data(), quads_, quad_negative_.data() + weights, channels.count, negative);
        bound_channels(exact, negative, std::span(start_).subspan(first, count),
                       static_cast<std::int32_t>(format.min()), static_cast<std::int32_t>(format.max()), leaves);
        if (format.bits > kMaxShortBits) bound_prefixes(channels, workspace);
    } else {
        dot_quads(dispatch_, workspace.quads.data(), quads_, quad_weights_.data() + weights, channels.count, exact);
        add_constants(exact, std::span(dot_constant_).subspan(first, count));
        if (path_ == Path::ordered) std::fill(leaves, leaves + count, 1);
    }
    record.overflow.outputs += static_cast<std::uint64_t>(channels.count) * static_cast<std::uint64_t>(lanes);

    const bool check_finished = format.check == OverflowCheck::per_output && layer_.computation->overflow_possible;
    if (check_finished) {
        check_channels(format, exact, value, events, channels.count);
    } else {
        std::memcpy(value, exact, sizeof(LaneInts) * count);
        sum_in_order(channels, workspace);
    }
    for (std::size_t m = 0; m < count; ++m) {
        if (!check_finished && leaves[m] == 0) continue;
        count_overflow(format, exact[m], events[m], lanes, record.overflow);
    }
}

/// Exact sums of weights that the dot product cannot take, as an accumulator that is wide enough adds them up.
void FastLayer::sum_long_products(const Channels& channels, Workspace& workspace) const {
    workspace.ordered.clear();
    const auto end = static_cast<std::size_t>(channels.first + channels.count);
    for (auto m = static_cast<std::size_t>(channels.first); m < end; ++m) {
        workspace.ordered.push_back({tap_weights_.data() + m * static_cast<std::size_t>(taps_), start_[m],
                                     &workspace.exact[m], &workspace.events[m]});
    }
    widen(dispatch_, workspace.taps, flip_, workspace.wide.data());
    ordered_sums(dispatch_, products_, {kMaxLaneBits, Overflow::saturate, OverflowCheck::per_add},
                 workspace.wide.data(), taps_, workspace.ordered);
}

/// A second, closer look at the channels that might leave their range. It costs a third of adding up in 32-bit lanes,
/// so it pays where many channels pass it; in 16-bit lanes it would not.
void FastLayer::bound_prefixes(const Channels& channels, Workspace& workspace) const {
    const auto low = static_cast<std::int32_t>(layer_.computation->accumulator.min());
    const auto high = static_cast<std::int32_t>(layer_.computation->accumulator.max());
    const std::size_t per_channel = static_cast<std::size_t>(quads_) * 4;
    const auto end = static_cast<std::size_t>(channels.first + channels.count);
    for (auto m = static_cast<std::size_t>(channels.first); m < end; ++m) {
        if (workspace.leaves[m] == 0 || !layer_.computation->accumulator.fits(start_exact_[m])) continue;
        const BoundedChannel channel{quad_positive_.data() + m * per_channel, quad_negative_.data() + m * per_channel,
                                     start_[m]};
        workspace.leaves[m] = prefixes_may_leave(dispatch_, workspace.quads.data(), quads_, channel, low, high) ? 1 : 0;
    }
}

/// The channels that might leave their range, addition by addition.
void FastLayer::sum_in_order(const Channels& channels, Workspace& workspace) const {
    workspace.ordered.clear();
    const auto first = static_cast<std::size_t>(channels.first);
    const auto end = static_cast<std::size_t>(channels.first + channels.count);
    for (std::size_t m = first; m < end; ++m) {
        if (workspace.leaves[m] == 0) continue;
        const auto start =
            static_cast<std::int32_t>(bring_into_range(layer_.computation->accumulator, start_exact_[m]));
        workspace.ordered.push_back({tap_weights_.data() + m * static_cast<std::size_t>(taps_), start,
                                     &workspace.value[m], &workspace.events[m]});
    }
    if (workspace.ordered.empty()) return;
    widen(dispatch_, workspace.taps, flip_, workspace.wide.data());
    ordered_sums(dispatch_, products_, layer_.computation->accumulator, workspace.wide.data(), taps_,
                 workspace.ordered);
    const std::int32_t one = 1;
    for (std::size_t m = first; m < end; ++m) {  // a bias that did not fit is an event of its own
        if (workspace.leaves[m] != 0 && !layer_.computation->accumulator.fits(start_exact_[m])) {
            add_constants(&workspace.events[m], {&one, 1});
        }
    }
}

/// Value number `at` of the map, quantized or as it is. Returns it.
std::int64_t FastLayer::store_plain_sum(std::int64_t sum, std::size_t channel, std::size_t at, int lane,
                                        Workspace& workspace) const {
    if (layer_.sums_leave()) {
        store_value(sum, at, lane, workspace);
        return sum;
    }
    const std::int64_t bias =
        !layer_.computation->bias_preload && !layer_.computation->bias.empty() ? layer_.computation->bias[channel] : 0;
    const int value = requantize(sum, bias, layer_.requantization->scales[channel], layer_.requantization->format);
    workspace.sums[at].lane[lane] = static_cast<std::uint8_t>(value);
    return value;
}

/// The definition itself, one output after the other.
void FastLayer::sum_plainly(const Channels& channels, int pixel, int lanes, Workspace& workspace, LayerRecord& record,
                            const LaneProbe& probe) const {
    const std::size_t pixels =
        static_cast<std::size_t>(layer_.sums.height) * static_cast<std::size_t>(layer_.sums.width);
    const bool every_add = statistics_ == PsumStatistics::every_add;
    for (int m = channels.first; m < channels.first + channels.count; ++m) {
        const auto i = static_cast<std::size_t>(m);
        const std::int32_t* weights = tap_weights_.data() + i * static_cast<std::size_t>(taps_);
        for (int lane = 0; lane < lanes; ++lane) {
            Accumulator accumulator(layer_.computation->accumulator);
            accumulator.start(start_exact_[i]);
            for (std::size_t t = 0; t < workspace.taps.size(); ++t) {
                const std::uint8_t byte = workspace.taps[t]->lane[lane];
                accumulator.add(weight_of(weights[t]) * (flip_ ? static_cast<std::int8_t>(byte) : byte));
                if (every_add) record.psums.add(accumulator.exact());
            }
            accumulator.finish();
            if (!every_add) record.psums.add(accumulator.exact());
            if (workspace.histogram != nullptr) workspace.histogram->add(accumulator.exact());
            ++record.overflow.outputs;
            record.overflow.events += accumulator.overflow_events();
            if (accumulator.overflow_events() > 0) {
                ++(layer_.computation->accumulator.fits(accumulator.exact()) ? record.overflow.transient
                                                                             : record.overflow.persistent);
            }
            const std::size_t at = i * pixels + static_cast<std::size_t>(pixel);
            const std::int64_t value = store_plain_sum(accumulator.value(), i, at, lane, workspace);
            if (probe) probe(layer_.computation->operator_index, lane, m, pixel, value);
        }
    }
}

}  // namespace widthwise::fast

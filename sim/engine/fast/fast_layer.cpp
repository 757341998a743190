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

/// Whether a byte of this output is a two's complement number; where none is negative both readings agree.
bool output_is_signed(const RequantFormat& format) { return format.clamp_low < 0; }

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
    if (!layer.computation && layer.requantization) {
        for (int byte = 0; byte < 256; ++byte) {
            const int value = layer.input_quantization.is_signed ? static_cast<std::int8_t>(byte) : byte;
            requantized_[byte] = static_cast<std::uint8_t>(requantized(*layer.requantization, 0, value));
        }
    }
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
    const bool adds = layer_.addition.has_value();
    const bool pools = layer_.pooling.has_value();
    if (layer_.computation.has_value()) compute_sums(input, lanes, workspace, record, probe);
    else if (layer_.requantization) requantize_stored(input, workspace.sums, lanes, probe);
    const BlockMap* values = layer_.computation || layer_.requantization ? &workspace.sums : &input;
    if (adds) {
        add(*values, *residual, pools ? workspace.added : output, lanes, probe);
        values = &workspace.added;
    }
    if (pools) pool(*values, output, lanes, probe);
    else if (!adds) output.swap(workspace.sums);
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
    const std::size_t pixels =
        static_cast<std::size_t>(layer_.sums.height) * static_cast<std::size_t>(layer_.sums.width);
    for (int m = 0; m < layer_.sums.channels; ++m) {
        const LaneBytes& out = workspace.sums[static_cast<std::size_t>(m) * pixels + static_cast<std::size_t>(pixel)];
        for (int lane = 0; lane < lanes; ++lane) {
            const std::uint8_t byte = out.lane[lane];
            probe(layer_.computation->operator_index, lane, m, pixel,
                  output_is_signed(layer_.requantization->format) ? static_cast<std::int8_t>(byte) : byte);
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

FastLayer::PooledPixels FastLayer::pooled_pixels(int y, int x) const {
    const Window& w = layer_.pooling->window;
    const int top = y * w.stride_height - w.pad_top;
    const int left = x * w.stride_width - w.pad_left;
    return {std::max(0, top), std::min(layer_.sums.height, top + w.kernel_height), std::max(0, left),
            std::min(layer_.sums.width, left + w.kernel_width)};
}

template <typename Visitor>
void FastLayer::for_each_pixel(const BlockMap& map, int channel, const PooledPixels& pixels, Visitor&& visit) const {
    for (int y = pixels.first_y; y < pixels.end_y; ++y) {
        const std::ptrdiff_t row = (std::ptrdiff_t{channel} * layer_.sums.height + y) * layer_.sums.width;
        for (int x = pixels.first_x; x < pixels.end_x; ++x) visit(map[static_cast<std::size_t>(row + x)]);
    }
}

void FastLayer::pool_by_definition(const BlockMap& map, int channel, const PooledPixels& pixels, bool is_signed,
                                   int lanes, LaneBytes& output) const {
    for (int lane = 0; lane < lanes; ++lane) {
        PoolPartial partial;
        for_each_pixel(map, channel, pixels, [&](const LaneBytes& pixel) {
            const std::uint8_t byte = pixel.lane[lane];
            pool_add(partial, is_signed ? static_cast<std::int8_t>(byte) : byte, layer_.pooling->input_zero_point,
                     layer_.pooling->input_scale);
        });
        output.lane[lane] = static_cast<std::uint8_t>(pooled(*layer_.pooling, partial));
    }
}

namespace {

/// Of the values that a stage behind the computation reads: with an addition before it the sum's, or else what was
/// requantized, or the pixels that pass.
struct StoredRange {
    bool is_signed = false;
    int low = 0;
    int high = 0;
};

StoredRange range_of(const RequantFormat& format) {
    return {output_is_signed(format), format.clamp_low, format.clamp_high};
}

StoredRange range_before_addition(const LayerSchedule& layer) {
    if (layer.requantization) return range_of(layer.requantization->format);
    const Quantization& pixels = layer.input_quantization;
    return {pixels.is_signed, pixels.low(), pixels.high()};
}

}  // namespace

void FastLayer::pool(const BlockMap& map, BlockMap& output, int lanes, const LaneProbe& probe) const {
    const LayerSchedule& l = layer_;
    output.resize(static_cast<std::size_t>(l.output.elements()));
    const Pooling& stage = *l.pooling;
    const StoredRange range = l.addition ? range_of(l.addition->format.output) : range_before_addition(l);
    const bool is_signed = range.is_signed;
    // Values whose maximum the pool's own clamp does not change.
    const bool plain_maximum =
        stage.is_max && stage.format.clamp_low <= range.low && stage.format.clamp_high >= range.high;
    std::size_t at = 0;
    for (int c = 0; c < l.output.channels; ++c) {
        for (int oy = 0; oy < l.output.height; ++oy) {
            for (int ox = 0; ox < l.output.width; ++ox, ++at) {
                const PooledPixels pixels = pooled_pixels(oy, ox);
                LaneBytes& result = output[at];
                if (plain_maximum) {
                    const std::ptrdiff_t row = (std::ptrdiff_t{c} * l.sums.height + pixels.first_y) * l.sums.width;
                    result = map[static_cast<std::size_t>(row + pixels.first_x)];
                    for_each_pixel(map, c, pixels, [&](const LaneBytes& p) { max_lanes(result, p, is_signed); });
                } else {
                    pool_by_definition(map, c, pixels, is_signed, lanes, result);
                }
                for (int lane = 0; probe && lane < lanes; ++lane) {
                    const std::uint8_t byte = result.lane[lane];
                    probe(stage.operator_index, lane, c, oy * l.output.width + ox,
                          output_is_signed(stage.format) ? static_cast<std::int8_t>(byte) : byte);
                }
            }
        }
    }
}

void FastLayer::requantize_stored(const BlockMap& input, BlockMap& output, int lanes, const LaneProbe& probe) const {
    const Requantization& stage = *layer_.requantization;
    const bool is_signed = output_is_signed(stage.format);
    const int pixels = layer_.sums.height * layer_.sums.width;
    output.resize(static_cast<std::size_t>(layer_.sums.elements()));
    for (int at = 0; at < static_cast<int>(output.size()); ++at) {
        const auto i = static_cast<std::size_t>(at);
        for (int lane = 0; lane < kLanes; ++lane) output[i].lane[lane] = requantized_[input[i].lane[lane]];
        for (int lane = 0; probe && lane < lanes; ++lane) {
            const std::uint8_t byte = output[i].lane[lane];
            probe(stage.operator_index, lane, at / pixels, at % pixels,
                  is_signed ? static_cast<std::int8_t>(byte) : byte);
        }
    }
}

/// The definition, one value after the other: there is one addition where a convolution has hundreds of products.
void FastLayer::add(const BlockMap& values, const BlockMap& residual, BlockMap& output, int lanes,
                    const LaneProbe& probe) const {
    const LayerSchedule& l = layer_;
    output.resize(static_cast<std::size_t>(l.sums.elements()));
    const Addition& stage = *l.addition;
    const bool is_signed = range_before_addition(l).is_signed;
    const auto real = [](std::uint8_t byte, bool sign) { return sign ? static_cast<std::int8_t>(byte) : int{byte}; };
    const int pixels = l.sums.height * l.sums.width;
    for (int at = 0; at < static_cast<int>(output.size()); ++at) {
        const auto i = static_cast<std::size_t>(at);
        for (int lane = 0; lane < lanes; ++lane) {
            const int value = real(values[i].lane[lane], is_signed);
            const int operand = real(residual[i].lane[lane], stage.operand_is_signed);
            const int sum = added(stage, value, operand);
            output[i].lane[lane] = static_cast<std::uint8_t>(sum);
            if (probe) probe(stage.operator_index, lane, at / pixels, at % pixels, sum);
        }
    }
}

}  // namespace widthwise::fast

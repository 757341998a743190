// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "common/error.h"
#include "schedule/pooling_windows.h"
#include "schedule/schedule.h"

namespace widthwise {

namespace {

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

int ceil_div(std::int64_t a, std::int64_t b) { return static_cast<int>((a + b - 1) / b); }

/// Rescale factors are formed in float32 for the float32 mode, as ONNX Runtime forms them, and in double otherwise.
double rescale_factor(float input_scale, float weight_scale, float output_scale, RequantMode mode) {
    if (mode == RequantMode::float32) {
        const float product = input_scale * weight_scale;
        return product / output_scale;
    }
    return static_cast<double>(input_scale) * weight_scale / output_scale;
}

class Compiler {
public:
    Compiler(const Network& network, const HardwareParams& hardware, int images)
        : network_(network), hardware_(hardware) {
        schedule_.hardware = hardware;
        schedule_.network = &network;
        schedule_.images = images;
    }

    Schedule run() {
        check_layer_widths();
        const auto& operators = network_.operators;
        for (std::size_t i = 0; i < operators.size(); ++i) {
            const bool computes = operators[i].has_weights();
            const bool pool_follows = computes && i + 1 < operators.size() && !operators[i + 1].has_weights();
            add_layer(computes ? static_cast<int>(i) : -1, !computes      ? static_cast<int>(i)
                                                           : pool_follows ? static_cast<int>(i + 1)
                                                                          : -1);
            if (pool_follows) ++i;
        }
        place_feature_maps();
        place_weights();
        return std::move(schedule_);
    }

private:
    [[noreturn]] static void refuse(const LayerSchedule& layer, const std::string& what) {
        throw InputError(fmt::format("layer '{}': {}", layer.name, what));
    }

    const Tensor& tensor(int index) const { return network_.tensors[index]; }

    void check_layer_widths() const {
        for (const auto& [name, bits] : hardware_.accumulator.layer_bits) {
            std::string known;
            bool found = false;
            for (const Operator& op : network_.operators) {
                if (!op.has_weights()) continue;
                found = found || lower(op.name) == name;
                known += (known.empty() ? "" : ", ") + op.name;
            }
            if (!found) {
                throw InputError(
                    fmt::format("accumulator width given for layer '{}', which the network does not have "
                                "(layers with accumulators: {})",
                                name, known));
            }
        }
    }

    void add_layer(int operator_index, int pool_index) {
        LayerSchedule layer;
        layer.index = static_cast<int>(schedule_.layers.size());
        layer.operator_index = operator_index;
        layer.pool_index = pool_index;
        layer.images = schedule_.images;
        const Operator& op = network_.operators[operator_index >= 0 ? operator_index : pool_index];
        layer.name = op.name;
        layer.input = tensor(op.input).shape;
        layer.input_quantization = tensor(op.input).quantization;
        if (operator_index >= 0) {
            layer.sums = tensor(op.output).shape;
            layer.output = layer.sums;
            describe_map(layer, op);
            describe_taps(layer, op);
            describe_arithmetic(layer, op);
        } else {
            describe_bypass(layer);
        }
        if (pool_index >= 0) describe_pool(layer, network_.operators[pool_index]);
        describe_tiles(layer);
        describe_windows(layer);
        size_line_buffer(layer);
        describe_attributes(layer);
        schedule_.layers.push_back(std::move(layer));
    }

    void describe_map(LayerSchedule& layer, const Operator& op) const {
        layer.fill_word_bytes = hardware_.line_buffer.fill_bytes_per_cycle;
        layer.fully_connected = op.kind == OperatorKind::fully_connected;
        layer.image_columns = layer.fully_connected || (layer.sums.height == 1 && layer.sums.width == 1);
        if (layer.fully_connected) {
            layer.line_channels = 1;
            layer.line_bytes = layer.fill_word_bytes;
            layer.map_height = ceil_div(layer.input.elements(), layer.line_bytes);
            layer.kernel_height = layer.map_height;
            layer.kernel_width = layer.line_bytes;
        } else {
            layer.line_channels = layer.input.channels;
            layer.line_bytes = layer.input.width;
            layer.map_height = layer.input.height;
            layer.kernel_height = op.window.kernel_height;
            layer.kernel_width = op.window.kernel_width;
            layer.stride_height = op.window.stride_height;
            layer.stride_width = op.window.stride_width;
            layer.pad_top = op.window.pad_top;
            layer.pad_left = op.window.pad_left;
        }
        layer.words_per_line = ceil_div(layer.line_bytes, layer.fill_word_bytes);
    }

    void describe_taps(LayerSchedule& layer, const Operator& op) const {
        const auto per_channel = static_cast<std::size_t>(op.weights.per_channel());
        layer.taps.reserve(per_channel);
        if (layer.fully_connected) {
            for (int i = 0; i < static_cast<int>(per_channel); ++i) {
                layer.taps.push_back({0, i / layer.line_bytes, i % layer.line_bytes, i});
            }
        } else {
            add_convolution_taps(layer, op.weights);
        }
        layer.weights.resize(per_channel * op.weights.output_channels);
        for (int m = 0; m < op.weights.output_channels; ++m) {
            for (std::size_t t = 0; t < per_channel; ++t) {
                layer.weights[m * per_channel + t] = op.weights.values[m * per_channel + layer.taps[t].weight];
            }
        }
    }

    void add_convolution_taps(LayerSchedule& layer, const Weights& w) const {
        const TapOrder& order = hardware_.accumulator.order;
        const auto extent = [&](TapLoop loop) {
            return loop == TapLoop::channel ? w.input_channels
                   : loop == TapLoop::row   ? w.kernel_height
                                            : w.kernel_width;
        };
        for (int a = 0; a < extent(order[0]); ++a) {
            for (int b = 0; b < extent(order[1]); ++b) {
                for (int c = 0; c < extent(order[2]); ++c) {
                    Tap tap;
                    const std::array<int, 3> at = {a, b, c};
                    for (int i = 0; i < 3; ++i) {
                        (order[i] == TapLoop::channel ? tap.channel
                         : order[i] == TapLoop::row   ? tap.row
                                                      : tap.column) = at[i];
                    }
                    tap.weight = (tap.channel * w.kernel_height + tap.row) * w.kernel_width + tap.column;
                    layer.taps.push_back(tap);
                }
            }
        }
    }

    void describe_arithmetic(LayerSchedule& layer, const Operator& op) const {
        const AccumulatorParams& params = hardware_.accumulator;
        layer.accumulator = params.format;
        if (const auto it = params.layer_bits.find(lower(op.name)); it != params.layer_bits.end()) {
            layer.accumulator.bits = it->second;
        }
        const Quantization& input = tensor(op.input).quantization;
        const Quantization& output = tensor(op.output).quantization;
        layer.bias = folded_bias(op, input);
        layer.has_bias = std::any_of(layer.bias.begin(), layer.bias.end(), [](std::int64_t b) { return b != 0; });
        layer.bias_preload = params.bias == BiasMode::preload;
        layer.worst_case_bits = worst_case_accumulator_bits(network_, op).l1;
        layer.overflow_possible = layer.worst_case_bits > layer.accumulator.bits;
        layer.requant = {hardware_.requant.mode,
                         hardware_.requant.rounding,
                         hardware_.requant.multiplier_bits,
                         output.zero_point,
                         op.clamp_low,
                         op.clamp_high};
        for (int m = 0; m < op.weights.output_channels; ++m) {
            try {
                layer.requant_scales.push_back(derive_requant_scale(
                    rescale_factor(input.scale, op.weights.scale(m), output.scale, layer.requant.mode), layer.requant));
            } catch (const InputError& error) {
                refuse(layer, error.what());
            }
        }
    }

    void describe_bypass(LayerSchedule& layer) const {
        layer.bypass = true;
        layer.sums = layer.input;
        layer.output = layer.input;
        layer.fill_word_bytes = hardware_.line_buffer.fill_bytes_per_cycle;
        layer.line_channels = 1;  // a pass is one channel
        layer.line_bytes = layer.input.width;
        layer.map_height = layer.input.height;
        layer.words_per_line = ceil_div(layer.line_bytes, layer.fill_word_bytes);
        layer.taps = {Tap{}};
        layer.overflow_possible = false;
        layer.accumulator = {kMaxAccumulatorBits, Overflow::saturate, OverflowCheck::per_add};
        layer.requant.clamp_low = layer.input_quantization.low();
        layer.requant.clamp_high = layer.input_quantization.high();
    }

    void describe_pool(LayerSchedule& layer, const Operator& pool) const {
        layer.output = tensor(pool.output).shape;
        layer.pool_window = pool.window;
        layer.pool_is_max = pool.kind == OperatorKind::max_pool;
        layer.pool_counts_padding = pool.average_counts_padding;
        const Quantization& input = tensor(pool.input).quantization;
        const Quantization& output = tensor(pool.output).quantization;
        layer.pool_input_zero_point = input.zero_point;
        layer.pool_input_scale = input.scale;
        layer.pool_output_scale = output.scale;
        layer.pool_requant = {hardware_.requant.mode, hardware_.pool.rounding, hardware_.requant.multiplier_bits,
                              output.zero_point,      pool.clamp_low,          pool.clamp_high};
        check_pool_port(layer);
        if (layer.pool_is_max) return;
        // Dividing by the number of pixels is part of the rescale factor.
        layer.pool_scales.resize(pool.window.kernel_height * pool.window.kernel_width + 1);
        for (const int n : pool_divisors(pool, tensor(pool.input).shape, layer.output)) {
            const double factor = static_cast<double>(input.scale) / (static_cast<double>(output.scale) * n);
            try {
                layer.pool_scales[n] = derive_requant_scale(factor, layer.pool_requant);
            } catch (const InputError& error) {
                refuse(layer, fmt::format("average pool '{}': {}", pool.name, error.what()));
            }
        }
    }

    /// Numbers of pixels that an average pool divides by: windows that reach into the padding may have fewer.
    static std::set<int> pool_divisors(const Operator& pool, const Shape& input, const Shape& output) {
        const Window& w = pool.window;
        if (pool.average_counts_padding) return {w.kernel_height * w.kernel_width};
        const auto inside = [](int first, int kernel, int extent) {
            return std::min(first + kernel, extent) - std::max(first, 0);
        };
        std::set<int> divisors;
        for (int y = 0; y < output.height; ++y) {
            for (int x = 0; x < output.width; ++x) {
                divisors.insert(inside(y * w.stride_height - w.pad_top, w.kernel_height, input.height) *
                                inside(x * w.stride_width - w.pad_left, w.kernel_width, input.width));
            }
        }
        return divisors;
    }

    /// One beat of results can complete several windows, where padding cuts windows off; they are written together.
    void check_pool_port(const LayerSchedule& layer) const {
        const auto most_completed = [](const std::vector<PixelWindows>& axis) {
            int most = 0;
            for (const PixelWindows& pixel : axis) most = std::max(most, pixel.open - pixel.first);
            return most;
        };
        const Window& w = layer.pool_window;
        const Shape& map = layer.sums;
        const int rows =
            most_completed(windows_along(map.height, w.kernel_height, w.stride_height, w.pad_top, layer.output.height));
        const int columns =
            most_completed(windows_along(map.width, w.kernel_width, w.stride_width, w.pad_left, layer.output.width));
        const int pixels = rows * columns * hardware_.requant.lanes;
        if (pixels > kMaxPooledPixels) {
            refuse(layer,
                   fmt::format(
                       "requantization.lanes: {} can complete {} pooling windows in one cycle; the pool unit writes "
                       "at most {}",
                       hardware_.requant.lanes, pixels, kMaxPooledPixels));
        }
    }

    void describe_tiles(LayerSchedule& layer) const {
        const ArrayParams& array = hardware_.array;
        layer.array_rows = layer.bypass ? 1 : std::min(array.rows, layer.sums.channels);
        layer.channel_tiles = ceil_div(layer.sums.channels, layer.array_rows);
        if (layer.image_columns) {
            layer.array_columns = std::min(array.columns, layer.images);
            layer.image_groups = ceil_div(layer.images, layer.array_columns);
            layer.tiles = {{0, layer.array_columns, 0, 0}};
            return;
        }
        layer.image_groups = layer.images;
        const int width = layer.sums.width;
        const int pixels = layer.sums.height * width;
        const bool flat = array.mapping == Mapping::flat;
        layer.array_columns = std::min(array.columns, flat ? pixels : width);
        for (int first = 0; first < pixels;) {
            const int end = flat ? pixels : (first / width + 1) * width;
            const int count = std::min(array.columns, end - first);
            layer.tiles.push_back({first, count, first / width, (first + count - 1) / width});
            first += count;
        }
    }

    void describe_windows(LayerSchedule& layer) const {
        std::vector<bool> used(layer.map_height, layer.fully_connected);
        const auto top = [&](const ColumnTile& t) { return t.first_y * layer.stride_height - layer.pad_top; };
        const auto end = [&](const ColumnTile& t) {
            return t.last_y * layer.stride_height - layer.pad_top + layer.kernel_height;
        };
        const auto clip = [&](int y) { return std::clamp(y, 0, layer.map_height); };
        if (!layer.fully_connected) {
            for (const ColumnTile& tile : layer.tiles) {
                for (int oy = tile.first_y; oy <= tile.last_y; ++oy) {
                    const int first = oy * layer.stride_height - layer.pad_top;
                    for (int y = clip(first); y < clip(first + layer.kernel_height); ++y) used[y] = true;
                }
            }
        }
        layer.row_position.assign(layer.map_height, -1);
        for (int y = 0; y < layer.map_height; ++y) {
            if (!used[y]) continue;
            layer.row_position[y] = static_cast<int>(layer.fill_rows.size());
            layer.fill_rows.push_back(y);
        }
        // Position in fill order of the first needed row at or below y.
        const auto position = [&](int y) {
            while (y < layer.map_height && layer.row_position[y] < 0) ++y;
            return y < layer.map_height ? layer.row_position[y] : static_cast<int>(layer.fill_rows.size());
        };
        for (int t = 0; t < layer.tiles_per_pass(); ++t) {
            const ColumnTile& tile = layer.tiles[t];
            LineWindow window{0, static_cast<int>(layer.fill_rows.size()), t, t + 1};
            if (!layer.fully_connected) {
                window.first_row = position(clip(top(tile)));
                window.end_row = position(clip(end(tile)));
            }
            const bool same = !layer.windows.empty() && layer.windows.back().first_row == window.first_row &&
                              layer.windows.back().end_row == window.end_row;
            if (same) layer.windows.back().end_tile = t + 1;
            else layer.windows.push_back(window);
            layer.tile_window.push_back(static_cast<int>(layer.windows.size()) - 1);
        }
    }

    void size_line_buffer(LayerSchedule& layer) const {
        const LineBufferParams& params = hardware_.line_buffer;
        int needed = 1;
        for (const LineWindow& w : layer.windows) needed = std::max(needed, w.end_row - w.first_row);
        const std::int64_t row_bytes =
            std::int64_t{layer.line_channels} * layer.line_bytes * (layer.image_columns ? layer.array_columns : 1);
        const auto fitting = static_cast<int>(std::min<std::int64_t>(params.bytes / row_bytes, 1 << 20));
        if (fitting < needed) {
            refuse(layer,
                   fmt::format("line_buffer.bytes: {} holds {} of the {} feature-map rows of {} bytes that the array "
                               "reads at once; needs at least {}",
                               params.bytes, fitting, needed, row_bytes, needed * row_bytes));
        }
        if (layer.fully_connected) {  // a vector: two of them, so that the next pass can be filled meanwhile
            layer.buffer_rows = std::min(2 * needed, fitting);
        } else if (params.rows == 0) {
            layer.buffer_rows = std::min(needed + layer.stride_height, fitting);
        } else {
            layer.buffer_rows = params.rows;
            if (params.rows < needed) {
                refuse(layer,
                       fmt::format("line_buffer.rows: {} is less than the {} feature-map rows that the array reads at "
                                   "once (kernel height {}); allowed: {} or more, or auto",
                                   params.rows, needed, layer.kernel_height, needed));
            }
            if (params.rows > fitting) {
                refuse(layer,
                       fmt::format("line_buffer.bytes: {} cannot hold line_buffer.rows: {} rows of {} bytes; needs {}",
                                   params.bytes, params.rows, row_bytes, params.rows * row_bytes));
            }
        }
    }

    void describe_attributes(LayerSchedule& layer) const {
        const ArrayParams& array = hardware_.array;
        EventAttributes& a = layer.attributes;
        const int weight_bits = layer.operator_index >= 0 ? network_.operators[layer.operator_index].weights.bits : 8;
        a.activation_bits =
            operand_bits(layer, "array.activation_bits", array.activation_bits, layer.input_quantization.bits);
        a.weight_bits = operand_bits(layer, "array.weight_bits", array.weight_bits, weight_bits);
        a.accumulator_bits = layer.accumulator.bits;
        a.requant_bits = layer.accumulator.bits;
        a.multiplier_bits = hardware_.requant.multiplier_bits;
        a.line_buffer_bytes = hardware_.line_buffer.bytes;
        a.activation_buffer_bytes = hardware_.activation_buffer.bytes;
        a.weight_buffer_bytes = hardware_.weight_buffer.bytes;
        const int port = hardware_.weight_buffer.bytes_per_cycle;
        layer.weight_beats_per_tap = port == 0 || layer.bypass ? 1 : ceil_div(layer.array_rows, port);
    }

    /// A multiplier narrower than the network's operands would compute other values: refused.
    static int operand_bits(const LayerSchedule& layer, const char* key, int configured, int needed) {
        if (configured == 0) return needed;
        if (!layer.bypass && configured < needed) {
            refuse(layer,
                   fmt::format("{}: {} is less than the {} bits of the network's operands; allowed: {}..8, or auto",
                               key, configured, needed, needed));
        }
        return configured;
    }

    /// Ping-pong: a layer reads one half of the buffer and writes the other.
    void place_feature_maps() {
        const std::int64_t half = hardware_.activation_buffer.bytes / 2;
        std::int64_t address = 0;
        const auto place = [&](const LayerSchedule& layer, const Shape& shape, const char* role) {
            const Placement placement{address, shape.elements()};
            const std::int64_t bytes = shape.elements() * schedule_.images;
            if (bytes > half) {
                refuse(layer,
                       fmt::format("activation_buffer.bytes: {} (two halves of {}) cannot hold its {} of {} bytes; "
                                   "needs at least {}",
                                   hardware_.activation_buffer.bytes, half, role, bytes, 2 * bytes));
            }
            address = half - address;
            return placement;
        };
        LayerSchedule& first = schedule_.layers.front();
        Placement current = place(first, first.input, "input");
        schedule_.input = current;
        schedule_.input_bytes = first.input.elements() * schedule_.images;
        for (LayerSchedule& layer : schedule_.layers) {
            layer.input_placement = current;
            current = place(layer, layer.output, "output");
            layer.output_placement = current;
        }
        schedule_.output = current;
        schedule_.output_bytes = schedule_.layers.back().output.elements() * schedule_.images;
    }

    void place_weights() {
        const WeightBufferParams& params = hardware_.weight_buffer;
        std::int64_t largest = 0;
        int tiles = 0;
        const LayerSchedule* largest_layer = &schedule_.layers.front();
        for (LayerSchedule& layer : schedule_.layers) {
            layer.weight_address = schedule_.weight_bytes;
            layer.first_weight_tile = tiles;
            tiles += layer.channel_tiles;
            for (int t = 0; t < layer.channel_tiles; ++t) {
                const std::int64_t bytes = layer.weight_tile_bytes(t);
                schedule_.weight_bytes += bytes;
                if (bytes > largest) {
                    largest = bytes;
                    largest_layer = &layer;
                }
            }
        }
        if (params.storage == WeightStorage::resident && schedule_.weight_bytes > params.bytes) {
            throw InputError(
                fmt::format("weight_buffer.bytes: {} cannot hold all weights and channel parameters of the network, "
                            "{} bytes; enlarge it or set weight_buffer.storage: streamed",
                            params.bytes, schedule_.weight_bytes));
        }
        if (params.storage == WeightStorage::streamed && 2 * largest > params.bytes) {
            refuse(*largest_layer,
                   fmt::format("weight_buffer.bytes: {} cannot hold two weight tiles (one in use, one prefetched) "
                               "of {} bytes; needs at least {}",
                               params.bytes, largest, 2 * largest));
        }
    }

    const Network& network_;
    const HardwareParams& hardware_;
    Schedule schedule_;
};

}  // namespace

Schedule compile(const Network& network, const HardwareParams& hardware, int images) {
    if (network.operators.empty()) throw InputError("the network has no operator to run");
    return Compiler(network, hardware, images).run();
}

}  // namespace widthwise

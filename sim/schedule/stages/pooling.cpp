// SPDX-License-Identifier: Apache-2.0
#include "schedule/stages/pooling.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "common/error.h"
#include "schedule/placement.h"
#include "schedule/pooling_windows.h"
#include "schedule/tiling.h"

namespace widthwise {

namespace {

/// Numbers of pixels that an average pool divides by: windows that reach into the padding may have fewer.
std::vector<int> pool_divisors(const Operator& pool, const Shape& input, const Shape& output) {
    const Window& w = pool.window;
    if (pool.average_counts_padding) return {w.kernel_height * w.kernel_width};
    const auto inside = [](int outputs, int stride, int pad, int kernel, int extent) {
        std::set<int> counts;
        for (int first = -pad; outputs-- > 0; first += stride) {
            counts.insert(std::min(first + kernel, extent) - std::max(first, 0));
        }
        return counts;
    };
    const std::set<int> columns = inside(output.width, w.stride_width, w.pad_left, w.kernel_width, input.width);
    std::vector<int> divisors;
    for (const int rows : inside(output.height, w.stride_height, w.pad_top, w.kernel_height, input.height)) {
        for (const int count : columns) divisors.push_back(rows * count);
    }
    std::sort(divisors.begin(), divisors.end());
    divisors.erase(std::unique(divisors.begin(), divisors.end()), divisors.end());
    return divisors;
}

/// One beat of results can complete several windows, where padding cuts windows off; they are written together.
void check_pool_port(const LayerSchedule& layer, const HardwareParams& hardware) {
    const auto most_completed = [](const std::vector<PixelWindows>& axis) {
        int most = 0;
        for (const PixelWindows& pixel : axis) most = std::max(most, pixel.open - pixel.first);
        return most;
    };
    const Window& w = layer.pooling->window;
    const Shape& map = layer.sums;
    const int rows =
        most_completed(windows_along(map.height, w.kernel_height, w.stride_height, w.pad_top, layer.output.height));
    const int columns =
        most_completed(windows_along(map.width, w.kernel_width, w.stride_width, w.pad_left, layer.output.width));
    const int pixels = rows * columns * hardware.requant.lanes;
    if (pixels > kMaxPooledPixels) {
        refuse(layer, fmt::format(
                          "requantization.lanes: {} can complete {} pooling windows in one cycle; the pool unit writes "
                          "at most {}",
                          hardware.requant.lanes, pixels, kMaxPooledPixels));
    }
}

}  // namespace

void describe_pooling(LayerSchedule& layer, const Network& network, const HardwareParams& hardware, int index) {
    const Operator& pool = network.operators[index];
    const Quantization& input = network.tensors[pool.input].quantization;
    const Quantization& output = network.tensors[pool.output].quantization;
    layer.output = network.tensors[pool.output].shape;
    Pooling& stage = layer.pooling.emplace();
    stage.operator_index = index;
    stage.window = pool.window;
    stage.is_max = pool.kind == OperatorKind::max_pool;
    stage.counts_padding = pool.average_counts_padding;
    stage.rule = average_rule(hardware.requant.mode, pool.global_average, pool.runtime_kernel, output.is_signed);
    stage.input_zero_point = input.zero_point;
    stage.input_scale = input.scale;
    stage.output_scale = output.scale;
    stage.format = {sum_mode(hardware.requant.mode),
                    hardware.pool.rounding,
                    hardware.requant.multiplier_bits,
                    output.zero_point,
                    pool.clamp_low,
                    pool.clamp_high};
    if (pool.sum_shift) {
        stage.rule = {};
        stage.format.mode = RequantMode::shift;
        stage.format.rounding = pool.sum_shift->rounds_down ? Rounding::floor : Rounding::half_even;
    }
    check_pool_port(layer, hardware);
}

namespace {

/// A stored integer less a zero point.
constexpr int kPixelBits = 9;

int partial_bytes(const Pooling& stage) {
    if (stage.is_max) return 1;
    if (!stage.rule.of_integers()) return static_cast<int>(sizeof(float));
    const auto pixels =
        static_cast<std::uint64_t>(stage.window.kernel_height) * static_cast<std::uint64_t>(stage.window.kernel_width);
    return bytes_of_bits(kPixelBits + static_cast<int>(std::bit_width(pixels - 1)));
}

}  // namespace

std::int64_t pool_row_buffer_bytes(const LayerSchedule& layer) {
    const Window& window = layer.pooling->window;
    const int rows = open_rows(window.kernel_height, window.stride_height, layer.output.height);
    return std::int64_t{layer.array_rows} * rows * layer.output.width * partial_bytes(*layer.pooling);
}

void check_pool_row_buffer(const LayerSchedule& layer, const HardwareParams& hardware) {
    const std::int64_t needed = pool_row_buffer_bytes(layer);
    const int bytes = hardware.pool.row_buffer_bytes;
    if (bytes == 0 || needed <= bytes) return;
    const std::string what =
        fmt::format("pooling.row_buffer_bytes: {} cannot hold the open windows of {} channel{}; needs at least {}",
                    bytes, layer.array_rows, layer.array_rows == 1 ? "" : "s", needed);
    const bool alone = !layer.computation && !layer.requantization && !layer.addition;
    if (alone) refuse(layer, what);
    // Bytes of this buffer are not to be compared with those of strips.
    throw PoolNeedsItsOwnLayer(layer, what, std::numeric_limits<std::int64_t>::max());
}

/// Dividing by the number of pixels is part of the rescale factor.
void complete_pooling(LayerSchedule& layer, const Network& network) {
    if (layer.pooling->is_max) return;
    const Operator& pool = network.operators[layer.pooling->operator_index];
    Pooling& stage = *layer.pooling;
    stage.scales.resize(pool.window.kernel_height * pool.window.kernel_width + 1);
    for (const int n : pool_divisors(pool, network.tensors[pool.input].shape, layer.output)) {
        if (pool.sum_shift) {
            stage.scales[n].shift = pool.sum_shift->bits;
            continue;
        }
        const double factor = stage.format.mode == RequantMode::float32
                                  ? double{stage.input_scale / (stage.output_scale * static_cast<float>(n))}
                                  : static_cast<double>(stage.input_scale) / (double{stage.output_scale} * n);
        try {
            stage.scales[n] = derive_requant_scale(factor, stage.format);
        } catch (const InputError& error) {
            refuse(layer, fmt::format("average pool '{}': {}", pool.name, error.what()));
        }
    }
}

}  // namespace widthwise

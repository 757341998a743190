// SPDX-License-Identifier: Apache-2.0
#include "explore/layer_variants.h"

#include <fmt/format.h>

#include <type_traits>

#include "common/error.h"
#include "common/md5.h"
#include "engine/fast/fast_engine.h"

namespace widthwise {
namespace {

/// MD5 of numbers, each by its bytes.
class Digest {
public:
    template <typename Value>
    Digest& add(Value value) {
        static_assert(std::is_arithmetic_v<Value> || std::is_enum_v<Value>);  // no padding
        md5_.update(&value, sizeof value);
        return *this;
    }
    template <typename Value>
    Digest& add_all(const std::vector<Value>& values) {
        add(values.size());
        static_assert(std::is_arithmetic_v<Value>);
        md5_.update(values.data(), values.size() * sizeof(Value));
        return *this;
    }
    Digest& add(const Shape& shape) { return add(shape.channels).add(shape.height).add(shape.width); }
    Digest& add(const RequantFormat& format, const std::vector<RequantScale>& scales) {
        add(format.mode).add(format.rounding).add(format.multiplier_bits).add(format.zero_point);
        add(format.clamp_low).add(format.clamp_high).add(scales.size());
        for (const RequantScale& scale : scales) {
            add(scale.multiplier).add(scale.shift).add(scale.divisor).add(scale.factor);
        }
        return *this;
    }
    [[nodiscard]] std::string finish() { return md5_.finish(); }

private:
    Md5 md5_;
};

/// In as many bytes as they are stored in.
void add_weights(Digest& digest, const LayerSchedule& layer) {
    if (layer.weights_have_zero_points) digest.add_all(layer.weights);
    else digest.add_all(std::vector<std::int8_t>(layer.weights.begin(), layer.weights.end()));
}

void add_pool(Digest& digest, const LayerSchedule& layer) {
    const Window& w = layer.pool_window;
    digest.add(w.kernel_height).add(w.kernel_width).add(w.stride_height).add(w.stride_width);
    digest.add(w.pad_top).add(w.pad_left).add(w.pad_bottom).add(w.pad_right);
    digest.add(layer.pool_is_max)
        .add(layer.pool_is_global)
        .add(layer.pool_counts_padding)
        .add(layer.pool_input_zero_point);
    digest.add(layer.pool_input_scale).add(layer.pool_output_scale).add(layer.pool_requant, layer.pool_scales);
}

void add_residual(Digest& digest, const LayerSchedule& layer) {
    const ResidualFormat& format = layer.residual;
    for (const ResidualOperand& operand : {format.a, format.b}) {
        digest.add(operand.zero_point).add(operand.multiplier).add(operand.ratio);
    }
    digest.add(format.shift).add(format.offset).add(format.output, {});
    digest.add(layer.residual_layer).add(layer.residual_is_signed).add(layer.residual_is_first);
}

}  // namespace

std::string ValueKey::text() const {
    return fmt::format("{}/{}/{}/{}", arithmetic, bits, static_cast<int>(overflow), static_cast<int>(check));
}

ValueKey value_key(const LayerSchedule& layer, const HardwareParams& hardware) {
    Digest digest;
    digest.add(layer.operator_index)
        .add(layer.addition_index)
        .add(layer.pool_index)
        .add(layer.input_layer)
        .add(layer.bypass)
        .add(layer.fully_connected);
    digest.add(layer.input).add(layer.sums).add(layer.output);
    const Quantization& input = layer.input_quantization;
    digest.add(input.is_signed).add(layer.input_may_be_negative).add(input.bits).add(input.zero_point);
    digest.add(layer.stride_height).add(layer.stride_width).add(layer.pad_top).add(layer.pad_left);
    if (!layer.fully_connected) digest.add(layer.kernel_height).add(layer.kernel_width);
    digest.add(layer.taps.size());
    for (const Tap& tap : layer.taps) {
        digest.add(tap.weight);
        if (!layer.fully_connected) digest.add(tap.row).add(tap.column);  // of a vector they depend on the fill port
    }
    digest.add(layer.groups);
    add_weights(digest, layer);
    digest.add_all(layer.bias).add(layer.bias_preload);
    digest.add(layer.requant, layer.requant_scales);
    if (layer.sums_leave) digest.add(layer.sums_leave);
    if (layer.addition_index >= 0) add_residual(digest, layer);
    if (layer.pool_index >= 0) add_pool(digest, layer);
    if (!layer.bypass) digest.add(hardware.accumulator.statistics).add(hardware.array.zero_gating);
    ValueKey key;
    key.arithmetic = digest.finish();
    if (!layer.overflow_possible) return key;
    key.bits = layer.accumulator.bits;
    key.overflow = layer.accumulator.overflow;
    key.check = layer.accumulator.check;
    return key;
}

bool no_event_implies_none(const ValueKey& quiet, const ValueKey& other) {
    if (quiet.arithmetic != other.arithmetic) return false;
    if (other.bits == 0) return true;
    if (quiet.bits == 0 || other.bits < quiet.bits) return false;
    // Finished sums that fit say nothing of those on the way.
    return quiet.check == OverflowCheck::per_add || other.check == OverflowCheck::per_output;
}

ValuePath LayerVariants::add(const Schedule& schedule) {
    threads_ = affordable_threads(schedule, threads_);
    layers_.resize(schedule.layers.size());
    ValuePath path;
    for (std::size_t l = 0; l < layers_.size(); ++l) {
        path.push_back(add_layer(layers_[l], schedule.layers[l], schedule.hardware));
    }
    if (!classifier_) classifier_.emplace(*schedule.network);
    return path;
}

int LayerVariants::add_layer(std::vector<Variant>& variants, const LayerSchedule& layer,
                             const HardwareParams& hardware) {
    ValueKey key = value_key(layer, hardware);
    for (std::size_t v = 0; v < variants.size(); ++v) {
        if (variants[v].key == key) return static_cast<int>(v);
    }
    weight_bytes_ +=
        fast::weight_bytes(layer) + static_cast<std::int64_t>(layer.weights.size() * sizeof layer.weights[0]);
    if (weight_bytes_ > kMaxFastEngineBytes) {
        throw InputError(
            fmt::format("layer '{}': the weights of all variants of the layers take {} bytes (allowed: up "
                        "to {}); choose fewer values along the axes",
                        layer.name, weight_bytes_, kMaxFastEngineBytes));
    }
    Variant made;
    made.key = std::move(key);
    made.schedule = std::make_unique<LayerSchedule>(layer);
    made.fast = std::make_unique<fast::FastLayer>(*made.schedule, hardware, fast::best_dispatch());
    variants.push_back(std::move(made));
    return static_cast<int>(variants.size()) - 1;
}

}  // namespace widthwise

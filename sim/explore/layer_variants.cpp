// SPDX-License-Identifier: Apache-2.0
#include "explore/layer_variants.h"

#include <fmt/format.h>

#include "common/error.h"
#include "engine/fast/fast_engine.h"
#include "layer/value_digest.h"

namespace widthwise {

std::string ValueKey::text() const {
    return fmt::format("{}/{}/{}/{}", arithmetic, bits, static_cast<int>(overflow), static_cast<int>(check));
}

ValueKey value_key(const LayerSchedule& layer, const HardwareParams& hardware) {
    ValueDigest digest(layer.fully_connected);
    digest.add(layer);
    if (layer.computation) digest.add(hardware.accumulator.statistics).add(hardware.array.zero_gating);
    ValueKey key;
    key.arithmetic = digest.finish();
    if (!layer.computation || !layer.computation->overflow_possible) return key;
    key.bits = layer.computation->accumulator.bits;
    key.overflow = layer.computation->accumulator.overflow;
    key.check = layer.computation->accumulator.check;
    return key;
}

Schedule with_exact_sums(const Schedule& schedule) {
    Schedule exact = schedule;
    for (LayerSchedule& layer : exact.layers) {
        if (!layer.computation || !layer.computation->overflow_possible) continue;
        layer.computation->accumulator.bits = layer.computation->worst_case_bits;
        layer.computation->overflow_possible = false;
        if (layer.sums_leave()) layer.value_bytes = bytes_of_bits(layer.computation->worst_case_bits);
    }
    return exact;
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
    const std::vector<int> operators = schedule.last_operators();
    if (!layers_.empty() && operators != operators_) throw SimulationError("variants of another list of layers");
    operators_ = operators;
    layers_.resize(schedule.layers.size());
    ValuePath path;
    for (std::size_t l = 0; l < layers_.size(); ++l) {
        path.push_back(add_layer(layers_[l], schedule.layers[l], schedule.hardware));
    }
    if (!classifier_) {
        classifier_.emplace(*schedule.network);
        output_.emplace(*schedule.network);
        const Network& network = *schedule.network;
        input_is_signed_ = network.tensors[static_cast<std::size_t>(network.input)].quantization.is_signed;
    }
    return path;
}

int LayerVariants::add_layer(std::vector<Variant>& variants, const LayerSchedule& layer,
                             const HardwareParams& hardware) {
    ValueKey key = value_key(layer, hardware);
    for (std::size_t v = 0; v < variants.size(); ++v) {
        if (variants[v].key == key) return static_cast<int>(v);
    }
    if (layer.computation) {
        const std::size_t bytes = layer.computation->weights.size() * sizeof layer.computation->weights[0];
        weight_bytes_ += fast::weight_bytes(layer) + static_cast<std::int64_t>(bytes);
    }
    if (weight_bytes_ > kMaxFastEngineBytes) {
        throw InputError(
            fmt::format("layer '{}': the weights of all variants of the layers take {} bytes (allowed: up "
                        "to {}); choose fewer values along the axes",
                        layer.name, weight_bytes_, kMaxFastEngineBytes));
    }
    Variant made;
    made.key = std::move(key);
    made.schedule = std::make_unique<LayerSchedule>(layer);
    made.fast = std::make_unique<fast::FastLayer>(*made.schedule, hardware, fast::best_kernels());
    variants.push_back(std::move(made));
    return static_cast<int>(variants.size()) - 1;
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "schedule/compile.h"

// A network on a hardware description: operators are joined to layers, layers described and placed.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "common/error.h"
#include "schedule/describe_layer.h"
#include "schedule/placement.h"
#include "schedule/read_rows.h"
#include "schedule/schedule.h"
#include "schedule/size_limits.h"
#include "schedule/strips.h"
#include "text/letter_case.h"
#include "text/list_text.h"
#include "text/printable.h"

namespace widthwise {

namespace {

void check_layer_widths(const Network& network, const AccumulatorParams& accumulator) {
    for (const auto& [name, bits] : accumulator.layer_bits) {
        std::string known;
        bool found = false;
        for (const Operator& op : network.operators) {
            if (!op.has_weights()) continue;
            found = found || lower_case(op.name) == name;
            known += (known.empty() ? "" : ", ") + shown_name(list_name(op.name));
        }
        if (!found) {
            throw InputError(
                fmt::format("accumulator width given for layer '{}', which the network does not have "
                            "(layers with accumulators: {})",
                            shown_name(name), known));
        }
    }
}

/// Joins an addition and a pool to the operator before them, where nothing else reads what is in between.
class LayerJoiner {
public:
    /// `apart`: pools that become layers of their own.
    LayerJoiner(const Network& network, const std::set<int>& apart)
        : network_(network), apart_(apart), readers_(network.tensors.size(), 0) {
        for (const Operator& op : network.operators) {
            ++readers_[static_cast<std::size_t>(op.input)];
            if (op.second_input >= 0) ++readers_[static_cast<std::size_t>(op.second_input)];
        }
    }

    std::vector<LayerOperators> run() {
        std::vector<LayerOperators> layers;
        while (next_ < network_.operators.size()) {
            LayerOperators layer;
            last_ = -1;
            if (network_.operators[next_].has_weights()) layer.computing = take();
            else if (at(OperatorKind::requantization)) layer.requantization = take();
            if (at(OperatorKind::addition)) layer.addition = take();
            const bool joined = last_ < 0 || !apart_.contains(static_cast<int>(next_));
            if (joined && (at(OperatorKind::max_pool) || at(OperatorKind::average_pool))) layer.pool = take();
            layers.push_back(layer);
        }
        return layers;
    }

private:
    int take() {
        last_ = static_cast<int>(next_++);
        return last_;
    }

    /// The next operator is of this kind and, unless it is the layer's first, reads what only it reads.
    [[nodiscard]] bool at(OperatorKind kind) const {
        if (next_ == network_.operators.size() || network_.operators[next_].kind != kind) return false;
        if (last_ < 0) return true;
        const int between = network_.operators[static_cast<std::size_t>(last_)].output;
        const Operator& op = network_.operators[next_];
        return readers_[static_cast<std::size_t>(between)] == 1 && (op.input == between || op.second_input == between);
    }

    const Network& network_;
    const std::set<int>& apart_;
    std::vector<int> readers_;  ///< of each tensor
    std::size_t next_ = 0;
    int last_ = -1;  ///< operator of the layer so far
};

/// Sums can only leave at the end: no unit reads values wider than a byte, and nothing behind them is described.
void check_sums_that_leave(const Network& network) {
    for (const Operator& op : network.operators) {
        if (!op.sums_leave) continue;
        const bool last = &op == &network.operators.back() && op.output == network.output;
        if (op.has_weights() && last) continue;
        throw SimulationError(
            fmt::format("the sums of '{}' leave the accelerator, but {}", op.name,
                        op.has_weights() ? "it is not the network's last operator" : "it computes no sums"));
    }
}

/// For each tensor whether some of its stored values can be below zero.
std::vector<bool> signs(const Network& network) {
    std::vector<bool> negative(network.tensors.size(), true);
    const auto of = [&](int tensor) { return negative[static_cast<std::size_t>(tensor)]; };
    const auto& input = network.tensors[static_cast<std::size_t>(network.input)].quantization;
    negative[static_cast<std::size_t>(network.input)] = input.low() < 0;
    for (const Operator& op : network.operators) {
        const Quantization& output = network.tensors[static_cast<std::size_t>(op.output)].quantization;
        const bool inherits = op.kind == OperatorKind::max_pool && !of(op.input);
        negative[static_cast<std::size_t>(op.output)] = (op.clamp_low < 0 && !inherits) || output.zero_point < 0;
    }
    return negative;
}

/// Which layer's output each layer reads, and its sign.
void connect(const Network& network, Schedule& schedule) {
    std::vector<int> writer(network.tensors.size(), -1);
    const std::vector<bool> negative = signs(network);
    const auto layer_of = [&](int tensor) { return writer[static_cast<std::size_t>(tensor)]; };
    for (LayerSchedule& layer : schedule.layers) {
        const auto op = [&](int index) -> const Operator& {
            return network.operators[static_cast<std::size_t>(index)];
        };
        layer.input_layer = layer_of(op(layer.first_operator()).input);
        layer.input_may_be_negative = negative[static_cast<std::size_t>(op(layer.first_operator()).input)];
        if (layer.adds_map()) {
            const Operator& addition = op(layer.addition->operator_index);
            layer.addition->layer = layer_of(layer.addition->operand_is_first ? addition.input : addition.second_input);
        }
        writer[static_cast<std::size_t>(op(layer.last_operator()).output)] = layer.index;
    }
}

bool has_strips(const Schedule& schedule) {
    return std::any_of(schedule.layers.begin(), schedule.layers.end(),
                       [](const LayerSchedule& layer) { return layer.in_strips(); });
}

/// Layers described and placed, none of them completed. `pools_apart` become layers of their own.
Schedule placed(const Network& network, const HardwareParams& hardware, int images, const std::set<int>& pools_apart) {
    const std::vector<LayerOperators> layers = LayerJoiner(network, pools_apart).run();
    KeyUsers users;
    for (const LayerOperators& operators : layers) users |= key_users(network, hardware, operators);
    users.strips = true;  // until it is known
    Schedule schedule;
    schedule.hardware = used_part(hardware, users);
    schedule.network = &network;
    schedule.images = images;
    for (const LayerOperators& operators : layers) {
        schedule.layers.push_back(describe_frame(network, hardware, images, operators));
        schedule.layers.back().index = static_cast<int>(schedule.layers.size()) - 1;
    }
    // What is cheap to refuse is refused before anything large is built.
    check_sizes(schedule);
    connect(network, schedule);
    for (LayerSchedule& layer : schedule.layers) number_read_rows(layer);
    place_weights(schedule);
    place_feature_maps(schedule);
    users.strips = has_strips(schedule);
    schedule.unused_keys = unused_keys(hardware, users);
    schedule.hardware = used_part(schedule.hardware, users);
    return schedule;
}

/// Pools that cannot be worked on together with the operator before them. Neither the size of a batch nor the width of
/// accumulators may decide it, since results of both are compared layer by layer: it is decided for the largest.
std::set<int> pools_apart(const Network& network, HardwareParams hardware) {
    if (network.operators.back().sums_leave) {
        hardware.accumulator.format.bits = kMaxAccumulatorBits;
        hardware.accumulator.layer_bits.clear();
    }
    std::set<int> apart;
    std::optional<PoolNeedsItsOwnLayer> joined;  // the last that was parted
    while (true) {
        try {
            placed(network, hardware, hardware.batch, apart);
            return apart;
        } catch (const PoolNeedsItsOwnLayer& error) {
            joined = error;
            apart.insert(error.pool);
        } catch (const StripsDoNotFit& error) {
            // Parting has not helped: less would have been enough for both together.
            if (joined && joined->needed < error.needed) throw InputError(joined->what());
            return apart;
        } catch (const InputError&) {
            return apart;  // what is wrong is said of what was asked for
        }
    }
}

void check_dram(const Schedule& schedule, const DramParams& dram) {
    if (schedule.dram_bytes() <= dram.bytes) return;
    throw InputError(fmt::format(
        "dram.bytes: {} cannot hold the weights, {} bytes, and the maps of a batch that lie in DRAM, "
        "{} bytes; needs at least {}",
        dram.bytes, schedule.weight_bytes, schedule.dram_bytes() - schedule.weight_bytes, schedule.dram_bytes()));
}

}  // namespace

Schedule compile(const Network& network, const HardwareParams& hardware, int images) {
    if (network.operators.empty()) throw InputError("the network has no operator to run");
    check_sums_that_leave(network);
    check_layer_widths(network, hardware.accumulator);
    Schedule schedule = placed(network, hardware, images, pools_apart(network, hardware));
    check_dram(schedule, hardware.dram);
    HardwareParams decided = hardware;
    decided.weight_buffer.storage = schedule.hardware.weight_buffer.storage;
    const bool strips = has_strips(schedule);
    std::int64_t moves = 0;
    for (LayerSchedule& layer : schedule.layers) {
        complete_layer(layer, network, decided, strips);
        describe_strips(layer, decided, layer.strips_address);
        moves += check_moves(layer, moves);
    }
    return schedule;
}

}  // namespace widthwise

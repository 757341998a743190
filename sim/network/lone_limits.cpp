// SPDX-License-Identifier: Apache-2.0
#include "network/lone_limits.h"

#include <algorithm>
#include <vector>

namespace widthwise {
namespace {

int readers_of(const Network& network, int tensor) {
    int readers = network.output == tensor ? 1 : 0;
    for (const Operator& op : network.operators) {
        readers += (op.input == tensor ? 1 : 0) + (op.second_input == tensor ? 1 : 0);
    }
    return readers;
}

Operator* producer_of(Network& network, int tensor) {
    const auto found = std::find_if(network.operators.begin(), network.operators.end(),
                                    [tensor](const Operator& op) { return op.output == tensor; });
    return found == network.operators.end() ? nullptr : &*found;
}

bool merge_into_operator(Network& network, const Operator& limit) {
    Operator* before = producer_of(network, limit.input);
    if (before == nullptr || before->sums_leave) return false;
    before->clamp_low = std::clamp(before->clamp_low, limit.clamp_low, limit.clamp_high);
    before->clamp_high = std::clamp(before->clamp_high, limit.clamp_low, limit.clamp_high);
    if (before->activation == Activation::none || limit.activation == Activation::clip) {
        before->activation = limit.activation;
    }
    before->output = limit.output;
    return true;
}

/// The quantizer of the network's input saturates at the range of its integers.
bool merge_into_input(Network& network, const Operator& limit) {
    if (limit.input != network.input) return false;
    const Quantization& range = network.tensors[static_cast<std::size_t>(limit.output)].quantization;
    if (range.low() != limit.clamp_low || range.high() != limit.clamp_high) return false;
    network.input = limit.output;
    return true;
}

void drop_unused_tensors(Network& network) {
    std::vector<int> places(network.tensors.size(), -1);
    const auto use = [&places](int tensor) {
        if (tensor >= 0) places[static_cast<std::size_t>(tensor)] = 0;
    };
    use(network.input);
    use(network.output);
    for (const Operator& op : network.operators) {
        use(op.input);
        use(op.second_input);
        use(op.output);
    }
    std::vector<Tensor> kept;
    for (std::size_t i = 0; i < places.size(); ++i) {
        if (places[i] < 0) continue;
        places[i] = static_cast<int>(kept.size());
        kept.push_back(std::move(network.tensors[i]));
    }
    network.tensors = std::move(kept);
    const auto move = [&places](int& tensor) {
        if (tensor >= 0) tensor = places[static_cast<std::size_t>(tensor)];
    };
    move(network.input);
    move(network.output);
    for (Operator& op : network.operators) {
        move(op.input);
        move(op.second_input);
        move(op.output);
    }
}

}  // namespace

void merge_lone_limits(Network& network, const std::set<std::string>& names) {
    if (names.empty()) return;
    std::vector<Operator>& operators = network.operators;
    for (std::size_t i = 0; i < operators.size();) {
        const Operator limit = operators[i];
        const bool alone = names.count(limit.name) != 0 && readers_of(network, limit.input) == 1;
        if (alone && (merge_into_operator(network, limit) || merge_into_input(network, limit))) {
            operators.erase(operators.begin() + static_cast<std::ptrdiff_t>(i));
        } else {
            ++i;
        }
    }
    drop_unused_tensors(network);
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "explore/search_proof.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

#include "common/parallel.h"

namespace widthwise {
namespace {

/// Memory that each thread may fill with layers' outputs.
constexpr std::size_t kMostBytes = std::size_t{256} << 20U;
/// Blocks that most combinations need; their outputs go last.
constexpr std::size_t kFirstBlocks = 6;

std::size_t bytes_of(const ImageBlock& block) { return block.input.capacity(); }

}  // namespace

CheapestFirst::CheapestFirst(std::vector<std::vector<double>> costs) : costs_(std::move(costs)) {
    for (std::size_t l = 0; l < costs_.size(); ++l) {
        std::vector<int> options(costs_[l].size());
        std::iota(options.begin(), options.end(), 0);
        const auto cost_of = [&](int option) { return costs_[l][static_cast<std::size_t>(option)]; };
        std::stable_sort(options.begin(), options.end(), [&](int a, int b) { return cost_of(a) < cost_of(b); });
        by_cost_.push_back(std::move(options));
        if (costs_[l].size() > 1) order_.push_back(l);
    }
    const auto gap = [this](std::size_t l) {
        return costs_[l][static_cast<std::size_t>(by_cost_[l][1])] -
               costs_[l][static_cast<std::size_t>(by_cost_[l][0])];
    };
    std::stable_sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) { return gap(a) < gap(b); });
    push({0, std::vector<std::uint8_t>(costs_.size(), 0), 0});
}

void CheapestFirst::push(State state) {
    state.cost = 0;
    for (std::size_t l = 0; l < costs_.size(); ++l) {
        state.cost += costs_[l][static_cast<std::size_t>(by_cost_[l][state.places[l]])];
    }
    states_.push(std::move(state));
}

/// Every combination follows from exactly one other that costs no more: the last layer that left its cheapest option
/// goes on, the next layer leaves its own, or, as long as that last layer is at its second option, it hands over to the
/// next one. The latter costs no less because the layers are ordered by what that step adds.
std::vector<int> CheapestFirst::take() {
    const State state = states_.top();
    states_.pop();
    const auto step = [&](std::size_t at) -> bool {
        return at < order_.size() && state.places[order_[at]] + std::size_t{1} < costs_[order_[at]].size();
    };
    const auto with = [&](std::size_t at, bool hand_over) {
        State next = state;
        if (hand_over) next.places[order_[state.last]] = 0;
        ++next.places[order_[at]];
        next.last = at;
        push(std::move(next));
    };
    const bool none_left_yet = order_.empty() || state.places[order_[state.last]] == 0;
    if (step(state.last)) with(state.last, false);
    if (!none_left_yet && step(state.last + 1)) {
        with(state.last + 1, false);
        if (state.places[order_[state.last]] == 1) with(state.last + 1, true);
    }
    std::vector<int> choice;
    for (std::size_t l = 0; l < costs_.size(); ++l) choice.push_back(by_cost_[l][state.places[l]]);
    return choice;
}

Rejecter::Rejecter(const LayerVariants& variants, const ImageBlocks& blocks, int threads)
    : variants_(variants), blocks_(blocks), threads_(static_cast<std::size_t>(std::max(1, threads))) {
    for (Thread& thread : threads_) thread.states.resize(blocks.size());
}

std::vector<Rejecter::Verdict> Rejecter::judge(std::span<const ValuePath> paths, std::uint64_t allowed_wrong,
                                               const std::function<void(std::size_t)>& report) {
    // Neighbours share their first layers: whoever works on one finds the outputs of the last in its trees.
    std::vector<std::size_t> order(paths.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return paths[a] < paths[b]; });
    constexpr std::size_t kGroup = 8;
    std::vector<Verdict> verdicts(paths.size());
    parallel_for((order.size() + kGroup - 1) / kGroup, static_cast<int>(threads_.size()), report,
                 [&](std::size_t group, int thread) {
                     const std::size_t end = std::min(order.size(), (group + 1) * kGroup);
                     for (std::size_t i = group * kGroup; i < end; ++i) {
                         verdicts[order[i]] =
                             judge(paths[order[i]], allowed_wrong, threads_[static_cast<std::size_t>(thread)]);
                     }
                 });
    return verdicts;
}

Rejecter::Verdict Rejecter::judge(const ValuePath& path, std::uint64_t allowed_wrong, Thread& thread) {
    Verdict verdict;
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
        BlockTree& tree = *state(thread, b).tree;
        const std::size_t before = tree.bytes();
        verdict.wrong += static_cast<std::uint64_t>(std::popcount(tree.follow(path, thread.workspace, {}).wrong));
        thread.bytes += tree.bytes() - before;
        ++verdict.blocks;
        if (thread.bytes > kMostBytes) trim(thread);
        if (verdict.wrong > allowed_wrong) {
            verdict.rejected = true;
            break;
        }
    }
    return verdict;
}

Rejecter::BlockState& Rejecter::state(Thread& thread, std::size_t block) const {
    BlockState& state = thread.states[block];
    if (state.tree) return state;
    state.block = blocks_.at(block);
    state.tree = std::make_unique<BlockTree>(variants_, *state.block, BlockTree::Records::dropped);
    if (!blocks_.are_held()) thread.bytes += bytes_of(*state.block);
    return state;
}

void Rejecter::trim(Thread& thread) const {
    for (const std::size_t first : {kFirstBlocks, std::size_t{0}}) {
        if (thread.bytes <= kMostBytes / 2) return;
        for (std::size_t b = first; b < thread.states.size(); ++b) forget(thread, b);
    }
}

void Rejecter::forget(Thread& thread, std::size_t block) const {
    BlockState& state = thread.states[block];
    if (!state.tree) return;
    thread.bytes -= state.tree->bytes();
    state.tree->clear();
    if (blocks_.are_held()) return;
    thread.bytes -= bytes_of(*state.block);
    state = {};
}

}  // namespace widthwise

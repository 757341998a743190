// SPDX-License-Identifier: Apache-2.0
// The two halves of the proof that no cheaper combination of widths is good enough: combinations in order of cost, and
// a quick and certain "no" for each. Nothing is assumed of how accuracy depends on widths.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <span>
#include <vector>

#include "explore/block_tree.h"
#include "explore/image_blocks.h"
#include "explore/layer_variants.h"

namespace widthwise {

/// All combinations of one option per layer, cheapest first. The cost of a combination is the sum of its options',
/// added up in the order of the layers.
class CheapestFirst {
public:
    /// costs[layer][option], at least one option each, up to 256.
    explicit CheapestFirst(std::vector<std::vector<double>> costs);

    [[nodiscard]] bool empty() const { return states_.empty(); }
    [[nodiscard]] double cost() const { return states_.top().cost; }  ///< of the next one
    /// The option of each layer in the next combination, which is removed.
    std::vector<int> take();

private:
    /// `places` counts in each layer's options from the cheapest one; layers beyond `last` are at their cheapest.
    struct State {
        double cost = 0;
        std::vector<std::uint8_t> places;
        std::size_t last = 0;
    };
    struct Later {
        bool operator()(const State& a, const State& b) const {
            return a.cost != b.cost ? a.cost > b.cost : a.places > b.places;
        }
    };
    void push(State state);

    std::vector<std::vector<double>> costs_;
    std::vector<std::vector<int>> by_cost_;  ///< options of each layer, cheapest first
    std::vector<std::size_t> order_;         ///< layers with a choice, by what their second cheapest option adds
    std::priority_queue<State, std::vector<State>, Later> states_;
};

/// Counts wrong images until there are too many. With the hardest images first that takes few of them; only what passes
/// has been computed on all.
class Rejecter {
public:
    /// Both must outlive it. `blocks`: hardest images first.
    Rejecter(const LayerVariants& variants, const ImageBlocks& blocks, int threads);

    struct Verdict {
        bool rejected = false;
        std::uint64_t wrong = 0;   ///< more than allowed when rejected, else of all images
        std::uint64_t blocks = 0;  ///< looked at
    };
    /// The verdict on each path; the same for any number of threads. `report` as parallel_for's, for paths in groups.
    std::vector<Verdict> judge(std::span<const ValuePath> paths, std::uint64_t allowed_wrong,
                               const std::function<void(std::size_t)>& report);

private:
    struct BlockState {
        std::shared_ptr<const ImageBlock> block;  ///< none: not looked at, or forgotten
        std::unique_ptr<BlockTree> tree;          ///< none: likewise
    };
    struct Thread {
        fast::Workspace workspace;
        std::vector<BlockState> states;  ///< by block
        std::size_t bytes = 0;           ///< of trees, and of blocks that nobody else holds
    };
    Verdict judge(const ValuePath& path, std::uint64_t allowed_wrong, Thread& thread);
    BlockState& state(Thread& thread, std::size_t block) const;
    void trim(Thread& thread) const;
    void forget(Thread& thread, std::size_t block) const;

    const LayerVariants& variants_;
    const ImageBlocks& blocks_;
    std::vector<Thread> threads_;
};

}  // namespace widthwise

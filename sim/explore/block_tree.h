// SPDX-License-Identifier: Apache-2.0
// One block of images through many variants of a network that share their first layers.
//
// A tree: its root is the input, an edge is a variant of the next layer, a node is what comes out. A layer that has
// been computed once is not computed again for another path with the same variants before it. Two rules lead to nodes
// that exist already, both exact: a variant that had no overflow event stands for every wider one, and variants whose
// outputs are equal byte for byte share what follows.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "engine/fast/fast_layer.h"
#include "explore/image_blocks.h"
#include "explore/layer_variants.h"
#include "record/record.h"

namespace widthwise {

class BlockTree {
public:
    /// Whether what layers count is kept, or only their values.
    enum class Records : std::uint8_t { kept, dropped };

    /// `variants` and `block` must outlive the tree; variants may be added meanwhile.
    BlockTree(const LayerVariants& variants, const ImageBlock& block, Records records);

    /// What a path makes of the block; valid until clear().
    struct Answer {
        /// Images that are classified wrongly, a bit each; those without a label are not among them.
        std::uint32_t wrong = 0;
        const fast::BlockMap* output = nullptr;
    };
    /// Adds what each layer counted (overflow, psums, gated multiplications) to `records`, unless that is empty, as it
    /// must be when they are dropped.
    Answer follow(const ValuePath& path, fast::Workspace& workspace, std::span<LayerRecord> records);

    /// Memory of the nodes, about.
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    /// Forgets all nodes.
    void clear();

private:
    struct Node;
    struct Edge {
        Node* to = nullptr;  ///< none: not there yet
        const LayerRecord* record = nullptr;
        bool quiet = false;  ///< no overflow event
    };
    struct Node {
        const Node* parent = nullptr;  ///< the output of the layer before; none: the input
        fast::BlockMap values;
        std::vector<Edge> edges;  ///< by variant of the next layer
        std::uint32_t wrong = 0;  ///< of the last layer
    };
    /// The output of `layer` (-1: the block's input) on the way to `node`, which is that of layer `at`.
    const fast::BlockMap& output_of(const Node& node, int at, int layer) const;
    void take_input();
    Edge& edge(Node& node, std::size_t layer, int variant, fast::Workspace& workspace);
    Node* equal_sibling(const Node& node, const fast::BlockMap& values) const;
    [[nodiscard]] std::uint32_t classify(const fast::BlockMap& values) const;

    const LayerVariants& variants_;
    const ImageBlock& block_;
    bool keeps_records_;
    fast::BlockMap input_;
    Node root_;
    std::deque<Node> nodes_;
    std::deque<LayerRecord> records_;
    fast::BlockMap scratch_;
    std::size_t bytes_ = 0;
};

}  // namespace widthwise

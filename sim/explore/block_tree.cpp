// SPDX-License-Identifier: Apache-2.0
#include "explore/block_tree.h"

#include <utility>

namespace widthwise {

using fast::BlockMap;

BlockTree::BlockTree(const LayerVariants& variants, const ImageBlock& block, Records records)
    : variants_(variants), block_(block), keeps_records_(records == Records::kept) {}

void BlockTree::clear() {
    root_.edges.clear();
    nodes_.clear();
    records_.clear();
    bytes_ = 0;
}

BlockTree::Answer BlockTree::follow(const ValuePath& path, fast::Workspace& workspace, std::span<LayerRecord> records) {
    if (input_.empty()) take_input();
    Node* node = &root_;
    for (std::size_t l = 0; l < path.size(); ++l) {
        Edge& taken = edge(*node, l, path[l], workspace);
        if (!records.empty()) records[l] += *taken.record;
        node = taken.to;
    }
    return {node->wrong, &node->values};
}

const BlockMap& BlockTree::output_of(const Node& node, int at, int layer) const {
    if (layer < 0) return input_;
    const Node* found = &node;
    for (; at > layer; --at) found = found->parent;
    return found->values;
}

void BlockTree::take_input() {
    input_.reshape(variants_.schedule(0, 0).input, block_.count, variants_.input_is_signed());
    for (int image = 0; image < block_.count; ++image) input_.put_image(image, block_.image(image));
}

BlockTree::Edge& BlockTree::edge(Node& node, std::size_t layer, int variant, fast::Workspace& workspace) {
    const auto at = static_cast<std::size_t>(variant);
    if (node.edges.size() <= at) {
        bytes_ += (variants_.count(layer) - node.edges.size()) * sizeof(Edge);
        node.edges.resize(variants_.count(layer));
    }
    Edge& wanted = node.edges[at];
    if (wanted.to != nullptr) return wanted;
    for (std::size_t v = 0; v < node.edges.size(); ++v) {
        const Edge& other = node.edges[v];
        if (other.to == nullptr || !other.quiet) continue;
        if (!no_event_implies_none(variants_.key(layer, static_cast<int>(v)), variants_.key(layer, variant))) continue;
        return wanted = other;
    }
    const LayerSchedule& schedule = variants_.schedule(layer, variant);
    const int before = static_cast<int>(layer) - 1;
    const BlockMap& input = output_of(node, before, schedule.input_layer);
    const BlockMap* operand = schedule.adds_map() ? &output_of(node, before, schedule.addition->layer) : nullptr;
    BlockMap output = std::move(scratch_);
    LayerRecord record;
    workspace.keeps_psums = keeps_records_;
    variants_.layer(layer, variant).run(input, operand, output, workspace, record, {});
    wanted.quiet = record.overflow.events == 0;
    if (keeps_records_) {
        wanted.record = &records_.emplace_back(record);
        bytes_ += sizeof(LayerRecord);
    }
    wanted.to = equal_sibling(node, output);
    if (wanted.to != nullptr) {
        scratch_ = std::move(output);
        return wanted;
    }
    Node& made = nodes_.emplace_back();
    made.parent = &node;
    made.values = std::move(output);
    bytes_ += sizeof(Node) + made.values.capacity();
    if (layer + 1 == variants_.layers()) made.wrong = classify(made.values);
    wanted.to = &made;
    return wanted;
}

BlockTree::Node* BlockTree::equal_sibling(const Node& node, const BlockMap& values) const {
    for (const Edge& other : node.edges) {
        if (other.to != nullptr && other.to->values == values) return other.to;
    }
    return nullptr;
}

std::uint32_t BlockTree::classify(const BlockMap& values) const {
    std::uint32_t wrong = 0;
    std::vector<std::uint8_t> output(values.image_bytes());
    for (int image = 0; image < block_.count; ++image) {
        const int label = block_.labels[static_cast<std::size_t>(image)];
        if (label < 0) continue;
        values.take_image(image, output);
        if (variants_.classify(output) != label) wrong |= std::uint32_t{1} << image;
    }
    return wrong;
}

}  // namespace widthwise

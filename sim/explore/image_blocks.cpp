// SPDX-License-Identifier: Apache-2.0
#include "explore/image_blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "common/error.h"
#include "common/parallel.h"

namespace widthwise {

using fast::kLanes;

namespace {

std::size_t blocks_for(std::size_t images) { return (images + kLanes - 1) / kLanes; }

void set_image(ImageBlock& block, int lane, int image, int label) {
    const auto at = static_cast<std::size_t>(lane);
    block.images[at] = image;
    block.labels[at] = label;
    if (label >= 0) block.labelled |= std::uint32_t{1} << lane;
    block.lanes = lane + 1;
}

/// Preprocessing can make much of a small file.
void check_size(std::size_t blocks, std::size_t values) {
    const std::size_t most = kMaxImageBlockBytes / (values * sizeof(fast::LaneBytes));
    if (blocks <= most) return;
    throw InputError(
        fmt::format("{} blocks of {} images, each {} values as the network takes them, are too many to be "
                    "held at once (allowed: up to {} blocks of this size); choose fewer images",
                    blocks, kLanes, values, most));
}

}  // namespace

std::vector<ImageBlock> make_image_blocks(std::span<const int> images, const ImageSource& source,
                                          const LabelSource& label, int threads) {
    std::vector<ImageBlock> blocks(blocks_for(images.size()));
    parallel_for(blocks.size(), threads, {}, [&](std::size_t b, int) {
        ImageBlock& block = blocks[b];
        const std::size_t first = b * kLanes;
        const std::size_t end = std::min(images.size(), first + kLanes);
        for (std::size_t i = first; i < end; ++i) {
            const auto lane = static_cast<int>(i - first);
            const std::vector<std::uint8_t> values = source(images[i]);
            check_size(blocks.size(), values.size());
            if (block.input.empty()) block.input.assign(values.size(), fast::LaneBytes{});
            for (std::size_t v = 0; v < values.size(); ++v) block.input[v].lane[lane] = values[v];
            set_image(block, lane, images[i], label(images[i]));
        }
    });
    return blocks;
}

std::vector<ImageBlock> reordered(const std::vector<ImageBlock>& blocks, std::span<const int> order) {
    std::unordered_map<int, std::pair<const ImageBlock*, int>> places;
    for (const ImageBlock& block : blocks) {
        for (int lane = 0; lane < block.lanes; ++lane)
            places[block.images[static_cast<std::size_t>(lane)]] = {&block, lane};
    }
    std::vector<ImageBlock> result(blocks_for(order.size()));
    for (std::size_t i = 0; i < order.size(); ++i) {
        const auto [from, from_lane] = places.at(order[i]);
        ImageBlock& block = result[i / kLanes];
        const auto lane = static_cast<int>(i % kLanes);
        block.input.resize(from->input.size());
        for (std::size_t v = 0; v < block.input.size(); ++v) block.input[v].lane[lane] = from->input[v].lane[from_lane];
        set_image(block, lane, order[i], from->labels[static_cast<std::size_t>(from_lane)]);
    }
    return result;
}

}  // namespace widthwise

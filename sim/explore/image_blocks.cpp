// SPDX-License-Identifier: Apache-2.0
#include "explore/image_blocks.h"

#include <algorithm>
#include <bit>
#include <unordered_map>
#include <utility>

#include "common/parallel.h"

namespace widthwise {

using fast::kMostImages;

namespace {

std::size_t blocks_for(std::size_t images) { return (images + kMostImages - 1) / kMostImages; }

/// The images of one block.
std::span<const int> images_of(std::span<const int> images, std::size_t block) {
    const std::size_t first = block * kMostImages;
    return images.subspan(first, std::min<std::size_t>(kMostImages, images.size() - first));
}

void add_image(ImageBlock& block, int image, int label, std::span<const std::uint8_t> values) {
    const auto at = static_cast<std::size_t>(block.count);
    block.images[at] = image;
    block.labels[at] = label;
    if (label >= 0) block.labelled |= std::uint32_t{1} << at;
    ++block.count;
    block.input.insert(block.input.end(), values.begin(), values.end());
}

ImageBlock make_block(std::span<const int> images, const ImageSource& source, const LabelSource& label) {
    ImageBlock block;
    for (const int image : images) add_image(block, image, label(image), source(image));
    return block;
}

}  // namespace

std::vector<ImageBlock> make_image_blocks(std::span<const int> images, const ImageSource& source,
                                          const LabelSource& label, int threads) {
    std::vector<ImageBlock> blocks(blocks_for(images.size()));
    parallel_for(blocks.size(), threads, {},
                 [&](std::size_t b, int) { blocks[b] = make_block(images_of(images, b), source, label); });
    return blocks;
}

std::vector<ImageBlock> reordered(const std::vector<ImageBlock>& blocks, std::span<const int> order) {
    std::unordered_map<int, std::pair<const ImageBlock*, int>> places;
    for (const ImageBlock& block : blocks) {
        for (int i = 0; i < block.count; ++i) places[block.images[static_cast<std::size_t>(i)]] = {&block, i};
    }
    std::vector<ImageBlock> result(blocks_for(order.size()));
    for (std::size_t i = 0; i < order.size(); ++i) {
        const auto [from, place] = places.at(order[i]);
        add_image(result[i / kMostImages], order[i], from->labels[static_cast<std::size_t>(place)], from->image(place));
    }
    return result;
}

ImageBlocks::ImageBlocks(std::vector<ImageBlock> blocks) {
    for (const ImageBlock& block : blocks) {
        images_.insert(images_.end(), block.images.begin(), block.images.begin() + block.count);
        labelled_ += static_cast<std::uint64_t>(std::popcount(block.labelled));
    }
    held_ = std::make_shared<const std::vector<ImageBlock>>(std::move(blocks));
}

ImageBlocks::ImageBlocks(std::vector<int> images, ImageSource source, LabelSource label, int threads,
                         std::size_t most_held)
    : images_(std::move(images)), source_(std::move(source)), label_(std::move(label)) {
    labelled_ = static_cast<std::uint64_t>(
        std::count_if(images_.begin(), images_.end(), [this](int image) { return label_(image) >= 0; }));
    const std::size_t values = images_.empty() ? 0 : source_(images_.front()).size();
    const std::size_t block_bytes = std::max<std::size_t>(1, values) * kMostImages;
    if (size() > most_held / block_bytes) return;
    held_ = std::make_shared<const std::vector<ImageBlock>>(make_image_blocks(images_, source_, label_, threads));
    source_ = nullptr;
}

std::size_t ImageBlocks::size() const { return blocks_for(images_.size()); }

std::shared_ptr<const ImageBlock> ImageBlocks::at(std::size_t block) const {
    if (are_held()) return {held_, &(*held_)[block]};
    return std::make_shared<const ImageBlock>(make_block(images_of(images_, block), source_, label_));
}

ImageBlocks ImageBlocks::in_order(std::vector<int> images) const {
    if (are_held()) return reordered(*held_, images);
    ImageBlocks result = *this;
    result.images_ = std::move(images);
    return result;
}

}  // namespace widthwise

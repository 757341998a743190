// SPDX-License-Identifier: Apache-2.0
// Quantized images in blocks, as the fast engine takes them: made once for many evaluations when they are few, made
// again whenever they are asked for when they are many.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/fast/fast_layer.h"
#include "engine/images.h"

namespace widthwise {

/// Up to fast::kMostImages images.
struct ImageBlock {
    std::vector<std::uint8_t> input;  ///< image after image, as they are stored
    int count = 0;
    std::array<int, fast::kMostImages> images{};
    std::array<int, fast::kMostImages> labels{};  ///< -1: not known
    std::uint32_t labelled = 0;                   ///< bit per image
    /// One of them.
    [[nodiscard]] std::span<const std::uint8_t> image(int number) const {
        const std::size_t values = input.size() / static_cast<std::size_t>(count);
        return std::span(input).subspan(static_cast<std::size_t>(number) * values, values);
    }
};

using LabelSource = std::function<int(int image)>;  ///< -1: not known

/// What the blocks of a sweep or search hold together; beyond it none is held.
inline constexpr std::size_t kMostHeldBlockBytes = std::size_t{256} << 20;

/// The images in the order given, all held. `source` is called from several threads.
std::vector<ImageBlock> make_image_blocks(std::span<const int> images, const ImageSource& source,
                                          const LabelSource& label, int threads);

/// The same images in another order. Each of `order` must be in one of the blocks.
std::vector<ImageBlock> reordered(const std::vector<ImageBlock>& blocks, std::span<const int> order);

/// The blocks of some images in some order. Users see no difference between those that are held and others.
class ImageBlocks {
public:
    /// Held.
    ImageBlocks(std::vector<ImageBlock> blocks);
    /// Held, made on `threads` threads, if they take no more than `most_held` bytes. `source` and `label` are kept, and
    /// called from whichever threads ask for a block.
    ImageBlocks(std::vector<int> images, ImageSource source, LabelSource label, int threads,
                std::size_t most_held = kMostHeldBlockBytes);

    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] const std::vector<int>& images() const { return images_; }
    [[nodiscard]] std::uint64_t labelled() const { return labelled_; }  ///< images
    [[nodiscard]] bool are_held() const { return source_ == nullptr; }
    /// A block for as long as the caller keeps it.
    [[nodiscard]] std::shared_ptr<const ImageBlock> at(std::size_t block) const;
    /// The same images in another order.
    [[nodiscard]] ImageBlocks in_order(std::vector<int> images) const;

private:
    std::vector<int> images_;
    std::uint64_t labelled_ = 0;
    std::shared_ptr<const std::vector<ImageBlock>> held_;
    ImageSource source_;  ///< none: held
    LabelSource label_;
};

}  // namespace widthwise

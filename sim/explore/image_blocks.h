// SPDX-License-Identifier: Apache-2.0
// Quantized images in the layout of the fast engine, made once for many evaluations.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/fast/fast_layer.h"
#include "engine/images.h"

namespace widthwise {

/// Up to fast::kLanes images, one per lane.
struct ImageBlock {
    fast::BlockMap input;
    int lanes = 0;
    std::array<int, fast::kLanes> images{};  ///< which image each lane holds
    std::array<int, fast::kLanes> labels{};  ///< -1: not known
    std::uint32_t labelled = 0;              ///< bit per lane
};

using LabelSource = std::function<int(int image)>;  ///< -1: not known

/// What the blocks of one call hold together.
inline constexpr std::size_t kMaxImageBlockBytes = std::size_t{4} << 30;

/// The images in the order given. `source` is called from several threads. Throws InputError when they would hold more
/// than kMaxImageBlockBytes.
std::vector<ImageBlock> make_image_blocks(std::span<const int> images, const ImageSource& source,
                                          const LabelSource& label, int threads);

/// The same images in another order. Each of `order` must be in one of the blocks.
std::vector<ImageBlock> reordered(const std::vector<ImageBlock>& blocks, std::span<const int> order);

}  // namespace widthwise

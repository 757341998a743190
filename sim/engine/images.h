// SPDX-License-Identifier: Apache-2.0
// How both engines get images and hand out results.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace widthwise {

/// Quantized network input of image `index`: channels x height x width bytes. The fast engine calls it from several
/// threads.
using ImageSource = std::function<std::vector<std::uint8_t>(int index)>;
/// Takes image `index`'s quantized network output; called in order, from the calling thread.
using OutputSink = std::function<void(int index, std::span<const std::uint8_t> output)>;
/// Takes one quantized value of one operator's result: (operator index, image, channel, pixel, value).
using ValueSink = std::function<void(int, int, int, int, int)>;

}  // namespace widthwise

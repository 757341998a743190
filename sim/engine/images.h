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
/// Takes image `index`'s network output as it is stored: quantized bytes, or sums (LayerSchedule::value_bytes); called in
/// order, from the calling thread.
using OutputSink = std::function<void(int index, std::span<const std::uint8_t> output)>;
/// Takes one value of one operator's result, quantized or a sum that leaves: (operator index, image, channel, pixel,
/// value).
using ValueSink = std::function<void(int, int, int, int, std::int64_t)>;

}  // namespace widthwise

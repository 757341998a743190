// SPDX-License-Identifier: Apache-2.0
// How large a model and its parts may be. What a file can claim in a few bytes is bounded before memory is taken for
// it. configs/README.md has these limits for users.
#pragma once

#include <cstdint>

#include "common/input_file.h"

namespace widthwise {

inline constexpr FileLimit kModelFile{"an ONNX model", std::int64_t{1} << 30};
/// Messages, texts and unknown fields in the file: each costs some hundred bytes once parsed, and two in the file.
inline constexpr std::int64_t kMaxModelParts = 500000;
/// Numbers stored one by one rather than as raw bytes; up to eight bytes each once parsed.
inline constexpr std::int64_t kMaxModelNumbers = std::int64_t{1} << 27;

/// Values of one constant.
inline constexpr std::int64_t kMaxConstantValues = std::int64_t{1} << 30;
/// Bytes that a constant computed from others may have beyond theirs, and all of them together beyond the file's own.
inline constexpr std::int64_t kMaxFoldedBytes = std::int64_t{1} << 26;

/// Pixels along an axis of a feature map, output channels of a layer with weights, and each number of a window: kernel,
/// strides, dilations, pads, and the pixels that a dilated kernel spans.
inline constexpr std::int64_t kMaxExtent = 65535;
/// Values of one image's feature map.
inline constexpr std::int64_t kMaxMapValues = std::int64_t{1} << 24;
/// Products that make one sum.
inline constexpr std::int64_t kMaxTaps = std::int64_t{1} << 20;
inline constexpr std::size_t kMaxOperators = 4096;
/// Bytes of all operators' weights (one each, as stored; in memory two), biases and scales; counts those that operators
/// share once for each.
inline constexpr std::int64_t kMaxParameterBytes = std::int64_t{1} << 28;

}  // namespace widthwise

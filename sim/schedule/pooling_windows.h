// SPDX-License-Identifier: Apache-2.0
// Which pooling windows a pixel belongs to, and which of them it completes.
#pragma once

#include <algorithm>
#include <vector>

namespace widthwise {

/// Pooling windows along one axis that contain a pixel: [first, end); those before `open` end with it.
struct PixelWindows {
    int first = 0;
    int end = 0;
    int open = 0;
    [[nodiscard]] bool completes_any() const { return open > first; }
};

/// For each pixel of an axis of `extent` pixels. A window ends with its last pixel that lies inside the feature map:
/// padding can cut it off.
inline std::vector<PixelWindows> windows_along(int extent, int kernel, int stride, int pad, int outputs) {
    std::vector<PixelWindows> windows(static_cast<std::size_t>(extent));
    for (int at = 0; at < extent; ++at) {
        PixelWindows& w = windows[static_cast<std::size_t>(at)];
        const int oldest = at + pad - kernel + 1;  // first pixel of the oldest window that reaches this one
        w.first = oldest <= 0 ? 0 : (oldest + stride - 1) / stride;
        w.end = std::max(w.first, std::min(outputs, (at + pad) / stride + 1));
        w.open = w.first;
        while (w.open < w.end && std::min(w.open * stride - pad + kernel, extent) - 1 == at) ++w.open;
    }
    return windows;
}

/// Rows of windows that can be open at once, of `outputs` in all.
inline int open_rows(int kernel, int stride, int outputs) { return std::min((kernel + stride - 1) / stride, outputs); }

}  // namespace widthwise

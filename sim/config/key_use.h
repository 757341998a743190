// SPDX-License-Identifier: Apache-2.0
// Which key is used under which circumstances. A key that nothing uses is accepted, named by `widthwise check`, and
// left out of resolved files, digests and energies (configs/README.md, "Keys without effect").
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "config/hardware.h"

namespace widthwise {

/// What there is in one layer, or in all layers of a network together, that can use a key.
struct KeyUsers {
    bool weights = false;         ///< a convolution or a fully connected operator: accumulators, multipliers, weights
    bool requantized = false;     ///< one of these whose sums do not leave as they are
    bool requantization = false;  ///< of stored integers, without weights
    bool common_width = false;    ///< one of these that accumulator.layers does not name
    bool bias = false;            ///< a requantized one with a bias (of which the input's zero point makes a part)
    bool convolution = false;
    bool kernel_loops = false;  ///< a convolution of which two or more of row, column and channel have several values
    bool map_lines = false;     ///< a feature map that streams row by row: any layer but a fully connected one
    bool output_rows = false;   ///< output pixels in several rows
    bool pool = false;
    bool average_pool = false;  ///< that divides: one whose sums are shifted has no key
    bool addition = false;
    bool constants = false;  ///< an addition of a constant
    bool strips = false;     ///< a layer whose maps do not all lie in the activation buffer
    KeyUsers& operator|=(const KeyUsers& other);
    friend bool operator==(const KeyUsers&, const KeyUsers&) = default;
};

/// What a key needs to have an effect. A key may have several rows, one after the other, and needs them all. Keys
/// without a row are always used.
struct KeyNeed {
    std::string_view key;  ///< dotted
    bool (*met)(const HardwareParams& hardware, const KeyUsers& users);
    std::string_view otherwise;  ///< why the key has no effect when it is not met
    void (*copy)(const HardwareParams& from, HardwareParams& hardware);  ///< the key's value
};

/// The one table of them, in the order of the file.
std::span<const KeyNeed> key_needs();

/// In the order of the file, each once.
std::vector<UnusedKey> unused_keys(const HardwareParams& hardware, const KeyUsers& users);

/// `hardware` with defaults in place of all values that nothing uses: what is computed from it cannot depend on them.
HardwareParams used_part(const HardwareParams& hardware, const KeyUsers& users);

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// The widths that a search has chosen, on images that did not choose them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/hardware.h"
#include "engine/images.h"
#include "explore/image_blocks.h"
#include "network/network.h"

namespace widthwise {

/// Settings of all layers to be looked at.
struct WidthSetting {
    std::string name;
    HardwareParams hardware;
};

struct ValidatedPoint {
    std::string name;
    std::uint64_t images = 0;
    std::uint64_t labelled = 0;
    std::uint64_t correct = 0;
    std::uint64_t changed = 0;  ///< images whose class is another than the first candidate's
    /// Part of all images, 0..1, that lies above the true part of changed ones with a confidence of 95 %.
    double changed_below = 0;
};

/// Classes that the hardware gives images [first, end), on the fast engine. `report` counts images.
std::vector<int> classes_of(const Network& network, const HardwareParams& hardware, int first, int end, int threads,
                            const ImageSource& source, const std::function<void(int)>& report);

/// Each candidate on images [first, end), of which there is one at least. The first is the reference.
std::vector<ValidatedPoint> validate(const Network& network, const std::vector<WidthSetting>& candidates, int first,
                                     int end, int threads, const ImageSource& source, const LabelSource& label,
                                     const std::function<void(int)>& report);

/// Where `changed` of `images` drawn at random have changed: the one-sided upper bound of Clopper and Pearson (1934) on
/// the part of all images that change, with a confidence of 95 %. 3 / images, nearly, where none has changed.
double changed_below(std::uint64_t changed, std::uint64_t images);

}  // namespace widthwise

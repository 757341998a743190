// SPDX-License-Identifier: Apache-2.0
// The stage of the RequantUnit.
#pragma once

#include <vector>

#include "arithmetic/requantize.h"
#include "layer/fields.h"

namespace widthwise {

/// Sums become stored integers. A computation without it is the network's last layer, whose sums leave as they are.
struct Requantization {
    RequantFormat format;
    std::vector<RequantScale> scales;  ///< per output channel
};

template <FieldsOf<Requantization> Self, typename Visitor>
void visit_fields(Self& self, Visitor&& visit) {
    auto& [format, scales] = self;
    visit("format", format, Role::values);
    visit("scales", scales, Role::values);
}

inline const RequantScale& scale_of(const Requantization& stage, int channel) {
    return stage.scales[static_cast<std::size_t>(channel)];
}

}  // namespace widthwise

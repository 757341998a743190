// SPDX-License-Identifier: Apache-2.0
// Limits of integers that stand alone in a file, and belong to the operator before them.
#pragma once

#include <set>
#include <string>

#include "network/network.h"

namespace widthwise {

/// An operator named in `names` (a MaxPool of one pixel) limits what another computes. Where nothing else reads that, its
/// limits go into the operator before it, or, if they are the range of an integer of fewer bits, into the network's input,
/// and it is dropped; otherwise it stays, as a pass through the pool unit. Tensors that nothing uses are dropped.
void merge_lone_limits(Network& network, const std::set<std::string>& names);

}  // namespace widthwise

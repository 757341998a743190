// SPDX-License-Identifier: Apache-2.0
// What can be checked of an accelerator without a network.
#pragma once

#include "config/hardware.h"

namespace widthwise {

/// Checks what can be checked without the network. Throws InputError naming the dotted key, value and allowed range.
void validate(const HardwareParams& hardware);

}  // namespace widthwise

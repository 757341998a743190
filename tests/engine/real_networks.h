// SPDX-License-Identifier: Apache-2.0
// Networks that people use, with random weights: what they are worth is their shapes.
#pragma once

#include "network/network.h"

namespace widthwise::test {

/// For images of 3 x side x side; a side of 32 or more.
Network resnet18(int side);
Network vgg16(int side);
Network mobilenet_v2(int side);

}  // namespace widthwise::test

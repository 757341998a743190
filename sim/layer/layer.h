// SPDX-License-Identifier: Apache-2.0
// What a layer does, in the order of the datapath: an optional computation on the array, then the stages that its results
// pass, each of which may be missing. Without a computation the input's pixels pass the array as they are.
#pragma once

#include "layer/computation.h"
#include "layer/stages/addition.h"
#include "layer/stages/pooling.h"
#include "layer/stages/requantization.h"

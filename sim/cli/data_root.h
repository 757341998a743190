// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace widthwise {

/// The folder that holds configs/energy: the environment's WIDTHWISE_HOME when set; else the nearest folder around the
/// executable that has them, itself or in share/widthwise; else the source tree it was built from. Throws InputError
/// when WIDTHWISE_HOME has no configs/energy.
std::string data_root();

}  // namespace widthwise

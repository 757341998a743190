// SPDX-License-Identifier: Apache-2.0
// One of the two formats behind read_array_header().
#pragma once

#include "data/array_header.h"

namespace widthwise {

/// NumPy's format 1.0, 2.0 or 3.0: magic, version, length, a dictionary of Python with descr, fortran_order and shape.
ArrayHeader read_npy_header(const UnpackedFile& file);
bool is_npy(const UnpackedFile& file);

}  // namespace widthwise

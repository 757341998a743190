// SPDX-License-Identifier: Apache-2.0
// The two formats behind read_array_header().
#pragma once

#include "data/array_header.h"

namespace widthwise {

/// IDX as published with MNIST: two zero bytes, a type byte, the rank, big-endian 32-bit dimensions, the values.
ArrayHeader read_idx_header(const UnpackedFile& file);

/// NumPy's format 1.0, 2.0 or 3.0: magic, version, length, a dictionary of Python with descr, fortran_order and shape.
ArrayHeader read_npy_header(const UnpackedFile& file);
bool is_npy(const UnpackedFile& file);

/// Adds a dimension; throws InputError when it, or the number of values so far, is out of range.
void add_dimension(const UnpackedFile& file, ArrayHeader& header, std::uint64_t extent);

}  // namespace widthwise

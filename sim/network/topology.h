// SPDX-License-Identifier: Apache-2.0
// Lists of layers' shapes, without values: what cycles, traffic and energy need of a network.
#pragma once

#include <string>

#include "network/network.h"

namespace widthwise {

/// Whether a network's path is that of such a list: it ends in .csv, in any case.
bool is_topology_path(const std::string& path);

/// Reads a table with one layer a row, its columns named by the first row, in one of three forms:
///   - SCALE-Sim's convolutions (Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter,
///     Strides): padding is part of the map, and a window that hangs over its end counts, as SCALE-Sim rounds up;
///   - SCALE-Sim's matrix products (Layer, M, N, K): a convolution with a 1x1 kernel over M pixels with K channels, and N
///     filters; the pixels in rows of the largest divisor of M up to 64, or in one row if none from 8 on divides M;
///   - name, channels, height, width, filters and, where they differ from 1, 1, 1, 0, 1, 1: kernel_height, kernel_width,
///     stride, padding (on all sides), groups, dilation.
/// The layers do not feed one another (Network::layers_apart); they have 8-bit operands. Throws InputError naming the file
/// and the line.
Network read_topology(const std::string& path);

/// An ONNX file or such a list, by its path; `output` as import_onnx().
Network import_network(const std::string& path, const std::string& output = "");

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/run_config.h"
#include "kit/temporary_files.h"

namespace widthwise::test {

/// A configuration in which no key has its default.
inline RunConfig unusual_config() {
    const TemporaryFolder folder;
    return load_run_config(folder.write(
        "unusual.yaml",
        "name: other\nnetwork: /n.onnx\nnetwork_output: o\nimages: /i\nlabels: /l\npreprocessing:\n  fit: none\n"
        "  scale: 1/4\n  mean: [1, 2]\n  deviation: 3\n  layout: hwc\n  quantized: true\nclock_mhz: 1.5\nbatch: 2\n"
        "array:\n  rows: 3\n  columns: 5\n  mapping: flat\n  interconnect: systolic\n  zero_gating: true\n"
        "  shadow_accumulators: false\n  activation_bits: 7\n  weight_bits: 6\naccumulator:\n  bits: 20\n"
        "  overflow: wrap\n  check: per_output\n  order: [channel, row, column]\n  bias: requant\n"
        "  statistics: every_add\n  layers: {c1: 9}\nrequantization:\n  mode: shift\n  rounding: floor\n"
        "  multiplier_bits: 9\n  lanes: 3\npooling:\n  rounding: floor\n  row_buffer_bytes: 12\nline_buffer:\n  name: "
        "a\n  rows: 5\n"
        "  fill_bytes_per_cycle: 3\n  read_bytes_per_cycle: 4\n  bytes: 99\nactivation_buffer:\n  name: b\n  bytes: "
        "98\n  ports: 1\n  strip_rows: "
        "5\n  "
        "strip_channels: 6\n  "
        "prefetch_strips: false\nweight_buffer:\n"
        "  name: c\n  bytes: 97\n  storage: streamed\n  bytes_per_cycle: 3\ndram:\n  name: d\n  latency: 7\n  "
        "bytes_per_cycle: 3\n  bytes: "
        "123456789\n"
        "energy:\n  table: course\n  loop_accounting: true\n"));
}

}  // namespace widthwise::test

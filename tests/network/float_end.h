// SPDX-License-Identifier: Apache-2.0
// A quantized network without its last quantizer, so that it ends with the real sums of its last layer.
#pragma once

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <string>

#include "kit/file_text.h"

namespace widthwise::test {

/// Bytes of the ONNX file at `path`, cut off behind the node before the last QuantizeLinear.
inline std::string with_float_end(const std::string& path) {
    onnx::ModelProto model;
    model.ParseFromString(read_file(path));
    onnx::GraphProto& graph = *model.mutable_graph();
    std::string end = graph.output(0).name();
    const auto drop = [&](const std::string& type) {
        auto& nodes = *graph.mutable_node();
        const auto made_by = std::find_if(nodes.begin(), nodes.end(), [&](const onnx::NodeProto& node) {
            return node.op_type() == type && node.output(0) == end;
        });
        if (made_by == nodes.end()) return;
        end = made_by->input(0);
        nodes.erase(made_by);
    };
    drop("DequantizeLinear");
    drop("QuantizeLinear");
    graph.mutable_output(0)->set_name(end);
    return model.SerializeAsString();
}

}  // namespace widthwise::test

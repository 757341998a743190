// SPDX-License-Identifier: Apache-2.0
// What the graph's input holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "network/onnx_layout.h"
#include "network/onnx_model.h"

namespace widthwise {

/// The graph input, and whether it holds integers. Throws InputError unless it is float, int8 or uint8 and has 2 to 4
/// dimensions, with all but the first known and positive. Which of them are channels, height and width is what the nodes
/// behind it say (a Transpose from channels last, a Conv of one dimension), else N x C x H x W, N x H x W, N x features.
struct GraphInput {
    FeatureView view;
    bool is_integer = false;
    bool is_signed = false;
    bool batch_is_open = false;
};
GraphInput read_graph_input(const OnnxModel& model);
/// What dimensions of these extents (without the batch) stand for, as the first Conv, pool or Transpose behind the tensor
/// reads them, through nodes that compute each value alone and Unsqueeze; nothing where there is none.
std::optional<FeatureView> view_as_read(const OnnxModel& model, const std::string& tensor,
                                        const std::vector<std::int64_t>& extents, std::int64_t batch);
/// Whether what is made of the tensor, without arithmetic between its values, meets a Transpose from channels last.
bool has_channels_last(const OnnxModel& model, const std::string& tensor);

}  // namespace widthwise

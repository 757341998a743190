// SPDX-License-Identifier: Apache-2.0
// Values that a model keeps in a file beside it, as exporters do from 2 GiB on and PyTorch does from far less.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <set>
#include <string>

namespace widthwise {

/// Fetches the values of tensors that are stored outside of one model file.
class ExternalData {
public:
    explicit ExternalData(std::string model_path) : model_path_(std::move(model_path)) {}
    /// Puts them into the tensor's raw data; leaves other tensors alone. The file must lie in the model's folder or below
    /// it. Throws InputError, its text beginning with "constant 'NAME'", when it does not, cannot be read, is shorter than
    /// the tensor says, or when all tensors together take more than a model file may have.
    void read(onnx::TensorProto& tensor);
    /// The files that were read.
    [[nodiscard]] const std::set<std::string>& files() const { return files_; }

private:
    std::string model_path_;
    std::set<std::string> files_;
    std::int64_t bytes_ = 0;
};

}  // namespace widthwise

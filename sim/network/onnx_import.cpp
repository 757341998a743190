// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_import.h"

#include <filesystem>

#include "common/error.h"
#include "common/md5.h"
#include "network/onnx_graph.h"
#include "network/onnx_model.h"
#include "network/topology.h"
#include "text/printable.h"

namespace widthwise {
namespace {

/// Values that lie outside of the model file are part of it, and so is the choice of one of several outputs.
std::string digest_of(const OnnxModel& model) {
    std::string digest = md5_of_file(model.path());
    if (model.external_files().empty() && model.other_outputs().empty()) return digest;
    for (const std::string& file : model.external_files()) digest += md5_of_file(file);
    if (!model.other_outputs().empty()) digest += model.output_name();
    return md5_of_bytes(digest.data(), digest.size());
}

}  // namespace

Network import_onnx(const std::string& path, const std::string& output) {
    if (is_topology_path(path)) {
        throw InputError(path +
                         ": is a list of layers' shapes, which only run --shapes-only and check take; expected "
                         "an ONNX file");
    }
    OnnxModel model(path, output);
    Network network = GraphImporter(model).run();
    network.name = valid_utf8(model.graph().name());
    if (network.name.empty()) network.name = std::filesystem::path(path).stem().string();
    network.path = path;
    network.digest = digest_of(model);
    return network;
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// Small results as the commands write them, made by hand.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "kit/temporary_files.h"

namespace widthwise::test {

using Json = nlohmann::ordered_json;

inline Json small_layer(const std::string& name, int bits) {
    return {{"name", name},
            {"kind", "convolution"},
            {"utilisation", 0.5},
            {"cycles", {{"total", 100}, {"compute", 80}, {"stalls", {{"drain", 20}, {"fill", 0}}}}},
            {"accumulator",
             {{"bits", bits},
              {"bits_needed", 5},
              {"bits_l1_bound", 6},
              {"bits_data_type_bound", 7},
              {"overflow", {{"outputs", 10}, {"events", 3}, {"transient", 1}, {"persistent", 1}}},
              {"psums", {{"count", 10}, {"min", -9}, {"max", 12}, {"mean", 0}, {"deviation", 1}}}}},
            {"energy", {{"total", 30.0}, {"multiply", 20.0}, {"add", 10.0}, {"pool", 0.0}}}};
}

/// summary.json of two images and one layer.
inline Json small_summary(int bits = 8) {
    Json json = {
        {"tool", {{"name", "widthwise"}, {"version", "1.2.3"}}},
        {"command", "widthwise run a.yaml"},
        {"engine", "fast"},
        {"accelerator", "small"},
        {"network", {{"name", "n"}, {"file", "models/n.onnx"}, {"md5", "1"}}},
        {"data", {{"images", {{"file", "i.gz"}, {"md5", "2"}}}, {"labels", nullptr}}},
        {"energy_table", {{"name", "t"}, {"unit", "pJ"}, {"node", "45 nm"}, {"source", "s"}, {"md5", "3"}}},
        {"images", {{"first", 0}, {"end", 2}, {"count", 2}}},
        {"clock_mhz", 500.0},
        {"batch", 1},
        {"accuracy", {{"labelled", 2}, {"correct", 1}, {"percent", 50.0 + bits}}},
        {"per_inference", {{"cycles", 50.0}, {"energy", {{"total", 10.0 + bits}, {"multiply", 10.0}, {"add", bits}}}}}};
    json["layers"] = {small_layer("c1", bits)};
    return json;
}

inline std::string write_small_run(const TemporaryFolder& folder, const std::string& name = "run", int bits = 8) {
    folder.write(name + "/summary.json", small_summary(bits).dump());
    folder.write(name + "/config.yaml", "name: small\n");
    return folder.path(name);
}

}  // namespace widthwise::test

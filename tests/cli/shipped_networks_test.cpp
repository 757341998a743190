// SPDX-License-Identifier: Apache-2.0
// The networks of MLPerf Tiny in models/ on their configuration, in both engines: every layer's values, and all counts.
#include <gmock/gmock.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>

#include "kit/file_text.h"
#include "kit/temporary_files.h"
#include "kit/tool.h"

namespace widthwise {
namespace {

struct Shipped {
    const char* name;
    std::uint64_t macs;  ///< of the published topology
};
std::ostream& operator<<(std::ostream& out, const Shipped& shipped) { return out << shipped.name; }

class ShippedNetwork : public testing::TestWithParam<Shipped> {};

TEST_P(ShippedNetwork, GivesTheSameInBothEngines) {
    const std::string name = std::string("tiny-") + GetParam().name;
    const test::TemporaryFolder folder;
    const auto summary = [&](const std::string& engine) {
        const test::ToolResult result =
            test::run_tool({"run", "configs/tiny-16x16.yaml", "--set", "network=models/" + name + ".onnx", "--set",
                            "images=traces/tiny/" + name + "-images.gz", "--images", "3:4", "--engine", engine,
                            "--dump-layers", folder.path(engine), "--json", "--quiet"});
        EXPECT_EQ(result.status, 0) << result.err;
        nlohmann::json json = nlohmann::json::parse(result.out);
        json.erase("engine");
        json.erase("command");
        return json;
    };
    const nlohmann::json clocked = summary("systemc");
    EXPECT_EQ(clocked, summary("fast"));
    EXPECT_EQ(test::files_of(folder.path("systemc")), test::files_of(folder.path("fast")));
    EXPECT_EQ(clocked["total"]["macs"], GetParam().macs);
    EXPECT_EQ(clocked["total"]["overflow"]["events"], 0);
}

INSTANTIATE_TEST_SUITE_P(Tiny, ShippedNetwork,
                         testing::Values(Shipped{"resnet8", 12501632}, Shipped{"dscnn", 2656768},
                                         Shipped{"mobilenet", 7489664}, Shipped{"autoencoder", 264192}),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace widthwise

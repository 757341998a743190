// SPDX-License-Identifier: Apache-2.0
// widthwise schema: the keys of accelerator files, as they are read.
#include "config/schema.h"

#include "cli/command.h"
#include "cli/output.h"
#include "config/config_keys.h"
#include "results/run_files.h"

namespace widthwise {
namespace {

nlohmann::ordered_json keys_json() {
    nlohmann::ordered_json keys = nlohmann::ordered_json::array();
    for (const ConfigKey& key : config_keys()) {
        keys.push_back({{"key", key.key},
                        {"type", key.type},
                        {"allowed", key.allowed},
                        {"default", key.fallback},
                        {"meaning", key.meaning}});
    }
    return keys;
}

void schema(const ParsedOptions& options) {
    const bool table = options.has("table");
    if (options.has("json")) print_text(table ? json_text(keys_json()) : config_schema());
    else if (!options.has("quiet")) print_text(table ? config_table() : config_schema());
}

}  // namespace

Command schema_command() {
    CommandSpec spec;
    spec.name = "schema";
    spec.summary = "Print the keys of accelerator files: a JSON Schema, or a table.";
    spec.details =
        "configs/schema.json and the table in configs/README.md are what this prints. Each key can be changed\n"
        "by --set KEY=VALUE, and be an axis of a sweep (see configs/sweeps/README.md).";
    spec.options = {{"table", "", "A Markdown table instead of the JSON Schema; with --json, a list of the keys."}};
    spec.examples = {"--table", "--json"};
    return {spec, schema};
}

}  // namespace widthwise

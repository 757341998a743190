// SPDX-License-Identifier: Apache-2.0
// widthwise migrate: accelerator files of an earlier version, rewritten in place.
#include "config/migrate.h"

#include <fmt/format.h>

#include <deque>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/command.h"
#include "cli/output.h"
#include "common/input_file.h"
#include "common/output_file.h"
#include "config/yaml_reader.h"
#include "results/run_files.h"
#include "results/staged_output.h"

namespace widthwise {
namespace {

struct Migration {
    std::string path;
    std::string text;
    bool changes = false;
};

/// Files get their new text together, once all of it has been written beside them.
class Replacements {
public:
    /// A link's file is rewritten, not the link; a file that is named twice, once.
    void add(const Migration& migration) {
        const std::filesystem::path file = std::filesystem::canonical(migration.path);
        if (!files_.insert(file).second) return;
        StagedOutput& output = outputs_.emplace_back(file.string(), StagedOutput::Kind::file, true, "accelerator file");
        write_file(output.partial(), migration.text);
        std::filesystem::permissions(output.partial(), std::filesystem::status(file).permissions());
    }
    void commit() {
        for (StagedOutput& output : outputs_) output.commit();
    }

private:
    std::set<std::filesystem::path> files_;
    std::deque<StagedOutput> outputs_;
};

void migrate(const ParsedOptions& options) {
    // What one file refuses, or its folder, costs no other.
    std::vector<Migration> migrations;
    for (const std::string& path : options.arguments) {
        const std::string text = read_input_file(path, {"a YAML file", kYamlFile.bytes});
        std::string rewritten = with_memory_rows(text, path);
        const bool changes = rewritten != text;
        migrations.push_back({path, std::move(rewritten), changes});
    }
    Replacements replacements;
    if (!options.has("print")) {
        for (const Migration& migration : migrations)
            if (migration.changes) replacements.add(migration);
    }
    replacements.commit();
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    for (const Migration& migration : migrations) {
        const bool writes = migration.changes && !options.has("print");
        json.push_back({{"file", migration.path}, {"changed", migration.changes}, {"written", writes}});
        if (options.has("json") || options.has("quiet")) continue;
        if (options.has("print")) print_text(migration.text);
        else print_text(fmt::format("{}: {}\n", migration.path, writes ? "rewritten" : "nothing to rewrite"));
    }
    if (options.has("json")) print_text(json_text(json));
}

}  // namespace

Command migrate_command() {
    CommandSpec spec;
    spec.name = "migrate";
    spec.argument = "FILE";
    spec.repeats_argument = true;
    spec.summary = "Rewrite accelerator files of an earlier version.";
    spec.details =
        "Sections of memories (line_buffer, activation_buffer, weight_buffer, dram) become rows of the list\n"
        "memories. Values and comments stay. Sections are still accepted, as a short form of the list.";
    spec.options = {{"print", "", "Print the new text and leave the file as it is."}};
    spec.examples = {"configs/edge-4x4-streamed.yaml --print"};
    return {spec, migrate};
}

}  // namespace widthwise

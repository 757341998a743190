// SPDX-License-Identifier: Apache-2.0
// widthwise sweep: every combination of some axes, resumable and shardable.
#include "explore/sweep.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "cli/command.h"
#include "cli/data_root.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/workload.h"
#include "common/error.h"
#include "common/output_file.h"
#include "explore/sweep_tables.h"
#include "results/run_files.h"
#include "results/staged_output.h"

namespace widthwise {
namespace {

namespace fs = std::filesystem;

constexpr const char* kJournal = "journal";

/// "2/8"
Shard parse_shard(const std::string& text) {
    constexpr int kMost = 100000;
    const std::vector<std::string> parts = split(text, '/');
    if (parts.size() != 2) throw InputError(fmt::format("--shard: '{}' is not a part (allowed: I/N, like 1/4)", text));
    Shard shard;
    shard.count = parse_integer("--shard", parts[1], {1, kMost});
    shard.index = parse_integer("--shard", parts[0], {1, shard.count});
    return shard;
}

/// The folder of results: a new one, or with --resume one that a sweep began.
void prepare_folder(const std::string& path, bool resume) {
    std::error_code error;
    const fs::file_status status = fs::symlink_status(path, error);
    if (status.type() == fs::file_type::not_found) {
        if (mkdir(path.c_str(), 0777) == 0) return;
        throw InputError(
            fmt::format("result folder '{}': cannot be made: {} (its parent must exist)", path, std::strerror(errno)));
    }
    if (!resume) {
        throw InputError(
            fmt::format("result folder '{}' exists; choose another name, or give --resume to go on with the "
                        "sweep in it",
                        path));
    }
    if (!fs::is_directory(path, error)) throw InputError(fmt::format("result folder '{}' is not a folder", path));
    if (!fs::exists(fs::path(path) / kJournal, error) && !fs::is_empty(path, error)) {
        throw InputError(fmt::format(
            "result folder '{}' holds no {}: --resume goes on only with what widthwise sweep began", path, kJournal));
    }
}

std::string journal_of(const std::string& folder) { return (fs::path(folder) / kJournal).string(); }

/// Files that appear whole, one after the other; sweep.json, the last, says that all are there.
void write_files(const std::string& folder, const std::vector<std::pair<std::string, std::string>>& files) {
    for (const auto& [name, text] : files) {
        StagedOutput output((fs::path(folder) / name).string(), StagedOutput::Kind::file, true, "table");
        write_file(output.partial(), text);
        output.commit();
    }
}

void say_what_is_known(const Journal& journal) {
    if (journal.size() > 0) spdlog::info("{} evaluations are in the journal", journal.size());
    if (journal.damaged() == 0) return;
    spdlog::warn("{} journal entries are incomplete or damaged; their points are done again", journal.damaged());
}

void sweep(const ParsedOptions& options) {
    const Shard shard = options.has("shard") ? parse_shard(options.text("shard")) : Shard{};
    const int jobs = chosen_jobs(options);
    const std::vector<std::string> parts = options.texts("merge");
    if (!parts.empty() && options.has("shard"))
        throw InputError("--merge joins all parts; it does not go with --shard");
    if (options.has("resume") && !options.has("out")) throw InputError("--resume needs --out DIR");
    const Sweep plan(options.argument, data_root(), tool_version());
    std::vector<PointResult> results;
    const std::string command =
        fmt::format("widthwise sweep {}{}", shell_word(options.argument),
                    shard.count > 1 ? fmt::format(" --shard {}/{}", shard.index, shard.count) : "");
    {
        const InterruptGuard guard;
        const std::string folder = options.text("out");
        if (!folder.empty()) prepare_folder(folder, options.has("resume"));
        const auto journal =
            folder.empty() ? std::make_unique<Journal>() : std::make_unique<Journal>(journal_of(folder));
        for (const std::string& part : parts) journal->take_over(journal_of(part));
        say_what_is_known(*journal);
        const std::vector<std::string> digests = plan.digests(shard);
        const std::size_t missing = plan.missing(shard, *journal);
        spdlog::info("{} points come down to {} evaluations, {} of them to be done", plan.points().size(),
                     digests.size(), missing);
        if (parts.empty()) {
            const auto images = static_cast<std::uint64_t>(plan.end_image() - plan.first_image());
            ProgressBar bar(images * missing, "images", !options.has("quiet"));
            plan.compute(shard, *journal, jobs, [&bar](std::size_t count) {
                bar.add(count);
                InterruptGuard::check();
            });
        }
        results = plan.results(shard, *journal, jobs);
        if (!folder.empty()) {
            journal->rewrite(digests);
            write_files(folder, {{"points.csv", points_csv(plan, results)},
                                 {"layers.csv", sweep_layers_csv(plan, results)},
                                 {"sweep.json", json_text(sweep_json(plan, results, shard, tool_version(), command))}});
        }
        InterruptGuard::check();
    }
    if (options.has("json")) print(json_text(sweep_json(plan, results, shard, tool_version(), command)));
    else if (!options.has("quiet")) print(sweep_text(plan, results));
    if (options.has("out")) spdlog::info("results are in {}", options.text("out"));
}

}  // namespace

Command sweep_command() {
    CommandSpec spec;
    spec.name = "sweep";
    spec.argument = "SWEEP";
    spec.summary = "Every combination of some axes (widths, arrays, rounding, energy tables, ...) in one table.";
    spec.details =
        "SWEEP is a YAML file that names an accelerator, images and axes (see configs/sweeps/README.md). The\n"
        "fast engine computes the values. DIR gets points.csv, layers.csv, sweep.json and a journal of what\n"
        "was computed; an interrupted sweep goes on with --resume. Several machines share a sweep with\n"
        "--shard 1/N ... N/N, each into a folder of its own, and --merge of all these folders gives what one\n"
        "machine would have given, byte for byte.";
    spec.options = {
        {"out", "DIR", "Folder to write the results to; it must not exist (but see --resume), its parent must."},
        {"resume", "", "Go on with the sweep in DIR: what its journal has is not computed again."},
        {"shard", "I/N", "Only part I of N: every N-th point, beginning with point I - 1."},
        {"merge", "DIR", "Compute nothing: join the parts in these folders; to be repeated for each.", true},
        {"jobs", "N", "Threads at most (default: one per processor). The results do not depend on it."}};
    spec.examples = {"configs/sweeps/course-layers.yaml", "configs/sweeps/widths.yaml --shard 1/8"};
    return {spec, sweep};
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// widthwise sweep: every combination of some axes, resumable and shardable.
#include "explore/sweep.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "cli/command.h"
#include "cli/config_changes.h"
#include "cli/data_root.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/run_options.h"
#include "cli/workload.h"
#include "common/error.h"
#include "common/output_file.h"
#include "explore/resume.h"
#include "explore/sweep_tables.h"
#include "results/run_files.h"
#include "results/staged_files.h"
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

std::string journal_of(const std::string& folder) { return (fs::path(folder) / kJournal).string(); }

/// The folder of results, and what is going to stand in it. A new one that got no value is gone when this is.
class SweepFolder {
public:
    /// With `resume` one that a sweep began will do. `merging`: nothing is computed, so that a new folder can appear
    /// whole.
    SweepFolder(const std::string& path, bool resume, bool merging) : path_(path) {
        if (path_.empty() || path_ == "-") static_cast<void>(output_path(path_, kWhat));  // throws
        while (path_.size() > 1 && path_.ends_with('/')) path_.pop_back();
        Staging::clear_dead(path_, kWhat);
        if (!resume && entry_exists(path_)) {
            throw InputError(
                fmt::format("result folder '{}' exists; choose another name, or give --resume to go on with the "
                            "sweep in it",
                            path_));
        }
        if (merging && !entry_exists(path_)) {
            merged_.emplace(path_, StagedOutput::Kind::folder, false, kWhat);
            path_ = merged_->partial();
        } else {
            prepare();
        }
        try {
            files_.emplace(path_, kMarker, kWhat);
        } catch (...) {
            remove_if_new();
            throw;
        }
    }
    ~SweepFolder() {
        files_.reset();
        remove_if_new();
    }
    SweepFolder(const SweepFolder&) = delete;
    SweepFolder& operator=(const SweepFolder&) = delete;

    [[nodiscard]] std::string journal() const { return journal_of(path_); }

    /// Replaces journal and tables together; sweep.json says that all are there.
    void replace(const Journal& journal, const Sweep& plan, const std::vector<PointResult>& results,
                 const std::string& command) {
        journal.write(files_->partial(kJournal), plan.digests());
        write_file(files_->partial("points.csv"), points_csv(plan, results));
        write_file(files_->partial("layers.csv"), sweep_layers_csv(plan, results));
        write_file(files_->partial(kMarker), json_text(sweep_json(plan, results, command)));
        InterruptGuard::check();
        files_->commit();
        made_ = false;
        files_.reset();
        if (merged_) merged_->commit();
    }

private:
    static constexpr const char* kWhat = "result folder";
    static constexpr const char* kMarker = "sweep.json";

    void prepare() {
        std::error_code error;
        if (!entry_exists(path_)) {
            if (mkdir(path_.c_str(), 0777) != 0) {
                const int reason = errno;
                throw_unusable(reason, fmt::format("result folder '{}': cannot be made: {} (its parent must exist)",
                                                   path_, std::strerror(reason)));
            }
            made_ = true;
            return;
        }
        if (!fs::is_directory(path_, error)) throw InputError(fmt::format("result folder '{}' is not a folder", path_));
        if (!fs::exists(journal(), error) && !fs::is_empty(path_, error) && !is_only_begun()) {
            throw InputError(
                fmt::format("result folder '{}' holds no {}: --resume goes on only with what widthwise sweep began",
                            path_, kJournal));
        }
    }

    /// The process that made it died before it had the journal.
    [[nodiscard]] bool is_only_begun() const {
        const auto is_staging = [](const fs::directory_entry& entry) {
            return entry.path().filename() == "results.partial";
        };
        return std::all_of(fs::directory_iterator(path_), fs::directory_iterator(), is_staging);
    }

    void remove_if_new() {
        if (!made_ || (!Journal::is_blank(journal()) && entry_exists(journal()))) return;
        unlink(journal().c_str());
        rmdir(path_.c_str());
    }

    std::string path_;
    bool made_ = false;
    std::optional<StagedOutput> merged_;
    std::optional<StagedFiles> files_;
};

void say_what_is_known(const Journal& journal) {
    if (journal.size() > 0) spdlog::info("{} evaluations are in the journal", journal.size());
    if (journal.damaged() == 0) return;
    spdlog::warn("{} journal entries are incomplete or damaged; their points are done again", journal.damaged());
}

/// Said before anything is computed, so that nobody waits for points that are not there.
void say_what_cannot_run(const Sweep& plan) {
    if (plan.refused() == 0) return;
    const auto first = std::find_if(plan.points().begin(), plan.points().end(),
                                    [](const Sweep::Point& point) { return !point.refusal.empty(); });
    spdlog::warn("the hardware cannot run {} of {} points; the first is point {} ({}): {}", plan.refused(),
                 plan.points().size(), first->number, plan.file().describe(first->number), first->refusal);
}

SweepRequest request_of(const ParsedOptions& options) {
    SweepRequest request;
    if (options.has("shard")) request.shard = parse_shard(options.text("shard"));
    request.settings = chosen_changes(options).settings;
    request.strict = options.has("strict");
    return request;
}

void sweep(const ParsedOptions& options) {
    const SweepRequest request = request_of(options);
    const Shard& shard = request.shard;
    const int jobs = chosen_jobs(options);
    const std::vector<std::string> parts = options.texts("merge");
    if (!parts.empty() && options.has("shard"))
        throw InputError("--merge joins all parts; it does not go with --shard");
    if (options.has("resume") && !options.has("out")) throw InputError("--resume needs --out DIR");
    const Sweep plan(options.argument, data_root(), tool_version(), request);
    std::vector<PointResult> results;
    const std::string command =
        fmt::format("widthwise sweep {}{}{}", shell_word(options.argument),
                    shard.count > 1 ? fmt::format(" --shard {}/{}", shard.index, shard.count) : "",
                    repeated_options(options, {"set"}));
    {
        const InterruptGuard guard;
        std::optional<SweepFolder> folder;
        std::optional<Journal> journal;
        if (options.has("out")) {
            folder.emplace(options.text("out"), options.has("resume"), !parts.empty());
            journal.emplace(folder->journal());
            for (const std::string& note : replaced_by_resuming(plan, *journal, options.text("out"))) {
                spdlog::warn("{}", note);
            }
            journal->set_about(sweep_about(plan));
        } else {
            journal.emplace();
        }
        for (const std::string& part : parts) journal->take_over(journal_of(part));
        plan.check(*journal);
        say_what_cannot_run(plan);
        say_what_is_known(*journal);
        const std::size_t missing = plan.missing(*journal);
        spdlog::info("{} points come down to {} evaluations, {} of them to be done", plan.points().size(),
                     plan.digests().size(), missing);
        if (parts.empty()) {
            const auto images = static_cast<std::uint64_t>(plan.end_image() - plan.first_image());
            ProgressBar bar(images * missing, "images", !options.has("quiet"));
            plan.compute(*journal, jobs, [&bar](std::size_t count) {
                bar.add(count);
                InterruptGuard::check();
            });
        }
        results = plan.results(*journal, jobs);
        if (folder) folder->replace(*journal, plan, results, command);
        InterruptGuard::check();
    }
    if (options.has("json")) print_text(json_text(sweep_json(plan, results, command)));
    else if (!options.has("quiet")) print_text(sweep_text(plan, results));
    if (options.has("out")) spdlog::info("results are in {}", options.text("out"));
}

}  // namespace

Command sweep_command() {
    CommandSpec spec;
    spec.name = "sweep";
    spec.argument = "SWEEP";
    spec.summary = "Every combination of some axes, keys of the accelerator file, in one table.";
    spec.details =
        "SWEEP is a YAML file that names an accelerator, images and axes (see configs/sweeps/README.md): any\n"
        "key of accelerator files (see widthwise schema --table), several keys together, or a short name such\n"
        "as accumulator_bits. A point that the hardware cannot run is a row that says why. The fast engine\n"
        "computes the values. DIR gets points.csv, layers.csv, sweep.json and a journal of what\n"
        "was computed; an interrupted sweep goes on with --resume. Several machines share a sweep with\n"
        "--shard 1/N ... N/N, each into a folder of its own, and --merge of all these folders gives what one\n"
        "machine would have given, byte for byte.";
    spec.options = {
        {"out", "DIR", "Folder to write the results to; it must not exist (but see --resume), its parent must."},
        {"resume", "", "Go on with the sweep in DIR: what its journal has is not computed again."},
        {"shard", "I/N", "Only part I of N: every N-th point, beginning with point I - 1."},
        {"merge", "DIR", "Compute nothing: join the parts in these folders; to be repeated for each.", true},
        set_option(),
        {"strict", "", "End with an error, before anything is computed, when the hardware cannot run some point."},
        {"jobs", "N", "Threads at most (default: one per processor). The results do not depend on it."}};
    spec.examples = {"configs/sweeps/course-layers.yaml", "configs/sweeps/widths.yaml --shard 1/8"};
    return {spec, sweep};
}

}  // namespace widthwise

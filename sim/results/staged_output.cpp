// SPDX-License-Identifier: Apache-2.0
#include "results/staged_output.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "common/error.h"
#include "common/output_file.h"

namespace widthwise {
namespace {

namespace fs = std::filesystem;

}  // namespace

StagedOutput::StagedOutput(const std::string& path, Kind kind, bool replace, std::string what,
                           const std::vector<std::string>& markers)
    : path_(output_path(path, what)), what_(std::move(what)), kind_(kind), replace_(replace) {
    Staging::clear_dead(path_, what_);
    check_existing(markers);
    check_parent();
    staging_.emplace(path_, what_);
    check_existing(markers);  // somebody may have taken the name just now
    if (kind_ == Kind::file || mkdir(partial().c_str(), 0777) == 0) return;
    const int error = errno;
    throw_unusable(
        error, fmt::format("{} '{}': cannot write in '{}': {}", what_, path_, parent_of(path_), std::strerror(error)));
}

void StagedOutput::check_parent() const {
    const std::string parent = parent_of(path_);
    std::error_code error;
    if (!fs::is_directory(parent, error)) {
        throw InputError(fmt::format("{} '{}': its parent '{}' is not a folder (make it first: mkdir -p {})", what_,
                                     path_, parent, parent));
    }
}

void StagedOutput::check_existing(const std::vector<std::string>& markers) const {
    if (!entry_exists(path_)) return;
    if (!replace_) {
        throw InputError(
            fmt::format("{} '{}' exists; choose another name, or give --force to replace it", what_, path_));
    }
    std::error_code error;
    const fs::file_status status = fs::symlink_status(path_, error);
    if (kind_ == Kind::file) {
        if (fs::is_regular_file(status)) return;
        throw InputError(
            fmt::format("{} '{}' exists and is not a plain file; --force does not replace it", what_, path_));
    }
    if (!fs::is_directory(status)) {
        throw InputError(fmt::format("{} '{}' exists and is not a folder; --force does not replace it", what_, path_));
    }
    const bool ours = std::any_of(markers.begin(), markers.end(),
                                  [this](const std::string& name) { return entry_exists(path_ + "/" + name); });
    if (!ours && !fs::is_empty(path_, error)) {
        throw InputError(fmt::format("{} '{}' exists and holds no {}: --force replaces only what widthwise wrote",
                                     what_, path_, fmt::join(markers, " or ")));
    }
}

bool StagedOutput::take_name() {
    if (!replace_ || !entry_exists(path_)) return rename_to_free_name(partial(), path_);
    if (kind_ == Kind::folder) return staging_->replace_folder();
    return std::rename(partial().c_str(), path_.c_str()) == 0;
}

std::string StagedOutput::keep_elsewhere() {
    constexpr int kTries = 1000;
    for (int n = 2; n < kTries; ++n) {
        std::string name = fmt::format("{}.{}", path_, n);
        if (rename_to_free_name(partial(), name)) return name;
        if (errno != EEXIST) break;
    }
    staging_->leave();
    return partial();
}

void StagedOutput::commit() {
    sync_tree(partial());
    if (!take_name()) {
        const std::string reason = std::strerror(errno);
        const std::string where = keep_elsewhere();  // an hour's results are not thrown away for a name
        throw SimulationError(fmt::format("{} '{}': cannot take its name: {}; the complete results are in '{}'", what_,
                                          path_, reason, where));
    }
    sync_folder(parent_of(path_));
    staging_.reset();
}

ResultFolder::ResultFolder(const std::string& path, bool replace)
    : output_(path, StagedOutput::Kind::folder, replace, "result folder", {"summary.json", "comparison.json"}) {}

void ResultFolder::write(const std::string& name, std::string_view text) {
    write_file(output_.partial() + "/" + name, text);
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "results/staged_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "common/error.h"

namespace widthwise {
namespace {

namespace fs = std::filesystem;

/// Without a trailing slash, so that siblings can be named.
std::string normal(const std::string& path, const std::string& what) {
    fs::path normal = fs::path(path).lexically_normal();
    if (!normal.has_filename()) normal = normal.parent_path();
    const std::string name = normal.filename().string();
    if (path.empty() || name.empty() || name == "." || name == "..") {
        throw InputError(fmt::format("{} '{}': expects a name that does not exist yet", what, path));
    }
    return normal.string();
}

std::string parent_of(const std::string& path) {
    const std::string parent = fs::path(path).parent_path().string();
    return parent.empty() ? "." : parent;
}

bool exists(const std::string& path) {
    std::error_code error;
    return fs::symlink_status(path, error).type() != fs::file_type::not_found;  // a dangling link exists as well
}

/// rename() that never replaces; falls back to the plain one on file systems that cannot promise that.
bool rename_to_free_name(const std::string& from, const std::string& to) {
    if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
    if (errno != EINVAL && errno != ENOSYS) return false;
    if (exists(to)) {
        errno = EEXIST;
        return false;
    }
    return std::rename(from.c_str(), to.c_str()) == 0;
}

void remove_quietly(const std::string& path) {
    std::error_code error;
    fs::remove_all(path, error);
}

}  // namespace

StagedOutput::StagedOutput(const std::string& path, Kind kind, bool replace, std::string what,
                           std::vector<std::string> markers)
    : path_(normal(path, what)),
      folder_(fmt::format("{}.partial-{}", path_, getpid())),
      what_(std::move(what)),
      kind_(kind),
      replace_(replace) {
    check_existing(markers);
    check_parent();
    if (exists(folder_)) {
        throw InputError(
            fmt::format("{} '{}': '{}' is in the way; it is another output of this command or was left by "
                        "one that was killed (then remove it)",
                        what_, path_, folder_));
    }
    if (mkdir(folder_.c_str(), 0777) != 0) {
        throw InputError(
            fmt::format("{} '{}': cannot write in '{}': {}", what_, path_, parent_of(path_), std::strerror(errno)));
    }
}

std::string StagedOutput::partial() const {
    return kind_ == Kind::folder ? folder_ : folder_ + "/" + fs::path(path_).filename().string();
}

StagedOutput::~StagedOutput() {
    if (!done_) remove_quietly(folder_);
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
    if (!exists(path_)) return;
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
                                  [this](const std::string& name) { return exists(path_ + "/" + name); });
    if (!ours && !fs::is_empty(path_, error)) {
        throw InputError(fmt::format("{} '{}' exists and holds no {}: --force replaces only what widthwise wrote",
                                     what_, path_, fmt::join(markers, " or ")));
    }
}

void StagedOutput::commit() {
    const auto fail = [this](const std::string& problem) {
        const std::string reason = std::strerror(errno);
        done_ = true;  // an hour's results are not thrown away for a name
        throw SimulationError(
            fmt::format("{} '{}': {}: {}; the complete results are in '{}'", what_, path_, problem, reason, partial()));
    };
    std::string aside;
    if (replace_ && exists(path_)) {
        aside = fmt::format("{}.replaced-{}", path_, getpid());
        if (!rename_to_free_name(path_, aside)) fail("cannot move the old one aside");
    }
    if (!rename_to_free_name(partial(), path_)) {
        const int error = errno;
        if (!aside.empty()) rename_to_free_name(aside, path_);
        errno = error;
        fail("cannot take its name");
    }
    done_ = true;
    if (kind_ == Kind::file) remove_quietly(folder_);
    if (!aside.empty()) remove_quietly(aside);
}

ResultFolder::ResultFolder(const std::string& path, bool replace)
    : output_(path, StagedOutput::Kind::folder, replace, "result folder", {"summary.json", "comparison.json"}) {}

void ResultFolder::write(const std::string& name, const std::string& text) {
    write_file(output_.partial() + "/" + name, text);
}

void write_file(const std::string& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    file.close();
    if (!file) throw SimulationError(fmt::format("cannot write '{}': {}", path, std::strerror(errno)));
}

}  // namespace widthwise

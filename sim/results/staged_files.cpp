// SPDX-License-Identifier: Apache-2.0
#include "results/staged_files.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/output_file.h"

namespace widthwise {
namespace {

namespace fs = std::filesystem;

std::string staged(const std::string& folder) { return folder + "/results"; }

/// The complete set that waits to be moved.
std::string ready(const std::string& folder) { return staged(folder) + ".partial/results.ready"; }

void move(const std::string& from, const std::string& to) {
    if (std::rename(from.c_str(), to.c_str()) == 0) return;
    throw SimulationError(
        fmt::format("cannot write '{}': {}; the complete file is '{}'", to, std::strerror(errno), from));
}

/// Can be done again from wherever it ended.
void move_all(const std::string& folder, const std::string& marker) {
    const std::string from = ready(folder);
    if (!entry_exists(from)) return;
    std::vector<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator(from)) {
        if (entry.path().filename() != marker) names.push_back(entry.path().filename().string());
    }
    const bool has_marker = entry_exists(from + "/" + marker);
    if (has_marker) unlink((folder + "/" + marker).c_str());
    for (const std::string& name : names) move(fmt::format("{}/{}", from, name), fmt::format("{}/{}", folder, name));
    if (has_marker) move(from + "/" + marker, folder + "/" + marker);
    rmdir(from.c_str());
    sync_folder(folder);
}

}  // namespace

StagedFiles::StagedFiles(std::string folder, std::string marker, const std::string& what)
    : folder_(std::move(folder)),
      marker_(std::move(marker)),
      staging_(staged(folder_), what, [this] { move_all(folder_, marker_); }) {
    if (mkdir(staging_.content().c_str(), 0777) == 0) return;
    const int error = errno;
    throw_unusable(error, fmt::format("{} '{}': cannot be written: {}", what, folder_, std::strerror(error)));
}

void StagedFiles::commit() {
    sync_tree(staging_.content());
    if (std::rename(staging_.content().c_str(), ready(folder_).c_str()) != 0) {
        throw SimulationError(fmt::format("cannot write in '{}': {}", folder_, std::strerror(errno)));
    }
    sync_folder(staging_.folder());
    try {
        move_all(folder_, marker_);
    } catch (...) {
        staging_.leave_to_next();
        throw;
    }
}

void StagedFiles::finish(const std::string& folder, const std::string& marker, const std::string& what) {
    if (!entry_exists(ready(folder))) return;
    const Staging finished(staged(folder), what, [&] { move_all(folder, marker); });
}

}  // namespace widthwise

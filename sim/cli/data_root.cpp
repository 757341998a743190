// SPDX-License-Identifier: Apache-2.0
#include "cli/data_root.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

#include "common/error.h"

namespace widthwise {
namespace {

namespace fs = std::filesystem;

bool has_tables(const fs::path& folder) {
    std::error_code error;
    return fs::is_directory(folder / "configs" / "energy", error);
}

}  // namespace

std::string data_root() {
    if (const char* home = std::getenv("WIDTHWISE_HOME"); home != nullptr && *home != '\0') {
        if (has_tables(home)) return home;
        throw InputError(fmt::format("WIDTHWISE_HOME: '{}' has no folder configs/energy", home));
    }
    std::error_code error;
    fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
    constexpr int kLevels = 4;  // build/release, bin, ...
    for (int level = 0; level < kLevels && folder.has_relative_path(); ++level, folder = folder.parent_path()) {
        for (const fs::path& candidate : {folder, folder / "share" / "widthwise"}) {
            if (has_tables(candidate)) return candidate.string();
        }
    }
    return WIDTHWISE_SOURCE_DIR;
}

}  // namespace widthwise

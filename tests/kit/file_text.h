// SPDX-License-Identifier: Apache-2.0
// Whole files as tests compare them, and where the repository's own files lie.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace widthwise::test {

/// Of what lies at `path` in the repository.
inline std::string repository(const std::string& path) { return std::string(WIDTHWISE_SOURCE_DIR) + "/" + path; }

/// A file that cannot be opened fails the test, so that it is never taken for an empty one.
inline std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot open " + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Every file of a folder with its bytes.
inline std::map<std::string, std::string> files_of(const std::string& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        files[entry.path().filename()] = read_file(entry.path());
    }
    return files;
}

inline std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> result;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) result.push_back(line);
    return result;
}

}  // namespace widthwise::test

// SPDX-License-Identifier: Apache-2.0
// A file that only gets its name when it is complete.
#pragma once

#include <cstddef>
#include <string>

namespace widthwise {

/// Writes to PATH.partial and renames it to PATH in commit(). Without commit() (an exception, a crash, a full disk) the
/// partial file stays, so that a half file never looks whole but what there is can be looked at.
class PartialFile {
public:
    /// Throws InputError with the path and the reason when the file could not become `path`: it exists and `overwrite`
    /// is false, is a directory or another thing that is no regular file, or cannot be created.
    PartialFile(std::string path, bool overwrite);
    ~PartialFile();
    PartialFile(const PartialFile&) = delete;
    PartialFile& operator=(const PartialFile&) = delete;

    /// Unbuffered. Throws SimulationError.
    void write(const char* bytes, std::size_t count);
    /// Closes the file and gives it its name. Throws SimulationError.
    void commit();
    /// Closes the file and removes it.
    void discard();

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] const std::string& partial_path() const { return partial_path_; }

private:
    [[noreturn]] void throw_failure(const char* what, int error) const;

    std::string path_;
    std::string partial_path_;
    int descriptor_ = -1;
};

}  // namespace widthwise

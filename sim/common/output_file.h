// SPDX-License-Identifier: Apache-2.0
// Files that are written: whatever the disk does not take is a SimulationError that names the file and the reason.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace widthwise {

/// For a path that cannot be made or opened: SimulationError when `error`, an errno, says that the machine is at its
/// end (room, memory, open files), InputError when the path is no good.
[[noreturn]] void throw_unusable(int error, const std::string& message);

/// Writes all bytes to an open file. `path` is what messages call it.
void write_fully(int file, const char* bytes, std::size_t count, const std::string& path);

/// Asks the disk to hold what was written, so that it survives a loss of power; file systems that cannot promise it are
/// believed. Throws SimulationError when writing failed belatedly.
void sync_file(int file, const std::string& path);

/// A new file, written from its beginning, buffered.
class OutputFile {
public:
    /// Replaces what is at `path`.
    explicit OutputFile(std::string path);
    ~OutputFile();  ///< without close(), what is buffered is lost
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    void write(std::string_view text);
    void close();
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    void flush();

    std::string path_;
    std::string buffer_;
    int file_ = -1;
};

/// Writes a whole file.
void write_file(const std::string& path, std::string_view text);

}  // namespace widthwise

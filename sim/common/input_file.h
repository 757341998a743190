// SPDX-License-Identifier: Apache-2.0
// Files that a user names: read up to a stated size, and never from a device that would not end.
#pragma once

#include <cstdint>
#include <string>

namespace widthwise {

/// What one kind of file may be.
struct FileLimit {
    const char* kind;          ///< "a YAML file", as messages call it
    std::int64_t bytes;        ///< the most that is read
    bool allows_pipe = false;  ///< a FIFO, or the shell's <(command), will do as well; it can be read once only
};

/// Refuses what is no regular file (or pipe, where allowed) and regular files that are too large; opens nothing.
/// Throws InputError "PATH: cannot be read (REASON)" or "PATH: N bytes are too many for KIND (allowed: up to N)".
void check_input_file(const std::string& path, const FileLimit& limit);

/// The whole content. Throws InputError as check_input_file() does; a pipe is refused once it has given too much.
std::string read_input_file(const std::string& path, const FileLimit& limit);

}  // namespace widthwise

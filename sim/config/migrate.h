// SPDX-License-Identifier: Apache-2.0
// Rewrites accelerator files that were written before there was the list `memories`.
#pragma once

#include <string>

namespace widthwise {

/// The text of an accelerator file with its sections of memories (line_buffer, activation_buffer, weight_buffer, dram)
/// as rows of the list `memories`. Values, comments, and all other lines stay as they are; memories that the file does
/// not mention get a row without values. A file without such a section is returned as it is. Throws InputError where
/// the file is no accelerator file, and where it is written in a way that cannot be rewritten line by line. `path` is
/// what messages call the file, and paths in it count from its folder.
std::string with_memory_rows(const std::string& text, const std::string& path);

}  // namespace widthwise

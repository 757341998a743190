// SPDX-License-Identifier: Apache-2.0
// Everything that goes to the screen, which may hold names out of files.
#pragma once

#include <string>

namespace widthwise {

/// On standard output, as it is but for what a screen would obey (text/printable.h). Lines stay lines. Throws
/// SimulationError when nothing takes it, be it here or, by main(), when the last of it is written.
void print_text(const std::string& text);

/// On standard error, in one line: "widthwise: error: ...", coloured on a terminal. Where nothing takes it the exit status
/// has to do.
void print_error(const std::string& message);

/// Sends spdlog's lines to standard error: "widthwise: ...", each made printable and kept in one line.
void log_to_standard_error();

}  // namespace widthwise

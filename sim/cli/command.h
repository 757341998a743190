// SPDX-License-Identifier: Apache-2.0
// What a subcommand is. To add one: a file with its spec and its function, and a line in the table of commands.cpp.
#pragma once

#include <string>
#include <vector>

#include "cli/options.h"

namespace widthwise {

struct Command {
    CommandSpec spec;
    void (*run)(const ParsedOptions& options);  ///< throws InputError (exit status 2) or another exception (1)
};

const std::vector<Command>& commands();

Command run_command();
Command compare_command();
Command check_command();
Command inspect_command();
Command sweep_command();
Command search_command();
Command report_command();
Command completion_command();

/// Carries out a command line (without the program's name). `program` is how the tool was called.
void execute(const std::string& program, const std::vector<std::string>& arguments);

/// Results go to standard output by this. Throws SimulationError when nothing takes them, be it here or, by main(), when
/// the last of them is written.
void print(const std::string& text);

const char* tool_version();

}  // namespace widthwise

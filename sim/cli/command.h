// SPDX-License-Identifier: Apache-2.0
// What a subcommand is. To add one: a file with its spec and its function, and a line in the table of command.cpp.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/options.h"
#include "common/error.h"

namespace widthwise {

/// An empty command line: the overview of the commands is then of use.
class MissingCommand : public InputError {
public:
    explicit MissingCommand(std::string overview)
        : InputError("a command is missing"), overview_(std::move(overview)) {}
    [[nodiscard]] const std::string& overview() const { return overview_; }

private:
    std::string overview_;
};

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
Command schema_command();
Command migrate_command();
Command completion_command();

/// Carries out a command line (without the program's name). `program` is how the tool was called.
void execute(const std::string& program, const std::vector<std::string>& arguments);

const char* tool_version();

}  // namespace widthwise

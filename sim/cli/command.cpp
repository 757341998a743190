// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "cli/build_info.h"
#include "cli/output.h"
#include "common/error.h"
#include "engine/fast/kernels.h"
#include "text/suggestion.h"

namespace widthwise {
namespace {

std::string overview(const std::string& program) {
    std::string text = fmt::format(
        "widthwise {}: what each accumulator bit-width of a quantized-CNN accelerator costs and "
        "saves\n\nUsage: {} COMMAND ...\n\nCommands:\n",
        tool_version(), program);
    for (const Command& command : commands()) {
        text += fmt::format("  {:<12}{}\n", command.spec.name, command.spec.summary);
    }
    return text + fmt::format(
                      "\n  {0} COMMAND --help   options and examples of a command\n"
                      "  {0} --version        version of the tool and what it was built from\n",
                      program);
}

const Command& find_command(const std::string& name) {
    std::vector<std::string> names;
    for (const Command& command : commands()) {
        if (command.spec.name == name) return command;
        names.push_back(command.spec.name);
    }
    throw InputError(fmt::format("unknown {} '{}' (allowed: {}){}", name.starts_with('-') ? "option" : "command", name,
                                 fmt::join(names, ", "), suggestion(name, names)));
}

}  // namespace

const char* tool_version() { return WIDTHWISE_VERSION; }

const std::vector<Command>& commands() {
    static const std::vector<Command> kCommands = {
        run_command(),   compare_command(), sweep_command(),  search_command(),  report_command(),
        check_command(), inspect_command(), schema_command(), migrate_command(), completion_command()};
    return kCommands;
}

void execute(const std::string& program, const std::vector<std::string>& arguments) {
    if (arguments.empty()) throw MissingCommand(overview(program));
    const std::string& first = arguments.front();
    if (first == "--help" || first == "-h") {
        print_text(overview(program));
        return;
    }
    if (first == "--version") {
        print_text(fmt::format("widthwise {}\ncommit    {}\ncompiler  {}\nSystemC   {}\n", tool_version(),
                               build_commit(), WIDTHWISE_COMPILER, WIDTHWISE_SYSTEMC_VERSION));
        return;
    }
    const Command& command = find_command(first);
    const ParsedOptions options = parse_options(command.spec, {arguments.begin() + 1, arguments.end()});
    if (options.has("help")) {
        print_text(help_text(command.spec, program));
        return;
    }
    spdlog::set_level(options.has("quiet") ? spdlog::level::err : spdlog::level::info);
    static_cast<void>(fast::best_kernels());  // refuses what the environment says of it, before any thread
    command.run(options);
}

}  // namespace widthwise

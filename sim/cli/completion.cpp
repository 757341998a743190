// SPDX-License-Identifier: Apache-2.0
// widthwise completion: a shell's completion script, out of the tables that the commands themselves are parsed with.
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/output.h"
#include "common/error.h"
#include "results/run_files.h"
#include "text/suggestion.h"

namespace widthwise {
namespace {

std::string joined(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, " ")); }

/// Lines of a case: after which option which words, files or nothing come.
std::string value_cases(const CommandSpec& spec) {
    std::string text;
    for (const OptionSpec& option : all_options(spec)) {
        if (option.argument.empty()) continue;
        const bool path = option.argument == "FILE" || option.argument == "DIR" || option.argument == "TABLE";
        std::string reply = "COMPREPLY=() ;;";
        if (!option.choices.empty()) {
            // A word that ends in '=' goes on.
            reply = fmt::format("{}COMPREPLY=($(compgen -W '{}' -- \"$current\")) ;;",
                                option.choices.front().ends_with('=') ? "compopt -o nospace; " : "",
                                joined(option.choices));
        } else if (path) {
            reply = "compopt -o default; COMPREPLY=() ;;";
        }
        text += fmt::format("                --{}) {}\n", option.name, reply);
    }
    return text;
}

/// What comes where an option need not.
std::string positional_reply(const CommandSpec& spec) {
    if (spec.argument.empty()) return "COMPREPLY=()";
    if (spec.argument_choices.empty()) return "compopt -o default; COMPREPLY=()";
    return fmt::format("COMPREPLY=($(compgen -W '{}' -- \"$current\"))", joined(spec.argument_choices));
}

std::string bash_script() {
    std::vector<std::string> names;
    std::string cases;
    for (const Command& command : commands()) {
        names.push_back(command.spec.name);
        std::vector<std::string> options;
        for (const OptionSpec& option : all_options(command.spec)) options.push_back("--" + option.name);
        cases += fmt::format("        {})\n            case \"$previous\" in\n{}", command.spec.name,
                             value_cases(command.spec));
        cases += fmt::format(
            "                *)\n                    case \"$current\" in\n"
            "                        -*) COMPREPLY=($(compgen -W '{}' -- \"$current\")) ;;\n"
            "                        *) {} ;;\n                    esac ;;\n            esac ;;\n",
            joined(options), positional_reply(command.spec));
    }
    return fmt::format(
        "# Completion of widthwise {} for bash. Use it at once: source <(widthwise completion bash)\n"
        "_widthwise() {{\n"
        "    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}\n"
        "    COMPREPLY=()\n"
        "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
        "        COMPREPLY=($(compgen -W '{} --help --version' -- \"$current\"))\n"
        "        return\n"
        "    fi\n"
        "    case \"${{COMP_WORDS[1]}}\" in\n{}    esac\n}}\n"
        "complete -F _widthwise widthwise\n",
        tool_version(), joined(names), cases);
}

const std::vector<std::string> kShells = {"bash"};

void completion(const ParsedOptions& options) {
    if (options.argument != kShells.front())
        throw InputError(fmt::format("SHELL: {}", not_a_word(options.argument, kShells)));
    const std::string script = bash_script();
    if (options.has("json")) print_text(json_text({{"shell", options.argument}, {"script", script}}));
    else if (!options.has("quiet")) print_text(script);
}

}  // namespace

Command completion_command() {
    CommandSpec spec;
    spec.name = "completion";
    spec.argument = "SHELL";
    spec.argument_choices = kShells;
    spec.summary = "Print a completion script for the shell (bash).";
    spec.details =
        "To complete commands and options with the Tab key, in ~/.bashrc, with build/release in PATH:\n"
        "  source <(widthwise completion bash)";
    spec.examples = {"bash"};
    return {spec, completion};
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// The options of a subcommand: declared as data, parsed strictly, every refusal an InputError.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/limits.h"
#include "text/shell_word.h"

namespace widthwise {

struct OptionSpec {
    std::string name;      ///< without dashes
    std::string argument;  ///< what help calls its value; "" for a flag
    std::string help;
    bool repeats = false;
    std::vector<std::string> choices = {};  ///< its values if there are few; for completion
};

struct CommandSpec {
    std::string name;
    std::string argument;  ///< what help calls its one positional argument; "" when it has none
    std::string summary;   ///< one line
    std::string details;   ///< paragraphs for --help; may be empty
    std::vector<OptionSpec> options;
    std::vector<std::string> examples;  ///< without the program's name; work from the repository's root
    bool repeats_argument = false;      ///< the positional one
    /// Shell lines that the examples need first; {} stands for the program.
    std::vector<std::string> preparations;
    std::vector<std::string> argument_choices;  ///< values of the positional one if there are few; for completion
};

/// What was given on a command line.
class ParsedOptions {
public:
    std::string argument;                ///< the (first) positional one; "" with help, or when there is none
    std::vector<std::string> arguments;  ///< all of them
    [[nodiscard]] bool has(const std::string& name) const { return values.contains(name); }
    /// The value of an option, or `fallback`.
    [[nodiscard]] std::string text(const std::string& name, const std::string& fallback = "") const;
    [[nodiscard]] std::vector<std::string> texts(const std::string& name) const;

    std::map<std::string, std::vector<std::string>> values;  ///< flags have an empty list
};

/// The options of a command: its own, and --help, --quiet and --json, which every command has.
std::vector<OptionSpec> all_options(const CommandSpec& spec);

/// Throws InputError for unknown options (naming the
/// nearest), options without their value or given twice, and a missing or surplus argument.
ParsedOptions parse_options(const CommandSpec& spec, const std::vector<std::string>& arguments);

/// `program` is how the tool was called, so that the examples work as pasted.
std::string help_text(const CommandSpec& spec, const std::string& program);

/// Decimal digits within a range. `option` is what messages call it ("--jobs").
int parse_integer(const std::string& option, std::string_view text, const IntRange& range);

/// Images or cycles [first, end).
struct HalfOpenRange {
    std::int64_t first = 0;
    std::int64_t end = 0;
    friend bool operator==(const HalfOpenRange&, const HalfOpenRange&) = default;
};

/// "A:B", not empty, within 0:`limit`.
HalfOpenRange parse_range(const std::string& option, const std::string& text, std::int64_t limit);

std::vector<std::string> split(const std::string& text, char separator);

}  // namespace widthwise

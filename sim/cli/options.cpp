// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <sstream>

#include "common/error.h"
#include "text/suggestion.h"

namespace widthwise {

std::vector<OptionSpec> all_options(const CommandSpec& spec) {
    std::vector<OptionSpec> options = spec.options;
    options.push_back({"json", "", "Print a machine-readable summary on standard output instead of tables."});
    options.push_back({"quiet", "", "Print nothing but errors and what --json asks for."});
    options.push_back({"help", "", "Print this help."});
    return options;
}

namespace {

namespace po = boost::program_options;

po::options_description describe(const CommandSpec& spec) {
    constexpr unsigned kLine = 100;
    po::options_description description("Options", kLine, kLine / 2);
    for (const OptionSpec& option : all_options(spec)) {
        if (option.name == "help") {
            description.add_options()("help,h", option.help.c_str());
        } else if (option.argument.empty()) {
            description.add_options()(option.name.c_str(), option.help.c_str());
        } else {
            auto* value = po::value<std::vector<std::string>>()->value_name(option.argument);
            description.add_options()(option.name.c_str(), value, option.help.c_str());
        }
    }
    return description;
}

[[noreturn]] void refuse(const CommandSpec& spec, const std::string& problem) {
    throw InputError(fmt::format("{} (see widthwise {} --help)", problem, spec.name));
}

std::string without_dashes(const std::string& name) {
    return name.substr(std::min(name.find_first_not_of('-'), name.size()));
}

po::parsed_options parse(const CommandSpec& spec, const po::options_description& description,
                         const std::vector<std::string>& arguments) {
    std::vector<std::string> names;
    for (const OptionSpec& option : all_options(spec)) names.push_back("--" + option.name);
    namespace style = po::command_line_style;
    try {
        // No guessing of abbreviations: an option that is added later must not change what a script means.
        return po::command_line_parser(arguments)
            .options(description)
            .style(style::unix_style & ~style::allow_guessing)
            .run();
    } catch (const po::unknown_option& error) {
        const std::string given = "--" + without_dashes(error.get_option_name());
        refuse(spec, fmt::format("unknown option '{}'{}", error.get_option_name(), suggestion(given, names)));
    } catch (const po::error& error) {
        refuse(spec, error.what());
    }
}

void check_positional(const CommandSpec& spec, const std::vector<std::string>& positional) {
    if (spec.argument.empty()) {
        if (!positional.empty()) refuse(spec, fmt::format("nothing but options is expected, not '{}'", positional[0]));
        return;
    }
    if (positional.empty()) refuse(spec, fmt::format("{} is missing", spec.argument));
    if (positional.size() > 1 && !spec.repeats_argument)
        refuse(spec, fmt::format("one {} is expected, not also '{}'", spec.argument, positional[1]));
    for (const std::string& text : positional) {
        if (text.empty()) refuse(spec, fmt::format("{} is empty", spec.argument));
    }
}

}  // namespace

std::string ParsedOptions::text(const std::string& name, const std::string& fallback) const {
    const auto it = values.find(name);
    return it == values.end() ? fallback : it->second.front();
}

std::vector<std::string> ParsedOptions::texts(const std::string& name) const {
    const auto it = values.find(name);
    return it == values.end() ? std::vector<std::string>{} : it->second;
}

ParsedOptions parse_options(const CommandSpec& spec, const std::vector<std::string>& arguments) {
    const po::options_description description = describe(spec);
    const po::parsed_options parsed = parse(spec, description, arguments);
    const std::vector<OptionSpec> known = all_options(spec);
    ParsedOptions result;
    std::vector<std::string> positional;
    for (const po::option& option : parsed.options) {
        if (option.string_key.empty()) {
            positional.insert(positional.end(), option.value.begin(), option.value.end());
            continue;
        }
        const auto it = std::find_if(known.begin(), known.end(),
                                     [&](const OptionSpec& candidate) { return candidate.name == option.string_key; });
        if (result.has(option.string_key) && it != known.end() && !it->repeats) {
            refuse(spec, fmt::format("--{} is given twice", option.string_key));
        }
        std::vector<std::string>& values = result.values[option.string_key];
        for (const std::string& value : option.value) {
            if (value.empty()) refuse(spec, fmt::format("--{} has an empty value", option.string_key));
            values.push_back(value);
        }
    }
    if (result.has("help")) return result;
    check_positional(spec, positional);
    if (!positional.empty()) result.argument = positional.front();
    result.arguments = std::move(positional);
    return result;
}

std::string help_text(const CommandSpec& spec, const std::string& program) {
    std::ostringstream text;
    const std::string argument = spec.argument.empty() ? "" : " " + spec.argument;
    text << fmt::format("Usage: {} {}{}{} [options]\n\n{}\n", program, spec.name, argument,
                        spec.repeats_argument ? " ..." : "", spec.summary);
    if (!spec.details.empty()) text << '\n' << spec.details << '\n';
    text << '\n' << describe(spec) << (spec.examples.size() == 1 ? "\nExample:\n" : "\nExamples:\n");
    for (const std::string& line : spec.preparations) text << "  " << fmt::format(fmt::runtime(line), program) << '\n';
    for (const std::string& example : spec.examples) text << fmt::format("  {} {} {}\n", program, spec.name, example);
    text << "\nExit status: 0 done, 1 the run failed, 2 bad input.\n";
    return text.str();
}

int parse_integer(const std::string& option, std::string_view text, const IntRange& range) {
    int value = 0;
    const char* end_of_text = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), end_of_text, value);
    if (error == std::errc::invalid_argument || end != end_of_text) {
        throw InputError(fmt::format("{}: '{}' is not an integer (allowed: {})", option, text, range.text()));
    }
    if (error != std::errc{} || !range.contains(value)) {
        throw InputError(fmt::format("{}: {}", option, out_of_range(text, range.text())));
    }
    return value;
}

HalfOpenRange parse_range(const std::string& option, const std::string& text, std::int64_t limit) {
    const auto refuse_range = [&](const std::string& problem) {
        throw InputError(fmt::format("{}: '{}' {} (allowed: A:B with 0 <= A < B <= {}; B is not part of it)", option,
                                     text, problem, limit));
    };
    const std::size_t colon = text.find(':');
    HalfOpenRange range;
    const auto number = [&](std::string_view digits, std::int64_t& value) {
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        const bool plain = !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
        if (!plain) refuse_range("is not a range");
        if (error != std::errc{}) refuse_range("is out of range");
        static_cast<void>(end);
    };
    if (colon == std::string::npos) refuse_range("is not a range");
    number(std::string_view(text).substr(0, colon), range.first);
    number(std::string_view(text).substr(colon + 1), range.end);
    if (range.first >= range.end) refuse_range("is empty");
    if (range.end > limit) refuse_range("is out of range");
    return range;
}

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::size_t start = 0;
    while (true) {
        const std::size_t end = text.find(separator, start);
        parts.push_back(text.substr(start, end - start));
        if (end == std::string::npos) return parts;
        start = end + 1;
    }
}

}  // namespace widthwise

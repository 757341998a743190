// SPDX-License-Identifier: Apache-2.0
#include "text/list_text.h"

#include <stdexcept>
#include <utility>

namespace widthwise {
namespace {

constexpr char kQuote = '"';

struct Quoted {
    std::string text;
    std::size_t end = 0;  ///< one past the closing quote
    bool closed = false;
};

/// `text` begins with a quote; a doubled one stands for itself.
Quoted read_quoted(std::string_view text) {
    Quoted quoted;
    std::size_t at = 1;
    for (; at < text.size(); ++at) {
        if (text[at] != kQuote) {
            quoted.text += text[at];
        } else if (at + 1 < text.size() && text[at + 1] == kQuote) {
            quoted.text += text[at++];
        } else {
            quoted.closed = true;
            ++at;
            break;
        }
    }
    quoted.end = at;
    return quoted;
}

/// Where to look for the sign that ends a part or a name: behind the quotes that it begins with.
std::size_t behind_quotes(std::string_view part) {
    const std::size_t start = part.find_first_not_of(" \t");
    if (start == std::string_view::npos || part[start] != kQuote) return 0;
    return start + read_quoted(part.substr(start)).end;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string> list_parts(std::string_view text) {
    std::vector<std::string> parts;
    while (true) {
        const std::size_t comma = text.find(',', behind_quotes(text));
        parts.emplace_back(trimmed(text.substr(0, comma)));
        if (comma == std::string_view::npos) return parts;
        text.remove_prefix(comma + 1);
    }
}

bool has_name(std::string_view part) { return part.starts_with(kQuote) || part.find('=') != std::string_view::npos; }

NamedPart named_part(std::string_view part) {
    if (!part.starts_with(kQuote)) {
        const std::size_t equals = part.find('=');
        return {std::string(trimmed(part.substr(0, equals))), std::string(trimmed(part.substr(equals + 1)))};
    }
    Quoted quoted = read_quoted(part);
    if (!quoted.closed) throw std::invalid_argument("has a name without a closing double quote");
    const std::string_view rest = trimmed(part.substr(quoted.end));
    if (!rest.starts_with('=')) throw std::invalid_argument("has no '=' behind the quoted name");
    return {std::move(quoted.text), std::string(trimmed(rest.substr(1)))};
}

std::string list_name(std::string_view name) {
    const bool plain = !name.empty() && trimmed(name).size() == name.size() && name.front() != kQuote &&
                       name.find_first_of(",=") == std::string_view::npos;
    if (plain) return std::string(name);
    std::string quoted(1, kQuote);
    for (const char letter : name) {
        if (letter == kQuote) quoted += kQuote;
        quoted += letter;
    }
    return quoted + kQuote;
}

std::string named_part_text(std::string_view name, int value) { return list_name(name) + "=" + std::to_string(value); }

std::string from_list_name(std::string_view text) {
    if (!text.starts_with(kQuote)) return std::string(text);
    Quoted quoted = read_quoted(text);
    return quoted.closed && quoted.end == text.size() ? std::move(quoted.text) : std::string(text);
}

}  // namespace widthwise

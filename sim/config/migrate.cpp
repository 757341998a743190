// SPDX-License-Identifier: Apache-2.0
#include "config/migrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "config/memory_rows.h"
#include "config/run_config.h"

namespace widthwise {
namespace {

using Lines = std::vector<std::string>;

Lines lines_of(const std::string& text) {
    Lines lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        lines.push_back(text.substr(at, end - at));
        if (lines.back().ends_with('\r')) lines.back().pop_back();
        at = end + 1;
    }
    return lines;
}

/// Of the file: "\r\n" or "\n".
std::string line_end_of(const std::string& text) {
    const std::size_t end = text.find('\n');
    return end != std::string::npos && end > 0 && text[end - 1] == '\r' ? "\r\n" : "\n";
}

std::size_t indentation(std::string_view line) { return std::min(line.find_first_not_of(' '), line.size()); }
bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }
bool is_comment(std::string_view line) { return !is_blank(line) && line[indentation(line)] == '#'; }

/// Lines [first, end) of a memory's section, with the comments above it.
struct Section {
    MemoryRole role;
    std::size_t first = 0;
    std::size_t key = 0;  ///< the line of the key
    std::size_t end = 0;
    bool has_name = false;
};

std::vector<Section> sections_of(const YamlValue& root, const Lines& lines) {
    std::vector<Section> sections;
    const std::vector<YamlEntry> entries = root.entries();
    for (std::size_t e = 0; e < entries.size(); ++e) {
        const std::optional<MemoryRole> role = memory_called(entries[e].name);
        if (!role) continue;
        Section section{*role, 0, entries[e].name_value.line(), lines.size()};
        if (e + 1 < entries.size()) section.end = entries[e + 1].name_value.line();
        // What is not indented behind the section belongs to the next one.
        while (section.end > section.key + 1 &&
               (is_blank(lines[section.end - 1]) ||
                (is_comment(lines[section.end - 1]) && lines[section.end - 1][0] == '#')))
            --section.end;
        section.first = section.key;
        while (section.first > 0 && is_comment(lines[section.first - 1]) && lines[section.first - 1][0] == '#')
            --section.first;
        const std::vector<YamlEntry> keys = entries[e].value.entries();
        section.has_name = std::ranges::any_of(keys, [](const YamlEntry& key) { return key.name == kMemoryName.name; });
        sections.push_back(section);
    }
    return sections;
}

std::string row_head(MemoryRole role, bool has_name) {
    static const MemoryList kUsual;
    const std::string keeps = fmt::format("{}: {}", kKeepsKey, keeps_text(role));
    return has_name ? keeps : fmt::format("{}: {}, {}", kMemoryName.name, kUsual[role].name, keeps);
}

/// A section whose values stand in braces behind its key.
void add_flow_row(Lines& row, const Lines& lines, const Section& section) {
    const std::string& line = lines[section.key];
    const std::size_t open = line.find('{');
    const std::size_t next = line.find_first_not_of(' ', open + 1);
    const bool empty = next != std::string::npos && line[next] == '}';
    row.push_back(fmt::format("  - {{{}{}{}", row_head(section.role, section.has_name), empty ? "" : ", ",
                              next == std::string::npos ? "" : line.substr(next)));
    for (std::size_t l = section.key + 1; l < section.end; ++l) row.push_back("    " + lines[l]);
}

/// A section whose values stand below its key.
void add_block_row(Lines& row, const Lines& lines, const Section& section) {
    const std::string& line = lines[section.key];
    const std::size_t behind = line.find_first_not_of(' ', line.find(':') + 1);
    if (behind != std::string::npos) row.push_back("  " + line.substr(behind));  // a comment
    std::size_t indent = std::string::npos;
    for (std::size_t l = section.key + 1; l < section.end; ++l) {
        if (!is_blank(lines[l]) && !is_comment(lines[l])) indent = std::min(indent, indentation(lines[l]));
    }
    const std::string head = row_head(section.role, section.has_name);
    const std::size_t comma = section.has_name ? std::string::npos : head.find(", ");
    row.push_back("  - " + head.substr(0, comma));
    if (comma != std::string::npos) row.push_back("    " + head.substr(comma + 2));
    for (std::size_t l = section.key + 1; l < section.end; ++l) {
        if (is_blank(lines[l])) continue;
        row.push_back("    " + lines[l].substr(std::min(indent, indentation(lines[l]))));
    }
}

Lines row_of(const Lines& lines, const Section& section) {
    Lines row;
    for (std::size_t l = section.first; l < section.key; ++l) row.push_back("  " + lines[l]);
    const std::string& line = lines[section.key];
    const std::size_t behind = line.find_first_not_of(' ', line.find(':') + 1);
    if (behind != std::string::npos && line[behind] == '{') add_flow_row(row, lines, section);
    else add_block_row(row, lines, section);
    return row;
}

Lines list_of(const Lines& lines, const std::vector<Section>& sections) {
    Lines list{fmt::format("{}:", kMemoriesKey)};
    for (const MemoryRole role : kFromDram) {
        const auto section = std::ranges::find(sections, role, &Section::role);
        if (section == sections.end()) {
            list.push_back(fmt::format("  - {{{}}}", row_head(role, false)));
        } else {
            const Lines row = row_of(lines, *section);
            list.insert(list.end(), row.begin(), row.end());
        }
    }
    return list;
}

std::string rewritten(const Lines& lines, const std::vector<Section>& sections, const std::string& line_end) {
    std::string text;
    bool blank = true;  // at the beginning, and where a section has gone, one blank line does
    const auto add = [&](const std::string& line) { text += line + line_end; };
    auto section = sections.begin();
    for (std::size_t l = 0; l < lines.size();) {
        if (section != sections.end() && l == section->first) {
            if (section == sections.begin()) {
                for (const std::string& line : list_of(lines, sections)) add(line);
                blank = false;
            } else {
                blank = text.ends_with(line_end + line_end);
            }
            l = section->end;
            ++section;
            // Blank lines between two sections of the list.
            while (blank && l < lines.size() && is_blank(lines[l])) ++l;
            continue;
        }
        add(lines[l]);
        ++l;
    }
    return text;
}

}  // namespace

std::string with_memory_rows(const std::string& text, const std::string& path) {
    const YamlValue root = YamlValue::parse(text, path);
    const RunConfig before = parse_config(root, path).config;
    const Lines lines = lines_of(text);
    const std::vector<Section> sections = sections_of(root, lines);
    if (sections.empty()) return text;
    std::string changed = rewritten(lines, sections, line_end_of(text));
    // Whatever the lines look like: the file must say the same as before.
    bool same = false;
    try {
        same = parse_config(YamlValue::parse(changed, path), path).config == before;
    } catch (const InputError&) {  // it says nothing any more
    }
    if (!same) {
        throw InputError(
            fmt::format("{}: cannot be rewritten line by line (are there braces around the whole file, anchors, "
                        "a value on the line behind its key?); write the list '{}' by hand",
                        path, kMemoriesKey));
    }
    return changed;
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// One line of a journal, "MD5-OF-THE-REST WORD JSON": an entry, WORD being its digest, or what the journal is about.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "explore/value_evaluation.h"

namespace widthwise {

/// The word of the line that says what all entries were computed from.
inline constexpr const char* kJournalAbout = "about";

struct JournalLine {
    std::string word;
    std::string json;
};

/// With its end.
std::string journal_line(std::string_view word, std::string_view json);
/// `line` without its end. None: cut short or damaged.
std::optional<JournalLine> parse_journal_line(std::string_view line);

/// Digests are 32 characters.
bool is_digest(std::string_view word);

std::string outcome_json(const ValueOutcome& outcome);
/// Throws InputError that says what is wrong: missing or surplus members, numbers that are no counts or do not fit, and
/// counts that contradict one another, such as more correct images than labelled ones.
ValueOutcome parse_outcome(const std::string& json);

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// "Did you mean ...?": the known word nearest to a mistyped one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace widthwise {

/// Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other (optimal string
/// alignment distance), upper and lower case being equal.
std::size_t edit_distance(std::string_view left, std::string_view right);

/// The candidate nearest to `word`, or "" when none is near enough to be a plausible slip (a third of its letters).
std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates);

/// ", did you mean 'columns'?" or "".
std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace widthwise

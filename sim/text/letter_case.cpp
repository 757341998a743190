// SPDX-License-Identifier: Apache-2.0
#include "text/letter_case.h"

namespace widthwise {
namespace {

std::string moved(std::string_view text, char first, char last, int distance) {
    std::string result(text);
    for (char& letter : result) {
        if (letter >= first && letter <= last) letter = static_cast<char>(letter + distance);
    }
    return result;
}

}  // namespace

std::string lower_case(std::string_view text) { return moved(text, 'A', 'Z', 'a' - 'A'); }
std::string upper_case(std::string_view text) { return moved(text, 'a', 'z', 'A' - 'a'); }

}  // namespace widthwise

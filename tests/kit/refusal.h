// SPDX-License-Identifier: Apache-2.0
// What an action that must be refused says.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "common/error.h"

namespace widthwise::test {

/// The message of the InputError that `action` throws; "" and a failed test when it throws none.
inline std::string refusal(const std::function<void()>& action) {
    try {
        action();
    } catch (const InputError& error) {
        return error.what();
    }
    ADD_FAILURE() << "nothing was refused";
    return "";
}

/// `action` must throw an InputError whose message contains every one of `parts`.
inline void expect_input_error(const std::function<void()>& action, const std::vector<std::string>& parts) {
    const std::string message = refusal(action);
    for (const std::string& part : parts) EXPECT_THAT(message, testing::HasSubstr(part));
}

}  // namespace widthwise::test

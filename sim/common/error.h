// SPDX-License-Identifier: Apache-2.0
// The two kinds of failure: what the user got wrong and what we got wrong.
#pragma once

#include <stdexcept>
#include <string>

namespace widthwise {

/// Something the user gave us cannot be used. The message says what, where and what would be allowed.
/// Caught once, at the top of the command line: exit status 2.
class InputError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The simulator contradicts itself (a bug) or the machine failed it (disk full). Exit status 1.
class SimulationError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace widthwise

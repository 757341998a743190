// SPDX-License-Identifier: Apache-2.0
// SystemC elaborates once per simulation context, and a process has one. Tests that elaborate many times in a process
// give each time a context of its own; the variables are SystemC 2.3.4's, not the standard's.
#pragma once

#include <systemc>
#include <utility>

namespace widthwise::test {

/// Every module of the old context must be gone. The library's first context stays, since its static events refer to it
/// until the process ends.
inline void renew_systemc() {
    static sc_core::sc_simcontext* renewed = nullptr;
    sc_core::sc_curr_simcontext = nullptr;
    delete std::exchange(renewed, nullptr);
    renewed = new sc_core::sc_simcontext;
    sc_core::sc_default_global_context = sc_core::sc_curr_simcontext = renewed;
}

}  // namespace widthwise::test

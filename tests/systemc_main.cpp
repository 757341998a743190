// SPDX-License-Identifier: Apache-2.0
// Entry point of test programs that link SystemC, whose library owns main().
#include <gtest/gtest.h>

#include <systemc>

/// What a SystemC context leaves behind when a test renews it is the library's own; a process of the tool has one context.
// NOLINTNEXTLINE(bugprone-reserved-identifier): LeakSanitizer asks for it by this name
extern "C" const char* __lsan_default_suppressions() { return "leak:libsystemc\nleak:renew_systemc\n"; }

int sc_main(int argc, char* argv[]) {
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}

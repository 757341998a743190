// SPDX-License-Identifier: Apache-2.0
// SystemC's library has a main() of its own, which would come before GoogleTest's.
#include <gtest/gtest.h>

#include <systemc>

int sc_main(int /*argc*/, char* /*argv*/[]) { return 0; }  // the library asks for one

int main(int argc, char* argv[]) {
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}

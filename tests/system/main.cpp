// SPDX-License-Identifier: Apache-2.0
// GoogleTest inside SystemC's entry point.
#include <gtest/gtest.h>

#include <systemc>

int sc_main(int argc, char* argv[]) {
    // A duplicate name (W505) or any other complaint of SystemC fails the test.
    sc_core::sc_report_handler::set_actions(sc_core::SC_WARNING, sc_core::SC_THROW);
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}

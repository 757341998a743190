// SPDX-License-Identifier: Apache-2.0
// SystemC owns main(); the tests run inside sc_main. SystemC elaborates once per process, so each test needs a process
// of its own: ctest starts one per test.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <systemc>

#include "accelerator/kit/bench.h"

namespace {

/// A warning or error of the SystemC kernel (a duplicate name, an unbound port, ...) is a failed test.
void fail_on_report(const sc_core::sc_report& report, const sc_core::sc_actions& actions) {
    if (report.get_severity() >= sc_core::SC_WARNING) {
        ADD_FAILURE() << "SystemC: " << report.get_msg_type() << ": " << report.get_msg();
    }
    sc_core::sc_report_handler::default_handler(report, actions);
}

class OneTestPerProcess : public testing::EmptyTestEventListener {
    void OnTestIterationStart(const testing::UnitTest& tests, int /*iteration*/) override {
        if (tests.test_to_run_count() <= 1) return;
        std::fputs(
            "SystemC elaborates once per process: run one test (--gtest_filter=...), or all of them with ctest\n",
            stderr);
        std::exit(2);
    }
};

}  // namespace

std::string_view widthwise::test::bench_name() { return WIDTHWISE_BENCH; }

int sc_main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    testing::UnitTest::GetInstance()->listeners().Append(new OneTestPerProcess);
    sc_core::sc_report_handler::set_handler(fail_on_report);
    return RUN_ALL_TESTS();
}

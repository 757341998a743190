// SPDX-License-Identifier: Apache-2.0
#include "accelerator/link/process_failure.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "common/error.h"

namespace widthwise {

void ProcessFailure::run(const std::function<void()>& start) {
    try {
        start();
    } catch (const sc_core::sc_report& report) {
        if (const std::exception_ptr failure = std::exchange(first(), nullptr)) std::rethrow_exception(failure);
        const std::string_view kind = report.get_msg_type();
        if (kind == "uncaught exception") throw SimulationError(report.get_msg());
        const char* process = report.get_process_name();
        throw SimulationError(fmt::format("the clocked model failed in {} at {}: {}: {}",
                                          process == nullptr ? "its elaboration" : process,
                                          report.get_time().to_string(), kind, report.get_msg()));
    }
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// What a process of the clocked model throws, as it threw it.
#pragma once

#include <exception>
#include <functional>
#include <systemc>

namespace widthwise {

/// SystemC catches what a process throws and makes a report of its own of it, which has lost the type and has gained
/// lines about the library. So processes do their work in guard(), and whoever starts the simulation does it in run().
/// A process of the operating system has one simulation, and so one failure.
class ProcessFailure {
public:
    template <typename Body>
    static void guard(const Body& body) {
        try {
            body();
        } catch (const sc_core::sc_unwind_exception&) {  // SystemC's own, to end a process
            throw;
        } catch (...) {
            if (!first()) first() = std::current_exception();
            throw;
        }
    }

    /// Calls `start`, which calls sc_start(). Throws what a guarded process threw. Anything else that SystemC reports
    /// is a SimulationError: the text alone of what an unguarded process threw, or SystemC's complaint with its place.
    static void run(const std::function<void()>& start);

private:
    static std::exception_ptr& first() {
        static std::exception_ptr failure;
        return failure;
    }
};

}  // namespace widthwise

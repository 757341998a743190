// SPDX-License-Identifier: Apache-2.0
// Ctrl-C and its like, so that an interrupted run takes its partial outputs with it.
#pragma once

#include <array>
#include <csignal>

namespace widthwise {

/// Thrown where an interrupted command notices. Not an std::exception, so that nobody mistakes it for a failure.
struct Interrupted {
    int signal = 0;
};

/// While one exists, SIGINT, SIGTERM and SIGHUP only leave a note, and a reader that went away (SIGPIPE) is a failed
/// write. System calls return early. One at a time.
class InterruptGuard {
public:
    InterruptGuard();
    ~InterruptGuard();
    InterruptGuard(const InterruptGuard&) = delete;
    InterruptGuard& operator=(const InterruptGuard&) = delete;

    /// Throws Interrupted once a signal has come.
    static void check();

    /// poll()'s wait, which no signal can slip past: they are blocked but within it.
    [[nodiscard]] const sigset_t& waiting_mask() const { return waiting_mask_; }

private:
    static constexpr std::array<int, 3> kSignals = {SIGINT, SIGTERM, SIGHUP};
    std::array<struct sigaction, kSignals.size()> before_{};
    struct sigaction pipe_before_ {};
    sigset_t waiting_mask_{};
};

/// In a worker process: terminal signals are the parent's business, and the parent's end is the worker's.
void leave_signals_to_parent(int parent);

/// Ends this process by the signal, as it would have ended without a guard.
[[noreturn]] void die_of(int signal);

}  // namespace widthwise

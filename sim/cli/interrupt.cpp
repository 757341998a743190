// SPDX-License-Identifier: Apache-2.0
#include "cli/interrupt.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cstdlib>

namespace widthwise {
namespace {

volatile std::sig_atomic_t caught = 0;

void note(int signal) { caught = signal; }

}  // namespace

InterruptGuard::InterruptGuard() {
    caught = 0;
    sigset_t blocked;
    sigemptyset(&blocked);
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
        struct sigaction action {};
        action.sa_handler = note;
        sigaction(kSignals[i], nullptr, &before_[i]);
        if (before_[i].sa_handler == SIG_IGN) continue;  // nohup
        sigaction(kSignals[i], &action, nullptr);
        sigaddset(&blocked, kSignals[i]);
    }
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, &pipe_before_);
    // Blocked everywhere but in the wait: between a check and the wait no signal is lost.
    sigprocmask(SIG_BLOCK, &blocked, &waiting_mask_);
}

InterruptGuard::~InterruptGuard() {
    for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &before_[i], nullptr);
    sigaction(SIGPIPE, &pipe_before_, nullptr);
    sigprocmask(SIG_SETMASK, &waiting_mask_, nullptr);
}

void InterruptGuard::check() {
    // A blocked signal is delivered here at the latest.
    sigset_t pending;
    sigpending(&pending);
    for (const int signal : kSignals) {
        struct sigaction action {};
        sigaction(signal, nullptr, &action);
        if (action.sa_handler == note && sigismember(&pending, signal) == 1) caught = signal;
    }
    if (caught != 0) throw Interrupted{caught};
}

void leave_signals_to_parent(int parent) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, signal == SIGTERM ? SIG_DFL : SIG_IGN);
    std::signal(SIGPIPE, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);  // it died before the line above
}

void die_of(int signal) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
    std::_Exit(128 + signal);  // not reached unless the signal is blocked
}

}  // namespace widthwise

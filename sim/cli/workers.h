// SPDX-License-Identifier: Apache-2.0
// Worker processes. SystemC allows one elaboration per process, so every simulation runs in a forked one of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/interrupt.h"

namespace widthwise {

/// The worker's side: reports to the parent.
class WorkerChannel {
public:
    explicit WorkerChannel(int file) : file_(file) {}
    void progress(std::uint64_t count) const;

private:
    int file_;
};

/// What a worker does; its bytes are the answer. An InputError thrown here is one in the parent.
using Work = std::function<std::string(const WorkerChannel&)>;

/// Runs all of `work`, at most `jobs` at a time, in order; returns the answers in that order. Where the machine refuses
/// so many processes, fewer do all the work. The first failure ends the others and is thrown, as is Interrupted. The
/// caller must not have elaborated any SystemC and have one thread.
std::vector<std::string> run_workers(const std::vector<Work>& work, int jobs, const InterruptGuard& guard,
                                     const std::function<void(std::uint64_t)>& on_progress);

/// Processors this process may use, at least 1.
int available_processors();

}  // namespace widthwise

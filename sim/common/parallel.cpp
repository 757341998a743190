// SPDX-License-Identifier: Apache-2.0
#include "common/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace widthwise {

void parallel_for(std::size_t count, int threads, const std::function<void(std::size_t)>& report,
                  const std::function<void(std::size_t, int)>& body) {
    std::atomic<std::size_t> next = 0;
    std::atomic<std::size_t> finished = 0;
    std::atomic<bool> stop = false;
    std::mutex mutex;
    std::exception_ptr failure;
    std::size_t reported = 0;
    const auto tell = [&] {
        const std::size_t now = finished.load();
        if (report && now > reported) report(now - reported);
        reported = now;
    };
    const auto work = [&](int thread) {
        try {
            for (std::size_t item = next.fetch_add(1); item < count && !stop; item = next.fetch_add(1)) {
                body(item, thread);
                finished.fetch_add(1);
                if (thread == 0) tell();
            }
        } catch (...) {
            stop = true;
            const std::lock_guard lock(mutex);
            if (!failure) failure = std::current_exception();
        }
    };
    const auto useful = static_cast<int>(std::min(count, static_cast<std::size_t>(std::max(1, threads))));
    std::vector<std::jthread> helpers;
    try {
        for (int thread = 1; thread < useful; ++thread) helpers.emplace_back(work, thread);
    } catch (const std::exception&) {  // no more threads than these; what truly fails will fail in work(0) as well
    }
    work(0);
    helpers.clear();  // waits for them
    if (failure) std::rethrow_exception(failure);
    tell();
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// A progress bar on standard error, for people: only on a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace widthwise {

class ProgressBar {
public:
    /// `what` is counted, "images". Without `shown`, or when standard error is no terminal, nothing is drawn.
    ProgressBar(std::uint64_t total, std::string what, bool shown);
    ~ProgressBar();  ///< takes the bar off the screen
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    void add(std::uint64_t count);

private:
    void draw(std::chrono::steady_clock::time_point now);

    std::uint64_t total_;
    std::uint64_t done_ = 0;
    std::string what_;
    bool shown_;
    std::chrono::steady_clock::time_point start_;
    std::chrono::steady_clock::time_point last_draw_;
};

/// "[#####-----]  50/100 images  12.5 images/s  0:04 left"; `seconds` have passed.
std::string progress_line(std::uint64_t done, std::uint64_t total, const std::string& what, double seconds);

}  // namespace widthwise

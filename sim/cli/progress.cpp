// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <utility>

namespace widthwise {

std::string progress_line(std::uint64_t done, std::uint64_t total, const std::string& what, double seconds) {
    constexpr std::uint64_t kWidth = 30;
    const std::uint64_t filled = total == 0 ? kWidth : kWidth * done / total;
    std::string line =
        fmt::format("[{}{}] {}/{} {}", std::string(filled, '#'), std::string(kWidth - filled, '-'), done, total, what);
    if (done == 0 || seconds <= 0) return line;
    const double rate = static_cast<double>(done) / seconds;
    const auto left = static_cast<std::uint64_t>(std::llround(static_cast<double>(total - done) / rate));
    return line + fmt::format("  {:.1f} {}/s  {}:{:02} left", rate, what, left / 60, left % 60);
}

ProgressBar::ProgressBar(std::uint64_t total, std::string what, bool shown)
    : total_(total),
      what_(std::move(what)),
      shown_(shown && isatty(STDERR_FILENO) != 0),
      start_(std::chrono::steady_clock::now()),
      last_draw_(start_) {}

ProgressBar::~ProgressBar() {
    if (shown_) std::fputs("\r\x1b[K", stderr);
}

void ProgressBar::add(std::uint64_t count) {
    done_ += count;
    const auto now = std::chrono::steady_clock::now();
    constexpr auto kInterval = std::chrono::milliseconds(100);
    if (shown_ && now - last_draw_ >= kInterval) draw(now);
}

void ProgressBar::draw(std::chrono::steady_clock::time_point now) {
    last_draw_ = now;
    const double seconds = std::chrono::duration<double>(now - start_).count();
    std::fputs(fmt::format("\r{}\x1b[K", progress_line(done_, total_, what_, seconds)).c_str(), stderr);
    std::fflush(stderr);
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "common/error.h"
#include "text/printable.h"

namespace widthwise {
namespace {

/// On a terminal that has colours, for people who have not asked for none (no-color.org).
bool colours_on_standard_error() {
    const char* none = std::getenv("NO_COLOR");
    const char* terminal = std::getenv("TERM");
    const bool dumb = terminal == nullptr || std::strcmp(terminal, "dumb") == 0;
    return isatty(STDERR_FILENO) != 0 && !dumb && (none == nullptr || *none == '\0');
}

/// The text of a line of the log.
class PrintableMessage : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& message, const std::tm& /*time*/, spdlog::memory_buf_t& line) override {
        const std::string text = message_text({message.payload.data(), message.payload.size()});
        line.append(text.data(), text.data() + text.size());
    }
    [[nodiscard]] std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
        return std::make_unique<PrintableMessage>();
    }
};

}  // namespace

void print_text(const std::string& text) {
    const std::string shown = printable(text, LineFeeds::kept);
    if (std::fwrite(shown.data(), 1, shown.size(), stdout) == shown.size()) return;
    throw SimulationError(fmt::format("cannot write to standard output: {}", std::strerror(errno)));
}

void print_error(const std::string& message) {
    const bool coloured = colours_on_standard_error();
    const std::string line = fmt::format("widthwise: {}error:{} {}\n", coloured ? "\x1b[1;31m" : "",
                                         coloured ? "\x1b[0m" : "", message_text(message));
    std::fputs(line.c_str(), stderr);
}

void log_to_standard_error() {
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<PrintableMessage>('*').set_pattern("widthwise: %*");
    auto logger = spdlog::stderr_color_st("widthwise");
    logger->set_formatter(std::move(formatter));
    spdlog::set_default_logger(std::move(logger));
}

}  // namespace widthwise

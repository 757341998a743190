// SPDX-License-Identifier: Apache-2.0
// The executable: turns exceptions into messages and exit statuses (0 done, 1 the run failed, 2 bad input).
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <systemc>
#include <vector>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "common/error.h"
#include "common/failure.h"
#include "common/listed_error.h"
#include "text/printable.h"

namespace {

constexpr int kFailed = 1;
constexpr int kBadInput = 2;

int fail(int status, const std::string& message) {
    widthwise::print_error(message);
    return status;
}

/// A stream that the caller closed would give its number to the next file that is opened, and what is printed would go
/// into that file. So it is opened here, in a way in which every use of it fails.
void reserve_standard_streams() {
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (fcntl(stream, F_GETFD) >= 0 || errno != EBADF) continue;
        static_cast<void>(open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY));  // the lowest number free
    }
}

int run(const std::string& program, const std::vector<std::string>& arguments) {
    try {
        widthwise::execute(program, arguments);
        // Results that did not reach a full disk or a closed pipe are a failed run.
        if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
            return fail(kFailed, fmt::format("cannot write to standard output: {}", std::strerror(errno)));
        }
        return EXIT_SUCCESS;
    } catch (const widthwise::MissingCommand& error) {
        fail(kBadInput, error.what());
        std::fputs(fmt::format("\n{}", error.overview()).c_str(), stderr);
        return kBadInput;
    } catch (const widthwise::ListedError& error) {
        fail(kBadInput, error.head() + ":");
        for (const std::string& item : error.items()) {
            std::fputs(fmt::format("  - {}\n", widthwise::message_text(item)).c_str(), stderr);
        }
        return kBadInput;
    } catch (const widthwise::InputError& error) {
        return fail(kBadInput, error.what());
    } catch (const widthwise::Interrupted& interrupted) {
        widthwise::die_of(interrupted.signal);
    } catch (const std::exception& error) {
        return fail(kFailed, widthwise::failure_text(error));
    }
}

}  // namespace

int sc_main(int argc, char* argv[]) {
    widthwise::log_to_standard_error();
    return run(argc > 0 ? argv[0] : "widthwise", {argv + std::min(argc, 1), argv + argc});
}

/// In place of the SystemC library's own main(), to keep its banner out of the tool's messages.
int main(int argc, char* argv[]) {
    reserve_standard_streams();
    std::signal(SIGXFSZ, SIG_IGN);  // beyond a limit of file sizes a write fails, and that is reported
    setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
    return sc_core::sc_elab_and_sim(argc, argv);
}

// SPDX-License-Identifier: Apache-2.0
// strace around the built executable: what it asks of the system, and what it does when the system refuses.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "kit/file_text.h"
#include "kit/tool.h"

namespace widthwise::test {

class Strace {
public:
    /// Traces `calls`, a list as strace's option trace takes it, into the file `log`, which goes with this object.
    Strace(std::string log, const std::string& calls) : log_(std::move(log)) {
        words_ = {"strace", "-f", "-qqq",          "-E", "ASAN_OPTIONS=detect_leaks=0", "-e", "signal=none", "-o",
                  log_,     "-e", "trace=" + calls};
    }
    ~Strace() {
        std::error_code error;
        std::filesystem::remove(log_, error);
    }
    Strace(const Strace&) = delete;
    Strace& operator=(const Strace&) = delete;
    Strace(Strace&& other) noexcept : log_(std::move(other.log_)), words_(std::move(other.words_)) {}
    Strace& operator=(Strace&&) = delete;

    /// `what` as strace's option inject takes it: "error=EINVAL", "signal=KILL:when=3" (each process's third call).
    void inject(const std::string& calls, const std::string& what) {
        words_.insert(words_.end(), {"-e", fmt::format("inject={}:{}", calls, what)});
    }

    /// What runs the executable under it: see Tool.
    [[nodiscard]] const std::vector<std::string>& words() const { return words_; }

    /// How often each call was made, by the process that made it most.
    [[nodiscard]] std::map<std::string, int> calls() const {
        std::map<std::string, int> calls, of_process;
        const std::regex call("([0-9]+ +)([a-z0-9_]+)\\(.*");
        for (const std::string& line : lines(read_file(log_))) {
            std::smatch match;
            if (!std::regex_match(line, match, call)) continue;
            const int count = ++of_process[line.substr(0, line.find('('))];
            calls[match[2]] = std::max(calls[match[2]], count);
        }
        return calls;
    }

private:
    std::string log_;
    std::vector<std::string> words_;
};

}  // namespace widthwise::test

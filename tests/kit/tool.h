// SPDX-License-Identifier: Apache-2.0
// Runs the built executable as a user does.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "kit/file_text.h"
#include "kit/temporary_files.h"

namespace widthwise::test {

struct ToolResult {
    int status = -1;  ///< exit status; minus the signal when one ended it
    std::string out;
    std::string err;
    std::int64_t peak_bytes = 0;  ///< resident at most, also of the processes it started and waited for
    double cpu_seconds = 0;       ///< likewise, so that a busy machine does not count
};

/// A started executable, in the repository's root.
class Tool {
public:
    /// `before`: a program, found in PATH, that runs the executable, such as strace with its options.
    explicit Tool(const std::vector<std::string>& arguments, const std::vector<std::string>& before = {}) {
        std::vector<std::string> words = before;
        words.emplace_back(WIDTHWISE_EXECUTABLE);
        words.insert(words.end(), arguments.begin(), arguments.end());
        std::vector<char*> argv;
        for (std::string& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        process_ = fork();
        if (process_ != 0) return;
        dup2(fileno(out_), STDOUT_FILENO);
        dup2(fileno(err_), STDERR_FILENO);
        for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, SIG_DFL);  // whatever the test runner ignores
        if (chdir(WIDTHWISE_SOURCE_DIR) == 0) execvp(argv[0], argv.data());
        _exit(127);
    }
    ~Tool() {
        std::fclose(out_);
        std::fclose(err_);
    }
    Tool(const Tool&) = delete;
    Tool& operator=(const Tool&) = delete;

    void signal(int number) const { kill(process_, number); }

    ToolResult wait() {
        ToolResult result;
        int status = 0;
        rusage usage{};
        wait4(process_, &status, 0, &usage);
        result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
        const auto seconds = [](const timeval& time) {
            return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
        };
        result.peak_bytes = std::int64_t{usage.ru_maxrss} * 1024;
        result.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
        result.out = content(out_);
        result.err = content(err_);
        return result;
    }

private:
    static std::string content(std::FILE* file) {
        std::string text;
        std::rewind(file);
        char bytes[4096];
        while (const std::size_t count = std::fread(bytes, 1, sizeof bytes, file)) text.append(bytes, count);
        return text;
    }

    std::FILE* out_ = std::tmpfile();
    std::FILE* err_ = std::tmpfile();
    pid_t process_ = -1;
};

inline ToolResult run_tool(const std::vector<std::string>& arguments, const std::vector<std::string>& before = {}) {
    return Tool(arguments, before).wait();
}

/// A configuration file in `folder` for the shipped network and images, with lines of its own.
inline std::string write_config(const TemporaryFolder& folder, const std::string& more = "",
                                const std::string& network = repository("models/lenet5.onnx"),
                                const std::string& images = repository("traces/mnist/t10k-images-idx3-ubyte.gz"),
                                const std::string& labels = repository("traces/mnist/t10k-labels-idx1-ubyte.gz")) {
    return folder.write("config.yaml",
                        fmt::format("network: {}\nimages: {}\nlabels: {}\n{}", network, images, labels, more));
}

}  // namespace widthwise::test

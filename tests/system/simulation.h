// SPDX-License-Identifier: Apache-2.0
// What the tests of whole runs share: a shipped configuration with its network and images, and runs of the engine.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "config/hardware.h"
#include "config/run_config.h"
#include "data/dataset.h"
#include "engine/systemc_engine.h"
#include "kit/file_text.h"
#include "network/network.h"
#include "network/onnx_import.h"

namespace widthwise::test {

using Bytes = std::vector<std::uint8_t>;

/// One file of configs/ with everything it names.
struct Workload {
    explicit Workload(const std::string& file)
        : config(load_run_config(repository("configs/" + file))),
          network(import_onnx(config.network)),
          dataset(Dataset::load(config.images, config.labels)) {}

    [[nodiscard]] HardwareParams& hardware() { return config.hardware; }
    [[nodiscard]] ImageSource source() const {
        return [this](int image) {
            return dataset.quantized(image, config.preprocessing,
                                     network.tensors[static_cast<std::size_t>(network.input)]);
        };
    }

    RunConfig config;
    Network network;
    Dataset dataset;
};

/// The arithmetic of ONNX Runtime.
inline void compute_as_onnxruntime(HardwareParams& hardware) {
    hardware.accumulator.format = {32, Overflow::wrap, OverflowCheck::per_add};
    hardware.requant.mode = RequantMode::float32;
    hardware.requant.rounding = Rounding::half_even;
}

struct Results {
    RunRecord record;
    std::vector<Bytes> outputs;  ///< of each image
};

inline Results run(SystemcEngine& engine, int first, int end, const ImageSource& source) {
    Results results;
    results.record = engine.run(first, end, source, [&](int image, std::span<const std::uint8_t> output) {
        if (image != first + static_cast<int>(results.outputs.size())) throw std::logic_error("images out of order");
        results.outputs.emplace_back(output.begin(), output.end());
    });
    return results;
}

/// What `action` returns in a process of its own, so that a test can compare several engines. Before the test builds an
/// engine itself. Throws when the child fails.
inline Bytes in_child_process(const std::function<Bytes()>& action) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("no pipe");
    const pid_t child = fork();
    if (child < 0) throw std::runtime_error("no child process");
    if (child == 0) {
        close(ends[0]);
        int status = 1;
        try {
            const Bytes bytes = action();
            std::size_t sent = 0;
            while (sent < bytes.size()) {
                const ssize_t n = write(ends[1], bytes.data() + sent, bytes.size() - sent);
                if (n <= 0) _exit(1);
                sent += static_cast<std::size_t>(n);
            }
            status = 0;
        } catch (const std::exception& error) {
            static_cast<void>(!write(STDERR_FILENO, error.what(), std::char_traits<char>::length(error.what())));
        }
        _exit(status);  // the parent's test must not go on here
    }
    close(ends[1]);
    Bytes bytes;
    std::uint8_t buffer[4096];
    for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0;) bytes.insert(bytes.end(), buffer, buffer + n);
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error("the child process failed");
    return bytes;
}

/// The class with the largest logit, the first of equal ones.
inline int best_class(const Bytes& logits, bool is_signed) {
    int best = 0;
    const auto value = [&](std::size_t i) { return is_signed ? static_cast<std::int8_t>(logits[i]) : int{logits[i]}; };
    for (std::size_t i = 1; i < logits.size(); ++i) {
        if (value(i) > value(static_cast<std::size_t>(best))) best = static_cast<int>(i);
    }
    return best;
}

}  // namespace widthwise::test

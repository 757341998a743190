// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "trace/wave_writer.h"

namespace widthwise {

/// Hands the first cycles that are sampled to another writer, which must outlive it.
class FirstCycles : public WaveWriter {
public:
    FirstCycles(WaveWriter& writer, std::uint64_t cycles) : writer_(writer), left_(cycles) {}
    void begin(const WaveList& list, const ClockEdges& edges) override { writer_.begin(list, edges); }
    void sample(std::uint64_t cycle) override {
        if (left_ == 0) return;
        --left_;
        writer_.sample(cycle);
    }
    [[nodiscard]] bool finished() const override { return left_ == 0 || writer_.finished(); }

private:
    WaveWriter& writer_;
    std::uint64_t left_;
};

}  // namespace widthwise

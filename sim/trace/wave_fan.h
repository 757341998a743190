// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "trace/wave_writer.h"

namespace widthwise {

/// Hands what it gets to several writers, which must outlive it.
class WaveFan : public WaveWriter {
public:
    explicit WaveFan(std::vector<WaveWriter*> writers) : writers_(std::move(writers)) {}
    void begin(const WaveList& list, const ClockEdges& edges) override {
        for (WaveWriter* writer : writers_) writer->begin(list, edges);
    }
    void sample(std::uint64_t cycle) override {
        for (WaveWriter* writer : writers_) writer->sample(cycle);
    }
    [[nodiscard]] bool finished() const override {
        return std::all_of(writers_.begin(), writers_.end(), [](const WaveWriter* w) { return w->finished(); });
    }

private:
    std::vector<WaveWriter*> writers_;
};

}  // namespace widthwise

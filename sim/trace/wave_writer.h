// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "trace/clock_edges.h"
#include "trace/wave.h"

namespace widthwise {

/// Writes sampled registers to a waveform file.
class WaveWriter {
public:
    virtual ~WaveWriter() = default;
    /// Once, before the first sample.
    virtual void begin(const WaveList& list, const ClockEdges& edges) = 0;
    /// The registers' values between the edge of `cycle` and the next one.
    virtual void sample(std::uint64_t cycle) = 0;
    /// No cycle from here on will be sampled: the model need not call any more.
    [[nodiscard]] virtual bool finished() const = 0;
};

}  // namespace widthwise

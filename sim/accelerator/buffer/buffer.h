// SPDX-License-Identifier: Apache-2.0
// The on-chip memory: the one kind of unit that the line buffer, the weight buffer and the activation buffer are. It has
// a capacity, a side towards the memory above it, from which it is filled, and a side towards the array, from which it
// is read; its accesses are events, and its ports show in waveforms. What a particular memory adds is its policy: who
// gets a port, in which order it is filled and read, and when a residence (schedule/residence.h) is given up.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "accelerator/link/counters.h"
#include "accelerator/link/unit.h"
#include "common/zero_pages.h"
#include "schedule/residence.h"

namespace widthwise {

/// The residences of a stream that a memory holds.
struct Residences {
    Places places;
    std::int64_t first_held = 0;  ///< those before it have been given up
    std::int64_t arrived = 0;     ///< those before it have come, where a residence is waited for as a whole
    [[nodiscard]] bool has_place(std::int64_t number) const { return places.has_place(number, first_held); }
    /// The oldest is there to be read.
    [[nodiscard]] bool any() const { return arrived > first_held; }
    /// Of the oldest.
    [[nodiscard]] std::int64_t address() const { return places.address(first_held); }
};

class Buffer : public Unit {
public:
    void add_waves(WaveList& wave, const std::string& scope) const override;

    /// The SRAM's content, for test benches and for reading out stored feature maps.
    [[nodiscard]] const ZeroBytes& memory() const { return memory_; }
    /// For whoever begins in the middle of a batch, while the unit is idle.
    [[nodiscard]] ZeroBytes& memory() { return memory_; }

protected:
    Buffer(const sc_core::sc_module_name& name, std::int64_t bytes, MemoryEvents events, RunRecord& record);

    void do_reset() override;
    /// An edge begins: nothing has been read or written at it.
    void begin_edge() { reading_ = writing_ = false; }
    [[nodiscard]] bool works() const override { return reading_ || writing_; }

    /// Bytes that lie side by side, read at this edge and counted as the layer's.
    const std::uint8_t* read(int layer, std::int64_t address, int bytes) {
        count_read(layer, bytes);
        return memory_.data() + address;
    }
    void write(int layer, std::int64_t address, const std::uint8_t* bytes, int count) {
        std::copy_n(bytes, count, memory_.data() + address);
        count_write(layer, count);
    }
    void count_read(int layer, int bytes) {
        reading_ = true;
        record_of(record_, layer).events[events_.read] += static_cast<std::uint64_t>(bytes);
    }
    void count_write(int layer, int bytes) {
        writing_ = true;
        record_of(record_, layer).events[events_.write] += static_cast<std::uint64_t>(bytes);
    }
    [[nodiscard]] EventCounts& events_of(int layer) { return record_of(record_, layer).events; }

private:
    ZeroBytes memory_;
    MemoryEvents events_;
    RunRecord& record_;
    bool reading_ = false;  ///< at the last edge, for the waveform
    bool writing_ = false;
};

}  // namespace widthwise

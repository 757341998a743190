// SPDX-License-Identifier: Apache-2.0
#include "accelerator/buffer/buffer.h"

namespace widthwise {

Buffer::Buffer(const sc_core::sc_module_name& name, std::int64_t bytes, MemoryEvents events, RunRecord& record)
    : Unit(name), memory_(static_cast<std::size_t>(bytes)), events_(events), record_(record) {}

void Buffer::do_reset() { begin_edge(); }

void Buffer::add_waves(WaveList& wave, const std::string& scope) const {
    wave.add(scope + ".port", "read", reading_);
    wave.add(scope + ".port", "write", writing_);
}

}  // namespace widthwise

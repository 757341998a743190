// SPDX-License-Identifier: Apache-2.0
// Where a unit counts its events: simulation bookkeeping, not hardware.
#pragma once

#include "accelerator/link/payloads.h"
#include "record/record.h"

namespace widthwise {

/// SystemC's own tracing of a stall cause (its ports ask for it by this name).
inline void sc_trace(sc_core::sc_trace_file* file, const Stall& stall, const std::string& name) {
    sc_core::sc_trace(file, reinterpret_cast<const unsigned char&>(stall), name, 3);
}

/// The record of a layer (>= 0) or of a phase around the layers.
inline LayerRecord& record_of(RunRecord& run, int layer) {
    switch (layer) {
        case kLoadPhase: return run.load;
        case kStorePhase: return run.store;
        case kSetupPhase: return run.setup;
        default: return run.layers[static_cast<std::size_t>(layer)];
    }
}

}  // namespace widthwise

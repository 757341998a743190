// SPDX-License-Identifier: Apache-2.0
#include "record/events.h"

namespace widthwise {
namespace {

constexpr std::string_view kOperations = "operations";
constexpr std::string_view kBytes = "bytes";
constexpr std::string_view kCycles = "cycles";

constexpr std::array<EventInfo, kEventCount> kEventInfos{{
    {"mac.multiply", kOperations, Component::multiply, "products of an activation and a weight"},
    {"mac.gated", kOperations, Component::multiply, "products left out because the activation was zero (zero gating)"},
    {"mac.add", kOperations, Component::add, "additions of a product to a partial sum"},
    {"accumulator.write", kOperations, Component::registers, "writes of a whole accumulator register"},
    {"bias.add", kOperations, Component::add,
     "biases added to sums, and zero points taken off stored integers that are requantized"},
    {"address.multiply", kOperations, Component::control, "address multiplications of a software loop nest"},
    {"address.add", kOperations, Component::control, "address additions of a software loop nest"},
    {"line_buffer.read", kBytes, Component::buffers, "bytes handed from the line buffer to the array"},
    {"line_buffer.write", kBytes, Component::buffers, "bytes filled into the line buffer"},
    {"activation_buffer.read", kBytes, Component::buffers, "bytes read from the activation buffer"},
    {"activation_buffer.write", kBytes, Component::buffers, "bytes written to the activation buffer"},
    {"weight_buffer.read", kBytes, Component::buffers,
     "bytes read from the weight buffer: weights of taps, parameters of channels"},
    {"weight_buffer.write", kBytes, Component::buffers, "bytes written to the weight buffer"},
    {"weight.subtract", kOperations, Component::add, "zero points taken off weights on their way to the array"},
    {"requant.multiply", kOperations, Component::requant, "sums multiplied by the rescale factor (fixed_point)"},
    {"requant.shift", kOperations, Component::requant, "products shifted and rounded (fixed_point)"},
    {"requant.plain_shift", kOperations, Component::requant, "sums shifted and rounded (shift)"},
    {"requant.divide", kOperations, Component::requant, "sums divided and rounded (reciprocal)"},
    {"requant.float_multiply", kOperations, Component::requant,
     "sums converted to float32, multiplied and rounded (float32)"},
    {"requant.add", kOperations, Component::requant, "biases and zero points added by the requantization unit"},
    {"pool.compare", kOperations, Component::pool, "comparisons of max pooling"},
    {"pool.add", kOperations, Component::pool, "additions of average pooling"},
    {"pool.float_multiply", kOperations, Component::pool, "pixels of average pooling made real values (float32)"},
    {"pool.float_add", kOperations, Component::pool, "additions of average pooling, and of zero points (float32)"},
    {"pool.float_divide", kOperations, Component::pool,
     "divisions of average pooling: by the number of pixels, by the scale (float32)"},
    {"residual.multiply", kOperations, Component::requant, "operands of residual additions multiplied by their factor"},
    {"residual.shift", kOperations, Component::requant, "residual sums shifted and rounded"},
    {"residual.add", kOperations, Component::requant, "additions of two rescaled operands, and of zero points"},
    {"residual.float_multiply", kOperations, Component::requant,
     "operands of residual additions multiplied by their factor (float32)"},
    {"residual.float_add", kOperations, Component::requant,
     "additions of two rescaled operands, and of zero points (float32)"},
    {"dram.read", kBytes, Component::dram, "bytes read from DRAM"},
    {"dram.write", kBytes, Component::dram, "bytes written to DRAM"},
    {"pe.idle", kCycles, Component::control, "cycles of processing elements without work"},
    {"clock", kCycles, Component::control, "clock cycles"},
}};

}  // namespace

const std::array<EventInfo, kEventCount>& event_infos() { return kEventInfos; }

std::optional<MemoryRole> memory_of(Event event) {
    for (std::size_t role = 0; role < kMemoryCount; ++role) {
        const MemoryEvents events = memory_events(static_cast<MemoryRole>(role));
        if (event == events.read || event == events.write) return static_cast<MemoryRole>(role);
    }
    return std::nullopt;
}

std::string event_name(Event event, const MemoryList& memories) {
    const std::optional<MemoryRole> role = memory_of(event);
    if (!role) return std::string(event_infos()[static_cast<std::size_t>(event)].name);
    return memories[*role].name + (event == memory_events(*role).read ? ".read" : ".write");
}

std::string_view component_name(Component component) {
    switch (component) {
        case Component::multiply: return "multiply";
        case Component::add: return "add";
        case Component::registers: return "registers";
        case Component::buffers: return "buffers";
        case Component::requant: return "requant";
        case Component::pool: return "pool";
        case Component::dram: return "dram";
        case Component::control: return "control";
    }
    return "";
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "accelerator/accelerator.h"

#include <algorithm>

#include "accelerator/dram_order.h"
#include "accelerator/weight_layout.h"

namespace widthwise {

Accelerator::Accelerator(const sc_core::sc_module_name& name, const HardwareParams& hardware,
                         const sc_core::sc_time& period, RunRecord& record)
    : sc_module(name),
      sequencer("sequencer", period, record),
      dram("dram", hardware.dram, record),
      dma("dma", hardware.dram),
      weight_buffer("weight_buffer", hardware.weight_buffer, layers_, record),
      activation_buffer("activation_buffer", hardware.activation_buffer, record),
      line_buffer("line_buffer", hardware.line_buffer, layers_, record),
      pe_array("pe_array", hardware, layers_, record),
      requant_unit("requant_unit", hardware.requant, layers_, record),
      residual_unit("residual_unit", hardware.requant, layers_, record),
      pool_unit("pool_unit", layers_, record) {
    for (Unit* unit : units()) {
        unit->clk(clk);
        unit->reset(reset);
    }
    connect();
}

std::vector<Unit*> Accelerator::units() {
    return {&sequencer,   &dram,     &dma,          &weight_buffer, &activation_buffer,
            &line_buffer, &pe_array, &requant_unit, &residual_unit, &pool_unit};
}

/// Each link with the two ports that it joins: what is wired, and what waveforms show.
template <typename Self, typename Visitor>
void Accelerator::visit_links(Self& self, Visitor&& visit) {
    visit(self.sequencer2line_buffer_, self.sequencer.line_buffer, self.line_buffer.command);
    visit(self.sequencer2weight_buffer_, self.sequencer.weight_buffer, self.weight_buffer.command);
    visit(self.sequencer2pe_array_, self.sequencer.pe_array, self.pe_array.command);
    visit(self.sequencer2dma_, self.sequencer.dma, self.dma.command);
    visit(self.dma2sequencer_, self.dma.done, self.sequencer.dma_done);
    visit(self.weight_buffer2sequencer_, self.weight_buffer.released, self.sequencer.slot_released);
    visit(self.pool_unit2sequencer_, self.pool_unit.stored, self.sequencer.strip_stored);
    visit(self.dma2dram_request_, self.dma.request, self.dram.request);
    visit(self.dma2dram_data_, self.dma.write_data, self.dram.write_data);
    visit(self.dram2dma_, self.dram.read_data, self.dma.read_data);
    visit(self.dma2weight_buffer_, self.dma.weights, self.weight_buffer.fill);
    visit(self.dma2activation_buffer_, self.dma.input, self.activation_buffer.input);
    visit(self.dma2activation_buffer_read_, self.dma.output_request, self.activation_buffer.output_request);
    visit(self.activation_buffer2dma_, self.activation_buffer.output_data, self.dma.output_data);
    visit(self.line_buffer2activation_buffer_, self.line_buffer.fill_request, self.activation_buffer.fill_request);
    visit(self.activation_buffer2line_buffer_, self.activation_buffer.fill_data, self.line_buffer.fill_data);
    visit(self.line_buffer2pe_array_, self.line_buffer.activations, self.pe_array.activations);
    visit(self.weight_buffer2pe_array_, self.weight_buffer.weights, self.pe_array.weights);
    visit(self.weight_buffer2pe_array_bias_, self.weight_buffer.bias, self.pe_array.bias);
    visit(self.weight_buffer2requant_unit_, self.weight_buffer.parameters, self.requant_unit.parameters);
    visit(self.pe_array2requant_unit_, self.pe_array.sums, self.requant_unit.sums);
    visit(self.requant_unit2pool_unit_, self.requant_unit.outputs, self.pool_unit.outputs);
    visit(self.requant_unit2residual_unit_, self.requant_unit.addends, self.residual_unit.values);
    visit(self.residual_unit2activation_buffer_, self.residual_unit.operand_request,
          self.activation_buffer.operand_request);
    visit(self.activation_buffer2residual_unit_, self.activation_buffer.operand_data, self.residual_unit.operands);
    visit(self.residual_unit2pool_unit_, self.residual_unit.outputs, self.pool_unit.additions);
    visit(self.pool_unit2activation_buffer_, self.pool_unit.results, self.activation_buffer.results);
}

void Accelerator::connect() {
    visit_links(*this, [](auto& link, auto& from, auto& to) {
        from(link);
        to(link);
    });
    line_buffer.starved_by(line_buffer_starved_by_);
    pe_array.activations_starved_by(line_buffer_starved_by_);
    weight_buffer.starved_by(weight_buffer_starved_by_);
    pe_array.weights_starved_by(weight_buffer_starved_by_);
    pe_array.computing(computing_);
    sequencer.computing(computing_);
    pe_array.draining(draining_);
    sequencer.draining(draining_);
}

void Accelerator::install(const Schedule& schedule) {
    std::vector<std::uint8_t> weights;
    weights.reserve(static_cast<std::size_t>(schedule.weight_bytes));
    for (const LayerSchedule& layer : schedule.layers) {
        for (int t = 0; t < layer.channel_tile_count(); ++t) append_weight_tile(weights, layer, t);
    }
    dram.memory = std::move(weights);
    lay_out(schedule);
}

/// What the units know of the layers, and what lies behind the weights.
void Accelerator::lay_out(const Schedule& schedule) {
    layers_.hold(schedule.layers);
    layout_.weights = 0;
    layout_.input = schedule.weight_bytes;
    layout_.output = layout_.input + schedule.input_bytes;
    layout_.maps = layout_.output + schedule.output_bytes;
    layout_.end = layout_.maps + schedule.map_bytes;
    if (static_cast<std::int64_t>(dram.memory.size()) < layout_.end)
        dram.memory.resize(static_cast<std::size_t>(layout_.end), 0);
}

void Accelerator::start(const Schedule& schedule, std::span<const std::uint8_t> inputs, std::function<void()> on_done) {
    lay_out(schedule);
    std::uint8_t* to = dram.memory.data() + layout_.input;
    if (schedule.input_in_strips) std::ranges::copy(row_after_row(inputs, schedule.layers.front().input, 1), to);
    else std::ranges::copy(inputs, to);
    sequencer.start(schedule, layout_, std::move(on_done));
}

std::vector<std::uint8_t> Accelerator::outputs(const Schedule& schedule) const {
    const std::uint8_t* from = dram.memory.data() + layout_.output;
    const std::span<const std::uint8_t> bytes(from, static_cast<std::size_t>(schedule.output_bytes));
    const LayerSchedule& last = schedule.layers.back();
    if (schedule.output_in_strips) return channel_after_channel(bytes, last.output, last.value_bytes);
    return {bytes.begin(), bytes.end()};
}

void Accelerator::set_probe(const ResultProbe& probe) {
    requant_unit.probe = probe;
    residual_unit.probe = probe;
    pool_unit.probe = probe;
}

void Accelerator::add_waves(WaveList& wave, int weight_bits) {
    const std::string top = name();
    pe_array.show_weight_bits(weight_bits);
    for (const Unit* unit : units()) unit->add_waves(wave, top + "." + unit->basename());
    visit_links(*this, [&](const auto& link, const auto&, const auto&) {
        link.add_waves(wave, top + ".links." + link.name);
        wave.follow(link);
    });
}

}  // namespace widthwise

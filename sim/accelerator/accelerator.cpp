// SPDX-License-Identifier: Apache-2.0
#include "accelerator/accelerator.h"

#include <algorithm>

namespace widthwise {

Accelerator::Accelerator(const sc_core::sc_module_name& name, const HardwareParams& hardware,
                         const sc_core::sc_time& period, RunRecord& record)
    : sc_module(name),
      sequencer("sequencer", period, record),
      dram("dram", hardware.dram, record),
      dma("dma", hardware.dram),
      weight_buffer("weight_buffer", hardware.weight_buffer, record),
      activation_buffer("activation_buffer", hardware.activation_buffer, record),
      line_buffer("line_buffer", hardware.line_buffer, record),
      pe_array("pe_array", hardware, record),
      requant_unit("requant_unit", hardware.requant, record),
      residual_unit("residual_unit", hardware.requant, record),
      pool_unit("pool_unit", record) {
    const std::initializer_list<Unit*> units = {&sequencer,         &dram,        &dma,      &weight_buffer,
                                                &activation_buffer, &line_buffer, &pe_array, &requant_unit,
                                                &residual_unit,     &pool_unit};
    for (Unit* unit : units) {
        unit->clk(clk);
        unit->reset(reset);
    }
    connect();
}

void Accelerator::connect() {
    sequencer.line_buffer(sequencer2line_buffer_);
    line_buffer.command(sequencer2line_buffer_);
    sequencer.weight_buffer(sequencer2weight_buffer_);
    weight_buffer.command(sequencer2weight_buffer_);
    sequencer.pe_array(sequencer2pe_array_);
    pe_array.command(sequencer2pe_array_);
    sequencer.dma(sequencer2dma_);
    dma.command(sequencer2dma_);
    dma.done(dma2sequencer_);
    sequencer.dma_done(dma2sequencer_);
    weight_buffer.released(weight_buffer2sequencer_);
    sequencer.slot_released(weight_buffer2sequencer_);
    pool_unit.stored(pool_unit2sequencer_);
    sequencer.layer_stored(pool_unit2sequencer_);

    dma.request(dma2dram_request_);
    dram.request(dma2dram_request_);
    dma.write_data(dma2dram_data_);
    dram.write_data(dma2dram_data_);
    dram.read_data(dram2dma_);
    dma.read_data(dram2dma_);
    dma.weights(dma2weight_buffer_);
    weight_buffer.fill(dma2weight_buffer_);
    dma.input(dma2activation_buffer_);
    activation_buffer.input(dma2activation_buffer_);
    dma.output_request(dma2activation_buffer_read_);
    activation_buffer.output_request(dma2activation_buffer_read_);
    activation_buffer.output_data(activation_buffer2dma_);
    dma.output_data(activation_buffer2dma_);

    line_buffer.fill_request(line_buffer2activation_buffer_);
    activation_buffer.fill_request(line_buffer2activation_buffer_);
    activation_buffer.fill_data(activation_buffer2line_buffer_);
    line_buffer.fill_data(activation_buffer2line_buffer_);
    line_buffer.activations(line_buffer2pe_array_);
    pe_array.activations(line_buffer2pe_array_);
    weight_buffer.weights(weight_buffer2pe_array_);
    pe_array.weights(weight_buffer2pe_array_);
    line_buffer.starved_by(line_buffer_starved_by_);
    pe_array.activations_starved_by(line_buffer_starved_by_);
    weight_buffer.starved_by(weight_buffer_starved_by_);
    pe_array.weights_starved_by(weight_buffer_starved_by_);
    pe_array.computing(computing_);
    sequencer.computing(computing_);
    pe_array.draining(draining_);
    sequencer.draining(draining_);

    pe_array.sums(pe_array2requant_unit_);
    requant_unit.sums(pe_array2requant_unit_);
    requant_unit.outputs(requant_unit2pool_unit_);
    pool_unit.outputs(requant_unit2pool_unit_);
    requant_unit.addends(requant_unit2residual_unit_);
    residual_unit.values(requant_unit2residual_unit_);
    residual_unit.operand_request(residual_unit2activation_buffer_);
    activation_buffer.operand_request(residual_unit2activation_buffer_);
    activation_buffer.operand_data(activation_buffer2residual_unit_);
    residual_unit.operands(activation_buffer2residual_unit_);
    residual_unit.outputs(residual_unit2pool_unit_);
    pool_unit.additions(residual_unit2pool_unit_);
    pool_unit.results(pool_unit2activation_buffer_);
    activation_buffer.results(pool_unit2activation_buffer_);
}

namespace {

void append_little_endian(std::vector<std::uint8_t>& bytes, std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

/// A weight tile as it lies in memory: for each tap one weight per row, then each channel's parameters.
void append_tile(std::vector<std::uint8_t>& bytes, const LayerSchedule& layer, int channel_tile) {
    const int rows = layer.channels_in_tile(channel_tile);
    const auto first = static_cast<std::size_t>(layer.first_channel(channel_tile));
    const std::size_t taps = layer.taps.size();
    for (std::size_t t = 0; t < taps; ++t) {
        for (std::size_t r = 0; r < static_cast<std::size_t>(rows); ++r) {
            const int zero_point =
                layer.computation->weights_have_zero_points ? layer.computation->weight_zero_points[first + r] : 0;
            bytes.push_back(static_cast<std::uint8_t>(layer.computation->weights[(first + r) * taps + t] + zero_point));
        }
    }
    for (std::size_t r = 0; r < static_cast<std::size_t>(rows); ++r) {
        append_little_endian(
            bytes, static_cast<std::uint64_t>(layer.computation->bias.empty() ? 0 : layer.computation->bias[first + r]),
            kBiasBytes);
        if (layer.computation->weights_have_zero_points)
            bytes.push_back(layer.computation->weight_zero_points[first + r]);
        if (layer.sums_leave()) continue;
        append_little_endian(bytes, static_cast<std::uint64_t>(layer.requantization->scales[first + r].multiplier), 4);
        append_little_endian(bytes, static_cast<std::uint64_t>(layer.requantization->scales[first + r].shift), 1);
    }
}

}  // namespace

void Accelerator::install(const Schedule& schedule) {
    std::vector<std::uint8_t> weights;
    weights.reserve(static_cast<std::size_t>(schedule.weight_bytes));
    for (const LayerSchedule& layer : schedule.layers) {
        if (!layer.computation) continue;
        for (int t = 0; t < layer.channel_tiles; ++t) append_tile(weights, layer, t);
    }
    layout_.weights = 0;
    layout_.input = static_cast<std::int64_t>(weights.size());
    layout_.output = layout_.input + schedule.input_bytes;
    layout_.end = layout_.output + schedule.output_bytes;
    dram.memory = std::move(weights);
    dram.memory.resize(static_cast<std::size_t>(layout_.end), 0);
}

void Accelerator::start(const Schedule& schedule, std::span<const std::uint8_t> inputs, std::function<void()> on_done) {
    std::copy(inputs.begin(), inputs.end(), dram.memory.begin() + layout_.input);
    sequencer.start(schedule, layout_, std::move(on_done));
}

std::span<const std::uint8_t> Accelerator::outputs(const Schedule& schedule) const {
    return {dram.memory.data() + layout_.output, static_cast<std::size_t>(schedule.output_bytes)};
}

void Accelerator::set_probe(const ResultProbe& probe) {
    requant_unit.probe = probe;
    residual_unit.probe = probe;
    pool_unit.probe = probe;
}

void Accelerator::add_waves(WaveList& wave, int weight_bits) const {
    const std::string top = name();
    sequencer.add_waves(wave, top + ".sequencer");
    dram.add_waves(wave, top + ".dram");
    dma.add_waves(wave, top + ".dma");
    weight_buffer.add_waves(wave, top + ".weight_buffer");
    activation_buffer.add_waves(wave, top + ".activation_buffer");
    line_buffer.add_waves(wave, top + ".line_buffer");
    pe_array.add_waves(wave, top + ".pe_array", weight_bits);
    requant_unit.add_waves(wave, top + ".requant_unit");
    residual_unit.add_waves(wave, top + ".residual_unit");
    pool_unit.add_waves(wave, top + ".pool_unit");
    const std::string links = top + ".links.";
    sequencer2line_buffer_.add_waves(wave, links + "sequencer2line_buffer");
    sequencer2weight_buffer_.add_waves(wave, links + "sequencer2weight_buffer");
    sequencer2pe_array_.add_waves(wave, links + "sequencer2pe_array");
    sequencer2dma_.add_waves(wave, links + "sequencer2dma");
    dma2sequencer_.add_waves(wave, links + "dma2sequencer");
    weight_buffer2sequencer_.add_waves(wave, links + "weight_buffer2sequencer");
    pool_unit2sequencer_.add_waves(wave, links + "pool_unit2sequencer");
    dma2dram_request_.add_waves(wave, links + "dma2dram_request");
    dma2dram_data_.add_waves(wave, links + "dma2dram_data");
    dram2dma_.add_waves(wave, links + "dram2dma");
    dma2weight_buffer_.add_waves(wave, links + "dma2weight_buffer");
    dma2activation_buffer_.add_waves(wave, links + "dma2activation_buffer");
    dma2activation_buffer_read_.add_waves(wave, links + "dma2activation_buffer_read");
    activation_buffer2dma_.add_waves(wave, links + "activation_buffer2dma");
    line_buffer2activation_buffer_.add_waves(wave, links + "line_buffer2activation_buffer");
    activation_buffer2line_buffer_.add_waves(wave, links + "activation_buffer2line_buffer");
    line_buffer2pe_array_.add_waves(wave, links + "line_buffer2pe_array");
    weight_buffer2pe_array_.add_waves(wave, links + "weight_buffer2pe_array");
    pe_array2requant_unit_.add_waves(wave, links + "pe_array2requant_unit");
    requant_unit2pool_unit_.add_waves(wave, links + "requant_unit2pool_unit");
    requant_unit2residual_unit_.add_waves(wave, links + "requant_unit2residual_unit");
    residual_unit2activation_buffer_.add_waves(wave, links + "residual_unit2activation_buffer");
    activation_buffer2residual_unit_.add_waves(wave, links + "activation_buffer2residual_unit");
    residual_unit2pool_unit_.add_waves(wave, links + "residual_unit2pool_unit");
    pool_unit2activation_buffer_.add_waves(wave, links + "pool_unit2activation_buffer");
}

}  // namespace widthwise

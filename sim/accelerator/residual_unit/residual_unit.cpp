// SPDX-License-Identifier: Apache-2.0
#include "accelerator/residual_unit/residual_unit.h"

namespace widthwise {

ResidualUnit::ResidualUnit(const sc_core::sc_module_name& name, const RequantParams& params, const LayerTable& layers,
                           RunRecord& record)
    : Unit(name), lanes_(params.lanes), layers_(layers), record_(record) {
    SC_HAS_PROCESS(ResidualUnit);
    SC_METHOD(drive_ready);
    sensitive << outputs.valid_changed() << outputs.ready_changed() << operand_request.valid_changed()
              << operand_request.ready_changed() << reset;
}

/// The pipeline moves as a whole: whenever its last register can. A beat enters when its operands can be asked for.
void ResidualUnit::drive_ready() {
    const bool moves = !reset.read() && outputs.can_load();
    operands.drive_ready(moves);
    values.drive_ready(moves && operand_request.can_load());
}

void ResidualUnit::do_reset() {
    waiting_.clear();
    summed_valid_ = false;
}

void ResidualUnit::step() {
    if (outputs.can_load()) {
        if (summed_valid_) put_out();
        else outputs.clear();
        // Layers follow one another: operands that arrive are those of the oldest beat.
        const bool constant = !waiting_.empty() && layers_.of(waiting_.front().position).adds_constant();
        summed_valid_ = constant || operands.transferring();
        if (summed_valid_) {
            add(waiting_.front(),
                constant ? waiting_.front().constants.values.data() : operands.data().bytes.values.data());
            waiting_.pop_front();
        }
    }
    const bool takes = values.transferring();
    if (takes) waiting_.push_back(values.data());
    if (takes && layers_.of(values.data().position).adds_map()) request(values.data());
    else if (operand_request.transferring()) operand_request.clear();
}

void ResidualUnit::request(const OutputBeat& beat) {
    const LayerSchedule& layer = layers_.of(beat.position);
    // Neighbouring pixels of a channel, or neighbouring channels of one pixel: consecutive bytes either way, since rows
    // of a channel follow one another.
    const MapRegion& addend = layers_.strip_of(beat.position).addend;
    const std::int64_t skipped = std::int64_t{addend.first_row} * layer.sums.width;
    read_.layer = layer.index;
    read_.address = static_cast<std::int32_t>(addend.at(beat.position.image, beat.position.channel, addend.first_row) +
                                              beat.position.pixel - skipped);
    read_.bytes = beat.values.count;
    operand_request.load(read_);
}

void ResidualUnit::add(const OutputBeat& beat, const std::uint8_t* bytes) {
    const LayerSchedule& layer = layers_.of(beat.position);
    position_ = beat.position;
    count_ = beat.values.count;
    for (int lane = 0; lane < count_; ++lane) {
        const int operand = layer.addition->operand(bytes[lane]);
        const int value = beat.values[lane];
        const ScaledSum sum = sum_of(*layer.addition, value, operand);
        sum_[static_cast<std::size_t>(lane)] = sum.product;
        real_[static_cast<std::size_t>(lane)] = sum.real;
    }
    count_additions(record_.layers[static_cast<std::size_t>(layer.index)].events, layer.addition->format.sum,
                    static_cast<std::uint64_t>(count_));
}

void ResidualUnit::put_out() {
    const LayerSchedule& layer = layers_.of(position_);
    output_.position = position_;
    output_.values.count = count_;
    for (int lane = 0; lane < count_; ++lane) {
        const auto i = static_cast<std::size_t>(lane);
        output_.values[lane] = static_cast<std::int16_t>(residual_output({sum_[i], real_[i]}, layer.addition->format));
        if (probe) {
            probe(layer.addition->operator_index, position_.image,
                  position_.channel + (position_.along_channels ? lane : 0),
                  position_.pixel + (position_.along_channels ? 0 : lane), output_.values[lane]);
        }
    }
    outputs.load(output_);
}

bool ResidualUnit::works() const { return summed_valid_ || !waiting_.empty(); }

void ResidualUnit::add_waves(WaveList& wave, const std::string& scope) const {
    for (int lane = 0; lane < lanes_; ++lane) {
        const std::string name = scope + ".lane" + std::to_string(lane);
        const auto i = static_cast<std::size_t>(lane);
        wave.add(name, "sum", sum_[i], 49);
        wave.add(name, "output", output_.values.values[i], 9);
    }
    wave.add(scope, "summed_valid", summed_valid_);
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "accelerator/activation_buffer/activation_buffer.h"

#include <algorithm>

namespace widthwise {

ActivationBuffer::ActivationBuffer(const sc_core::sc_module_name& name, const ActivationBufferParams& params,
                                   RunRecord& record)
    : Unit(name), params_(params), record_(record), memory_(static_cast<std::size_t>(params.bytes)) {
    SC_HAS_PROCESS(ActivationBuffer);
    SC_METHOD(arbitrate);
    sensitive << results.valid_changed() << input.valid_changed() << fill_request.valid_changed()
              << operand_request.valid_changed() << operand_data.valid_changed() << operand_data.ready_changed()
              << fill_data.valid_changed() << fill_data.ready_changed() << output_data.valid_changed()
              << output_data.ready_changed() << reset;
}

void ActivationBuffer::arbitrate() {
    const bool out_of_reset = !reset.read();
    const bool read_port = out_of_reset && (params_.ports == 2 || !results.valid());
    results.drive_ready(out_of_reset);
    input.drive_ready(out_of_reset);
    operand_request.drive_ready(read_port && operand_data.can_load());
    fill_request.drive_ready(read_port && !operand_request.valid() && fill_data.can_load());
    output_request.drive_ready(out_of_reset && output_data.can_load());
}

void ActivationBuffer::do_reset() { reading_ = writing_ = false; }

void ActivationBuffer::step() {
    // The read sees the memory as it was before this edge's write.
    reading_ = operand_request.transferring() || fill_request.transferring() || output_request.transferring();
    serve(operand_request, operand_data);
    serve(fill_request, fill_data);
    serve(output_request, output_data);
    writing_ = results.transferring() || input.transferring();
    if (results.transferring()) commit(results.data());
    if (input.transferring()) commit(input.data());
}

void ActivationBuffer::serve(LinkIn<ActivationRead>& request, LinkOut<Word>& data) {
    if (request.transferring()) {
        const ActivationRead& read = request.data();
        word_.bytes.count = read.bytes;
        std::copy_n(memory_.begin() + read.address, read.bytes, word_.bytes.values.begin());
        data.load(word_);
        record_of(record_, read.layer).events[Event::activation_buffer_read] += static_cast<std::uint64_t>(read.bytes);
    } else if (data.transferring()) {
        data.clear();
    }
}

void ActivationBuffer::commit(const ActivationWrite& write) {
    for (int i = 0; i < write.bytes.count; ++i) memory_[static_cast<std::size_t>(write.addresses[i])] = write.bytes[i];
    record_of(record_, write.layer).events[Event::activation_buffer_write] +=
        static_cast<std::uint64_t>(write.bytes.count);
}

bool ActivationBuffer::works() const { return false; }

void ActivationBuffer::add_waves(WaveList& wave, const std::string& scope) const {
    wave.add(scope + ".port", "read", reading_);
    wave.add(scope + ".port", "write", writing_);
}

}  // namespace widthwise

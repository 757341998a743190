// SPDX-License-Identifier: Apache-2.0
#include "accelerator/activation_buffer/activation_buffer.h"

#include <algorithm>

namespace widthwise {

ActivationBuffer::ActivationBuffer(const sc_core::sc_module_name& name, const ActivationBufferParams& params,
                                   RunRecord& record)
    : Buffer(name, params.bytes, memory_events(MemoryRole::activations), record), params_(params) {
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

void ActivationBuffer::step() {
    begin_edge();
    // The read sees the memory as it was before this edge's write.
    serve(operand_request, operand_data);
    serve(fill_request, fill_data);
    serve(output_request, output_data);
    if (results.transferring()) commit(results.data());
    if (input.transferring()) commit(input.data());
}

void ActivationBuffer::serve(LinkIn<ActivationRead>& request, LinkOut<Word>& data) {
    if (request.transferring()) {
        const ActivationRead& asked = request.data();
        word_.bytes.count = asked.bytes;
        std::copy_n(read(asked.layer, asked.address, asked.bytes), asked.bytes, word_.bytes.values.begin());
        data.load(word_);
    } else if (data.transferring()) {
        data.clear();
    }
}

void ActivationBuffer::commit(const ActivationWrite& write) {
    for (int i = 0; i < write.bytes.count; ++i) memory()[static_cast<std::size_t>(write.addresses[i])] = write.bytes[i];
    count_write(write.layer, write.bytes.count);
}

}  // namespace widthwise

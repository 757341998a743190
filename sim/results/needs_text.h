// SPDX-License-Identifier: Apache-2.0
// What a network needs of the buffers, in words.
#pragma once

#include <string>

#include "schedule/buffer_needs.h"

namespace widthwise {

/// The hardware has less of it.
bool is_short(const BufferNeed& need);
/// "weight_buffer.bytes 61,470 (has 1,000), activation_buffer.bytes 2,200, ...".
std::string needs_text(const BufferNeeds& needs);

}  // namespace widthwise

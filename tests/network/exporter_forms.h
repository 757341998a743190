// SPDX-License-Identifier: Apache-2.0
// What the tests of forms that exporters write build on.
#pragma once

#include <string>

#include "kit/refusal.h"
#include "kit/temporary_files.h"
#include "network/onnx_builder.h"
#include "network/onnx_import.h"

namespace widthwise::test {

using U8 = std::uint8_t;
using S8 = std::int8_t;

inline ChainBuilder convolved(const Extents& input = {-1, 1, 4, 4}) {
    ChainBuilder builder = quantized_input(input);
    builder.conv({1, 1, 1, 1}, {2});
    return builder;
}

inline const Quantization& input_format(const Network& network) {
    return network.tensors[static_cast<std::size_t>(network.input)].quantization;
}

inline std::string refusal(ChainBuilder&& builder) {
    const TemporaryFile file(builder.bytes());
    try {
        import_onnx(file.path());
    } catch (const InputError& error) {
        return error.what();
    }
    return "imported";
}

}  // namespace widthwise::test

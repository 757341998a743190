// SPDX-License-Identifier: Apache-2.0
// What a protobuf file holds, counted on its bytes before it is parsed.
#pragma once

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/message.h>

#include <cstdint>

namespace widthwise {

/// Parsing turns two bytes into an object of a hundred: the size of a file says little of the memory it takes.
struct ModelParts {
    std::int64_t parts = 0;    ///< messages, texts and unknown fields
    std::int64_t numbers = 0;  ///< elements of repeated numeric fields
};

/// Walks a serialised message of this type; long texts are skipped over. Stops early, with more than `most.parts` or
/// `most.numbers`, when there are more. False: the bytes are no such message.
bool count_parts(google::protobuf::io::CodedInputStream& stream, const google::protobuf::Descriptor& type,
                 const ModelParts& most, ModelParts& found);

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "network/model_parts.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/wire_format_lite.h>

namespace widthwise {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr int kMaxNesting = 100;  // as protobuf's own parser has it

class PartCounter {
public:
    PartCounter(CodedInputStream& stream, const ModelParts& most, ModelParts& found)
        : stream_(stream), most_(most), found_(found) {}

    /// Up to the limit that is set on the stream, or its end.
    bool walk(const Descriptor& type, int depth) {
        if (depth > kMaxNesting) return false;
        while (const std::uint32_t tag = stream_.ReadTag()) {
            const FieldDescriptor* field = type.FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
            const bool wanted = WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED
                                    ? delimited(field, depth)
                                    : number(field, tag);
            if (!wanted) return false;
            if (too_many()) return true;
        }
        return stream_.ConsumedEntireMessage();
    }

private:
    [[nodiscard]] bool too_many() const { return found_.parts > most_.parts || found_.numbers > most_.numbers; }

    /// Of a single value of the field.
    static WireFormatLite::WireType wire_type(const FieldDescriptor& field) {
        return WireFormatLite::WireTypeForFieldType(static_cast<WireFormatLite::FieldType>(field.type()));
    }

    bool number(const FieldDescriptor* field, std::uint32_t tag) {
        if (field == nullptr || WireFormatLite::GetTagWireType(tag) != wire_type(*field)) ++found_.parts;  // unknown
        else if (field->is_repeated()) ++found_.numbers;
        return WireFormatLite::SkipField(&stream_, tag);
    }

    bool delimited(const FieldDescriptor* field, int depth) {
        std::uint32_t length = 0;
        if (!stream_.ReadVarint32(&length) || length > static_cast<std::uint32_t>(INT32_MAX)) return false;
        if (field != nullptr && field->is_packable()) return packed(*field, static_cast<int>(length));
        ++found_.parts;
        if (field == nullptr || field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
            return stream_.Skip(static_cast<int>(length));
        }
        const auto limit = stream_.PushLimit(static_cast<int>(length));
        const bool sound = walk(*field->message_type(), depth + 1);
        stream_.PopLimit(limit);
        return sound;
    }

    bool packed(const FieldDescriptor& field, int length) {
        switch (wire_type(field)) {
            case WireFormatLite::WIRETYPE_FIXED32: found_.numbers += length / 4; break;
            case WireFormatLite::WIRETYPE_FIXED64: found_.numbers += length / 8; break;
            default: found_.numbers += length;  // a byte or more each
        }
        return stream_.Skip(length);
    }

    CodedInputStream& stream_;
    const ModelParts& most_;
    ModelParts& found_;
};

}  // namespace

bool count_parts(CodedInputStream& stream, const Descriptor& type, const ModelParts& most, ModelParts& found) {
    return PartCounter(stream, most, found).walk(type, 0);
}

}  // namespace widthwise

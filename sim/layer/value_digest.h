// SPDX-License-Identifier: Apache-2.0
// What decides a layer's values, as a digest.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "common/md5.h"
#include "layer/fields.h"

namespace widthwise {

/// MD5 over the fields that decide values. A list is digested with its length, an optional with whether it is there.
class ValueDigest {
public:
    /// `of_vectors`: of a fully connected layer, where fields of role map_values do not decide.
    explicit ValueDigest(bool of_vectors) : of_vectors_(of_vectors) {}

    template <typename Value>
    ValueDigest& add(const Value& value) {
        if constexpr (std::is_arithmetic_v<Value> || std::is_enum_v<Value>) {
            md5_.update(&value, sizeof value);  // no padding
        } else {
            visit_fields(value, [this](const char*, const auto& field, Role role) { this->add(field, role); });
        }
        return *this;
    }
    ValueDigest& add(const std::string& text) {
        add(text.size());
        md5_.update(text.data(), text.size());
        return *this;
    }
    template <typename Value>
    ValueDigest& add(const std::vector<Value>& values) {
        add(values.size());
        if constexpr (std::is_arithmetic_v<Value>) md5_.update(values.data(), values.size() * sizeof(Value));
        else
            for (const Value& value : values) add(value);
        return *this;
    }
    template <typename Value>
    ValueDigest& add(const std::optional<Value>& value) {
        add(value.has_value());
        if (value) add(*value);
        return *this;
    }
    template <typename Value>
    ValueDigest& add(const Value& value, Role role) {
        const bool decides = role == Role::values || (role == Role::map_values && !of_vectors_);
        return decides ? add(value) : *this;
    }
    /// Hexadecimal; ends the computation.
    [[nodiscard]] std::string finish() { return md5_.finish(); }

private:
    Md5 md5_;
    bool of_vectors_;
};

}  // namespace widthwise

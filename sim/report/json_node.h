// SPDX-License-Identifier: Apache-2.0
// A value in a results file that knows its place, so that what is missing or wrong can be named.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace widthwise {

class JsonNode {
public:
    using Json = nlohmann::ordered_json;

    /// Reads a file. Throws InputError when it cannot be read or is no JSON, with the line and column.
    static Json read(const std::string& path);

    /// `json` must outlive the node; `file` is what messages call it.
    JsonNode(const Json& json, std::string file) : json_(&json), file_(std::move(file)) {}

    /// A member of an object. Throws InputError unless there is one.
    [[nodiscard]] JsonNode operator[](const std::string& key) const;
    /// There is such a member and it is not null.
    [[nodiscard]] bool has(const std::string& key) const;
    [[nodiscard]] std::vector<JsonNode> items() const;                            ///< of an array
    [[nodiscard]] std::vector<std::pair<std::string, JsonNode>> members() const;  ///< of an object
    [[nodiscard]] std::string text() const;
    [[nodiscard]] double number() const;
    [[nodiscard]] std::int64_t integer() const;
    [[nodiscard]] bool truth() const;

    /// Throws InputError that names the value's place.
    [[noreturn]] void refuse(const std::string& problem) const;

private:
    JsonNode(const Json& json, std::string file, std::string key)
        : json_(&json), file_(std::move(file)), key_(std::move(key)) {}

    const Json* json_;
    std::string file_;
    std::string key_;  ///< dotted, "layers[2].cycles"
};

}  // namespace widthwise

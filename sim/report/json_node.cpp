// SPDX-License-Identifier: Apache-2.0
#include "report/json_node.h"

#include <fmt/format.h>

#include <functional>

#include "common/error.h"
#include "common/input_file.h"

namespace widthwise {

namespace {

constexpr FileLimit kResultsFile{"a results file", std::int64_t{512} << 20};
/// Each costs some dozens of bytes once parsed, and two in the file. The largest sweep has some 12 million.
constexpr std::int64_t kMaxValues = 20000000;
constexpr int kMaxDepth = 32;

/// Called for whatever the parser meets.
class SizeGuard {
public:
    explicit SizeGuard(const std::string& path) : path_(path) {}
    bool operator()(int depth, JsonNode::Json::parse_event_t /*event*/, const JsonNode::Json& /*value*/) {
        if (depth > kMaxDepth) {
            throw InputError(fmt::format("{}: is nested more than {} deep, the most that is read", path_, kMaxDepth));
        }
        if (++met_ > kMaxValues) {
            throw InputError(
                fmt::format("{}: holds more than {} keys and values, the most that is read", path_, kMaxValues));
        }
        return true;
    }

private:
    const std::string& path_;
    std::int64_t met_ = 0;
};

}  // namespace

JsonNode::Json JsonNode::read(const std::string& path) {
    const std::string text = read_input_file(path, kResultsFile);
    SizeGuard guard(path);
    try {
        return Json::parse(text, std::ref(guard));
    } catch (const Json::exception& error) {
        std::string reason = error.what();
        const std::size_t start = reason.find("] ");  // after the library's own error number
        if (start != std::string::npos) reason = reason.substr(start + 2);
        throw InputError(fmt::format("{}: is no JSON: {}", path, reason));
    }
}

JsonNode JsonNode::operator[](const std::string& key) const {
    if (!json_->is_object()) refuse("is no object");
    const auto found = json_->find(key);
    if (found == json_->end()) refuse(fmt::format("has no '{}'", key));
    return {*found, file_, key_.empty() ? key : key_ + "." + key};
}

bool JsonNode::has(const std::string& key) const {
    return json_->is_object() && json_->contains(key) && !(*json_)[key].is_null();
}

std::vector<JsonNode> JsonNode::items() const {
    if (!json_->is_array()) refuse("is no array");
    std::vector<JsonNode> items;
    for (std::size_t i = 0; i < json_->size(); ++i) {
        items.push_back(JsonNode((*json_)[i], file_, fmt::format("{}[{}]", key_, i)));
    }
    return items;
}

std::vector<std::pair<std::string, JsonNode>> JsonNode::members() const {
    if (!json_->is_object()) refuse("is no object");
    std::vector<std::pair<std::string, JsonNode>> members;
    for (const auto& [key, value] : json_->items()) members.emplace_back(key, (*this)[key]);
    return members;
}

std::string JsonNode::text() const {
    if (!json_->is_string()) refuse("is no text");
    return json_->get<std::string>();
}

double JsonNode::number() const {
    if (!json_->is_number()) refuse("is no number");
    return json_->get<double>();
}

std::int64_t JsonNode::integer() const {
    if (!json_->is_number_integer()) refuse("is no integer");
    return json_->get<std::int64_t>();
}

bool JsonNode::truth() const {
    if (!json_->is_boolean()) refuse("is neither true nor false");
    return json_->get<bool>();
}

void JsonNode::refuse(const std::string& problem) const {
    throw InputError(fmt::format("{}: {}{}", file_, key_.empty() ? "" : key_ + " ", problem));
}

}  // namespace widthwise

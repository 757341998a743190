// SPDX-License-Identifier: Apache-2.0
#include "config/schema.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "config/config_keys.h"
#include "config/memory_rows.h"

namespace widthwise {
namespace {

using Json = nlohmann::ordered_json;

/// Without a fraction that is 0: "500", not "500.0".
Json plain_number(double number) {
    const bool is_whole = std::trunc(number) == number && std::abs(number) < 1e15;
    return is_whole ? Json(static_cast<std::int64_t>(number)) : Json(number);
}

Json limited(const IntRange& range) { return {{"type", "integer"}, {"minimum", range.low}, {"maximum", range.high}}; }

Json limited(const RealRange& range) {
    return {{"type", "number"},
            {range.above_low ? "exclusiveMinimum" : "minimum", plain_number(range.low)},
            {"maximum", plain_number(range.high)}};
}

/// The visitor of describe() that makes the properties of one JSON object.
class SchemaWriter {
public:
    Json properties = Json::object();
    Json required = Json::array();

    template <typename Callback>
    void section(const Key& key, const Callback& callback) {
        SchemaWriter child;
        callback(child);
        properties[key.name] = {{"type", "object"},
                                {"description", key.meaning},
                                {"additionalProperties", false},
                                {"properties", std::move(child.properties)}};
    }

    /// The section, and a row of the list that says the same.
    template <typename Callback>
    void memory(const Key& key, MemoryRole role, const Callback& callback) {
        section(key, callback);
        Json row = properties[key.name];
        Json kept = Json::array();
        for (const Kept kind : kept_by(role)) kept.push_back(std::string(spelling(kKeptWords, kind)));
        row["properties"][kKeepsKey] = {{"description", "What passes the memory: that says which one it is."},
                                        {"type", "array"},
                                        {"items", {{"type", "string"}, {"enum", kept}}},
                                        {"minItems", kept.size()},
                                        {"maxItems", kept.size()},
                                        {"uniqueItems", true}};
        row["required"] = {kMemoryName.name, kKeepsKey};
        rows_.push_back(std::move(row));
        properties[kMemoriesKey] = {{"description", "The memories, from DRAM to the array, each a row."},
                                    {"type", "array"},
                                    {"minItems", kMemoryCount},
                                    {"maxItems", kMemoryCount},
                                    {"items", {{"anyOf", rows_}}}};
    }

    void name(const Key& key, const std::string& text) {
        add(key, {{"type", "string"}, {"minLength", 1}, {"maxLength", kLongestName}}, text);
    }
    void memory_name(const Key& key, const std::string& text) {
        add(key,
            {{"type", "string"}, {"pattern", "^[a-z][a-z0-9_]{0," + std::to_string(kLongestMemoryName - 1) + "}$"}},
            text);
    }
    void path(const Key& key, const std::string& text, Presence presence) {
        if (presence == Presence::optional) {
            add(key, {{"type", "string"}}, text);
            return;
        }
        describe_property(key, {{"type", "string"}, {"minLength", 1}});
        required.push_back(key.name);
    }
    void text(const Key& key, const std::string& text, const char* /*allowed*/) {
        add(key, {{"type", "string"}}, text);
    }
    void table(const Key& key, const std::string& text) { add(key, {{"type", "string"}, {"minLength", 1}}, text); }

    template <typename Int>
    void integer(const Key& key, Int number, const IntRange& range) {
        add(key, limited(range), number);
    }
    void automatic(const Key& key, int number, const IntRange& range) {
        add_automatic(key, number, Json::array({limited(range)}));
    }
    void real(const Key& key, double number, const RealRange& range) { add(key, limited(range), plain_number(number)); }
    void automatic_ratio(const Key& key, double number, const RealRange& range) {
        const Json fraction = {{"type", "string"}, {"pattern", "^ *[-+.0-9eE]+ */ *[-+.0-9eE]+ *$"}};
        add_automatic(key, number, Json::array({limited(range), fraction}));
    }
    void per_channel(const Key& key, const std::vector<double>& numbers, const RealRange& range) {
        const Json list = {{"type", "array"}, {"minItems", 1}, {"items", limited(range)}};
        const Json fallback = numbers.size() == 1 ? plain_number(numbers.front()) : Json(numbers);
        add(key, {{"oneOf", Json::array({limited(range), list})}}, fallback);
    }
    void boolean(const Key& key, bool flag) { add(key, {{"type", "boolean"}}, flag); }

    template <typename Enum, std::size_t N>
    void word(const Key& key, Enum choice, const Words<Enum, N>& words) {
        add(key, {{"type", "string"}, {"enum", spellings(words)}}, std::string(spelling(words, choice)));
    }
    void order(const Key& key, const TapOrder& order, const Words<TapLoop, 3>& words) {
        Json fallback = Json::array();
        for (const TapLoop loop : order) fallback.push_back(std::string(spelling(words, loop)));
        add(key,
            {{"type", "array"},
             {"items", {{"type", "string"}, {"enum", spellings(words)}}},
             {"minItems", order.size()},
             {"maxItems", order.size()},
             {"uniqueItems", true}},
            fallback);
    }
    void layers(const Key& key, const std::map<std::string, int>& /*widths*/, const IntRange& range) {
        add(key, {{"type", "object"}, {"additionalProperties", limited(range)}}, Json::object());
    }

private:
    void describe_property(const Key& key, const Json& what) {
        Json property = {{"description", key.meaning}};
        property.update(what);
        properties[key.name] = std::move(property);
    }
    void add(const Key& key, const Json& what, const Json& fallback) {
        describe_property(key, what);
        properties[key.name]["default"] = fallback;
    }
    void add_automatic(const Key& key, double number, Json choices) {
        choices.insert(choices.begin(), Json{{"const", "auto"}});
        add(key, {{"oneOf", std::move(choices)}}, number == 0 ? Json("auto") : plain_number(number));
    }

    Json rows_ = Json::array();  ///< of memories
};

}  // namespace

std::string config_schema() {
    SchemaWriter writer;
    RunConfig defaults;
    describe(writer, defaults);
    const Json schema = {
        {"$schema", "http://json-schema.org/draft-07/schema#"},
        {"$comment", "SPDX-License-Identifier: Apache-2.0"},
        {"title", "Widthwise accelerator"},
        {"type", "object"},
        {"description", "An accelerator of Widthwise and the network and images that run on it."},
        {"additionalProperties", false},
        {"required", writer.required},
        {"properties", writer.properties},
    };
    return schema.dump(2) + "\n";
}

}  // namespace widthwise

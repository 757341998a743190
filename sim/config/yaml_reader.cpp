// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_reader.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <sstream>
#include <utility>

#include "common/error.h"
#include "text/suggestion.h"

namespace widthwise {
namespace {

std::string position_of(const std::string& file, const YAML::Mark& mark) {
    if (mark.is_null()) return file;
    return fmt::format("{}:{}:{}", file, mark.line + 1, mark.column + 1);
}

/// Counts what a document holds while it is scanned, before anything is built of it.
class SizeGuard : public YAML::EventHandler {
public:
    explicit SizeGuard(const std::string& file) : file_(file) {}

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents_ > 1) fail(mark, "the document ends here, but something follows (allowed: one YAML document)");
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override { count(mark); }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override { count(mark); }
    void OnScalar(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  const std::string& /*value*/) override {
        count(mark);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                         YAML::EmitterStyle::value /*style*/) override {
        open(mark);
    }
    void OnSequenceEnd() override { --depth_; }
    void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                    YAML::EmitterStyle::value /*style*/) override {
        open(mark);
    }
    void OnMapEnd() override { --depth_; }

private:
    [[noreturn]] void fail(const YAML::Mark& mark, const std::string& message) const {
        throw InputError(fmt::format("{}: {}", position_of(file_, mark), message));
    }
    void count(const YAML::Mark& mark) {
        if (++values_ > kMaxYamlValues) {
            fail(mark,
                 fmt::format("the file holds more than {} keys and values, the most that is read", kMaxYamlValues));
        }
    }
    void open(const YAML::Mark& mark) {
        count(mark);
        if (++depth_ > kMaxYamlDepth) {
            fail(mark,
                 fmt::format("maps and lists are nested more than {} deep, the most that is read", kMaxYamlDepth));
        }
    }

    const std::string& file_;
    int documents_ = 0;
    int values_ = 0;
    int depth_ = 0;
};

/// Refuses a second document and whatever is too large or too deep. Never asks the parser for all documents: what it
/// cannot place after the first one, such as a comma, it would offer again and again.
void check_size(const std::string& text, const std::string& file) {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    SizeGuard guard(file);
    for (int document = 0; document < 2; ++document) {
        if (!parser.HandleNextDocument(guard)) return;
    }
}

std::string kind_of(const YAML::Node& node) {
    if (node.IsMap()) return "a map";
    if (node.IsSequence()) return "a list";
    return "nothing";
}

/// yaml-cpp tags a quoted scalar "!" and a plain one "?".
bool is_quoted(const YAML::Node& node) { return node.Tag() == "!"; }

std::string trimmed(const std::string& text) {
    const std::size_t first = text.find_first_not_of(' ');
    if (first == std::string::npos) return "";
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

YAML::Node document_of(const std::string& text, const std::string& path) {
    // yaml-cpp looks for the ends of all open brackets before it reports the first: 240 bytes each.
    if (std::count_if(text.begin(), text.end(), [](char c) { return c == '[' || c == '{'; }) > kMaxYamlValues) {
        throw InputError(
            fmt::format("{}: holds more than {} opening brackets, the most that is read", path, kMaxYamlValues));
    }
    try {
        check_size(text, path);
        return YAML::Load(text);
    } catch (const YAML::Exception& error) {
        throw InputError(fmt::format("{}: not valid YAML: {}", position_of(path, error.mark), error.msg));
    }
}

}  // namespace

YamlValue::YamlValue(const YAML::Node& node, std::string file, std::string key)
    : node_(node), file_(std::move(file)), key_(std::move(key)) {}

YamlValue YamlValue::load(const std::string& path) { return parse(read_input_file(path, kYamlFile), path); }

YamlValue YamlValue::parse(const std::string& text, const std::string& path) {
    const YAML::Node document = document_of(text, path);
    if (document.IsNull()) throw InputError(fmt::format("{}: the file is empty", path));
    return {document, path, ""};
}

YamlValue YamlValue::of_option(const std::string& option, const std::string& key, const std::string& text) {
    const std::string place = fmt::format("{}: {}", option, key);
    const YAML::Node document = document_of(text, place);
    if (document.IsNull()) throw InputError(fmt::format("{}: has no value (an empty text is spelled \"\")", place));
    YamlValue value(document, option, key);
    value.has_lines_ = false;
    return value;
}

YamlValue YamlValue::with(const std::string& scalar) const { return beside(YAML::Node(scalar), key_); }

YamlValue YamlValue::beside(const YAML::Node& node, const std::string& key) const {
    YamlValue value(node, file_, key);
    value.has_lines_ = has_lines_;
    return value;
}

std::string YamlValue::position() const { return has_lines_ ? position_of(file_, node_.Mark()) : file_; }

std::size_t YamlValue::line() const { return static_cast<std::size_t>(node_.Mark().line); }

void YamlValue::fail(const std::string& message) const {
    throw InputError(key_.empty() ? fmt::format("{}: {}", position(), message)
                                  : fmt::format("{}: {}: {}", position(), key_, message));
}

std::string YamlValue::shown() const {
    constexpr std::size_t kLongestQuote = 80;  // a data file given by mistake must not flood the terminal
    if (!node_.IsScalar()) return kind_of(node_);
    std::string scalar = node_.Scalar();
    if (scalar.size() > kLongestQuote) scalar = scalar.substr(0, kLongestQuote) + "...";
    return is_quoted(node_) ? fmt::format("the text \"{}\"", scalar) : fmt::format("'{}'", scalar);
}

std::string YamlValue::below(const std::string& key) const { return key_.empty() ? key : key_ + "." + key; }

std::string YamlValue::text() const {
    if (!node_.IsScalar()) fail(fmt::format("expects text, got {}", shown()));
    return node_.Scalar();
}

std::string YamlValue::plain_scalar(const std::string& expected) const {
    if (!node_.IsScalar() || is_quoted(node_)) fail(fmt::format("expects {}, got {}", expected, shown()));
    return node_.Scalar();
}

bool YamlValue::is_word(std::string_view word) const {
    return node_.IsScalar() && !is_quoted(node_) && node_.Scalar() == word;
}

std::int64_t YamlValue::integer(const IntRange& range) const {
    const std::string expected = fmt::format("an integer in {}", range.text());
    const std::string digits = plain_scalar(expected);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool all_read = end == digits.data() + digits.size();
    if (error == std::errc::invalid_argument || !all_read) fail(fmt::format("expects {}, got {}", expected, shown()));
    if (error != std::errc{} || !range.contains(value)) fail(out_of_range(digits, range.text()));
    return value;
}

double YamlValue::number(const std::string& digits, const std::string& expected) const {
    double value = 0.0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool all_read = end == digits.data() + digits.size();
    const bool overflowed = error == std::errc::result_out_of_range;
    if ((error != std::errc{} && !overflowed) || !all_read || (!overflowed && !std::isfinite(value))) {
        fail(fmt::format("expects {}, got {}", expected, shown()));
    }
    if (overflowed) fail(fmt::format("{} is not representable (expects {})", digits, expected));
    return value;
}

double YamlValue::real(const RealRange& range) const {
    const std::string expected = fmt::format("a number in the range {}", range.text());
    const std::string digits = plain_scalar(expected);
    const double value = number(digits, expected);
    if (!range.contains(value)) fail(out_of_range(digits, range.text()));
    return value;
}

double YamlValue::ratio(const RealRange& range) const {
    const std::string expected = fmt::format("a number or a fraction like 1/255 in the range {}", range.text());
    if (!node_.IsScalar()) fail(fmt::format("expects {}, got {}", expected, shown()));
    const std::string digits = node_.Scalar();
    const std::size_t slash = digits.find('/');
    if (slash == std::string::npos) return real(range);
    const double numerator = number(trimmed(digits.substr(0, slash)), expected);
    const double denominator = number(trimmed(digits.substr(slash + 1)), expected);
    // A zero denominator gives infinity or NaN, which no range holds.
    const double value = numerator / denominator;
    if (!range.contains(value)) fail(out_of_range(digits, range.text()));
    return value;
}

bool YamlValue::boolean() const {
    const std::string word = plain_scalar("true or false");
    if (word != "true" && word != "false") fail(fmt::format("expects true or false, got {}", shown()));
    return word == "true";
}

bool YamlValue::is_list() const { return node_.IsSequence(); }
bool YamlValue::is_map() const { return node_.IsMap(); }

std::vector<YamlValue> YamlValue::items() const {
    if (!node_.IsSequence()) fail(fmt::format("expects a list, got {}", shown()));
    std::vector<YamlValue> values;
    for (const YAML::Node& item : node_) {
        values.push_back(beside(item, fmt::format("{}[{}]", key_, values.size())));
    }
    return values;
}

std::vector<YamlEntry> YamlValue::entries() const {
    if (!node_.IsMap()) fail(fmt::format("expects a map of keys and values, got {}", shown()));
    std::vector<YamlEntry> found;
    std::set<std::string> names;
    for (const auto& pair : node_) {
        if (!pair.first.IsScalar()) {
            beside(pair.first, key_).fail(fmt::format("expects plain keys, got {}", kind_of(pair.first)));
        }
        const std::string name = pair.first.Scalar();
        const YamlValue name_value = beside(pair.first, below(name));
        if (!names.insert(name).second) name_value.fail(fmt::format("the key '{}' is given twice", name));
        found.push_back({name, name_value, beside(pair.second, below(name))});
    }
    return found;
}

YamlMap::YamlMap(const YamlValue& value) : value_(value), entries_(value.entries()) {}

std::optional<YamlValue> YamlMap::find(const std::string& key) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.push_back(key);
    for (const YamlEntry& entry : entries_) {
        if (entry.name == key) return entry.value;
    }
    return std::nullopt;
}

std::optional<YamlValue> YamlMap::require(const std::string& key) {
    std::optional<YamlValue> value = find(key);
    if (!value) missing_.push_back(key);
    return value;
}

void YamlMap::finish() const {
    for (const YamlEntry& entry : entries_) {
        if (std::find(known_.begin(), known_.end(), entry.name) != known_.end()) continue;
        std::vector<std::string> sorted = known_;
        std::sort(sorted.begin(), sorted.end());
        entry.name_value.fail(fmt::format("unknown key '{}' (allowed: {}){}", entry.name, fmt::join(sorted, ", "),
                                          suggestion(entry.name, known_)));
    }
    if (!missing_.empty()) value_.fail(fmt::format("the required key '{}' is missing", missing_.front()));
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// A strict little reader of VCD files, for tests: what a viewer would show at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kit/file_text.h"

namespace widthwise::test {

/// What GTKWave and its programs write and read goes beyond IEEE 1364: variables of type string, and codes that begin
/// with '#' or '$', which readers may take for times and keywords.
enum class VcdDialect { standard, gtkwave };

class VcdFile {
public:
    struct Variable {
        std::string type;
        int bits = 0;
        std::string code;
    };

    /// Throws std::runtime_error at whatever a viewer could stumble over.
    explicit VcdFile(const std::string& path, VcdDialect dialect = VcdDialect::standard) : dialect_(dialect) {
        text_ = read_file(path);
        std::istringstream in(text_);
        read_header(in);
        read_changes(in);
    }

    /// Times and values, digits extended to the width.
    using History = std::vector<std::pair<std::uint64_t, std::string>>;
    [[nodiscard]] const History& history(const std::string& name) const {
        static const History kNone;
        const auto found = changes_.find(variable(name).code);
        return found == changes_.end() ? kNone : found->second;
    }

    [[nodiscard]] const std::string& text() const { return text_; }
    /// By dotted name.
    [[nodiscard]] const std::map<std::string, Variable>& variables() const { return variables_; }
    [[nodiscard]] bool has(const std::string& name) const { return variables_.contains(name); }
    [[nodiscard]] const Variable& variable(const std::string& name) const { return variables_.at(name); }
    [[nodiscard]] const std::vector<std::uint64_t>& times() const { return times_; }
    [[nodiscard]] std::size_t changes(const std::string& name) const { return history(name).size(); }
    /// Net values in the $dumpvars section.
    [[nodiscard]] std::size_t dumped() const { return dumped_; }

    /// The value that holds at `time`: a word, or digits extended to the variable's width.
    [[nodiscard]] std::string text_at(const std::string& name, std::uint64_t time) const {
        const auto& changes = history(name);
        auto after = std::upper_bound(changes.begin(), changes.end(), time,
                                      [](std::uint64_t t, const auto& change) { return t < change.first; });
        if (after == changes.begin()) throw std::runtime_error(name + " has no value yet");
        return (--after)->second;
    }
    [[nodiscard]] std::uint64_t unsigned_at(const std::string& name, std::uint64_t time) const {
        return std::stoull(text_at(name, time), nullptr, 2);
    }
    [[nodiscard]] std::int64_t signed_at(const std::string& name, std::uint64_t time) const {
        const int unused = 64 - variable(name).bits;
        return static_cast<std::int64_t>(unsigned_at(name, time) << unused) >> unused;
    }

private:
    static void require(bool condition, const std::string& what) {
        if (!condition) throw std::runtime_error("VCD: " + what);
    }
    static std::string next(std::istream& in) {
        std::string word;
        require(static_cast<bool>(in >> word), "ends early");
        return word;
    }

    void read_header(std::istream& in) {
        std::vector<std::string> scopes;
        for (std::string word = next(in);; word = next(in)) {
            std::vector<std::string> arguments;
            require(word.starts_with('$'), "no section but " + word);
            for (std::string a = next(in); a != "$end"; a = next(in)) arguments.push_back(a);
            if (word == "$enddefinitions") break;
            if (word == "$timescale") {  // "1 fs" or, by other programs, "1fs"
                std::string scale;
                for (const std::string& argument : arguments) scale += argument;
                require(scale == "1fs", "time scale");
            }
            if (word == "$upscope") {
                require(!scopes.empty(), "$upscope without $scope");
                scopes.pop_back();
            } else if (word == "$scope") {
                require(arguments.size() == 2 && arguments[0] == "module", "scope");
                scopes.push_back(arguments[1]);
            } else if (word == "$var") {
                declare(scopes, arguments);
            }
        }
        require(scopes.empty(), "scope left open");
    }

    void declare(const std::vector<std::string>& scopes, const std::vector<std::string>& arguments) {
        require(arguments.size() == 4 || arguments.size() == 5, "variable");
        Variable variable{arguments[0], std::stoi(arguments[1]), arguments[2]};
        if (dialect_ == VcdDialect::standard) {
            require(variable.type != "string", "a variable of type string");
            require(variable.code[0] != '#' && variable.code[0] != '$', "code " + variable.code);
        }
        if (arguments.size() == 5) require(arguments[4] == "[" + std::to_string(variable.bits - 1) + ":0]", "range");
        std::string name;
        for (const std::string& scope : scopes) name += scope + ".";
        name += arguments[3];
        const auto [net, created] = nets_.emplace(variable.code, variable);
        const bool same = net->second.bits == variable.bits && net->second.type == variable.type;
        require(created || same, "alias of another type");
        require(variables_.emplace(name, variable).second, name + " declared twice");
    }

    void read_changes(std::istream& in) {
        bool dumping = false;
        for (std::string word; in >> word;) {
            if (word[0] == '#') {
                const std::uint64_t time = std::stoull(word.substr(1));
                require(times_.empty() || time > times_.back(), "time does not rise at " + word);
                times_.push_back(time);
            } else if (word == "$dumpvars") {
                dumping = true;
            } else if (word == "$end") {
                require(dumping, "$end");
                dumping = false;
            } else {
                read_change(in, word);
                dumped_ += dumping ? 1 : 0;
            }
        }
        require(!dumping, "$dumpvars left open");
    }

    void read_change(std::istream& in, const std::string& word) {
        require(!times_.empty(), "value before any time");
        const bool scalar = word[0] == '0' || word[0] == '1';
        const std::string code = scalar ? word.substr(1) : next(in);
        require(nets_.contains(code), "no net " + code);
        const Variable& net = nets_.at(code);
        std::string value = scalar ? word.substr(0, 1) : word.substr(1);
        if (word[0] == 's') {
            require(net.type == "string", "word for a number");
        } else {
            require(scalar ? net.bits == 1 : word[0] == 'b', "change " + word);
            require(net.type != "string", "number for a word");
            require(!value.empty() && value.find_first_not_of("01") == std::string::npos, "digits " + value);
            require(value.size() <= static_cast<std::size_t>(net.bits), "too many digits");
            value.insert(0, static_cast<std::size_t>(net.bits) - value.size(), '0');
        }
        changes_[code].emplace_back(times_.back(), value);
    }

    VcdDialect dialect_;
    std::string text_;
    std::map<std::string, Variable> variables_;
    std::map<std::string, Variable> nets_;  ///< by code
    std::map<std::string, History> changes_;
    std::vector<std::uint64_t> times_;
    std::size_t dumped_ = 0;
};

}  // namespace widthwise::test

// SPDX-License-Identifier: Apache-2.0
// The declarations at the head of a VCD file.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace widthwise {

/// A tree of scopes from dotted names, in the order in which they are first named.
class VcdScopes {
public:
    /// `type`: wire, integer, string; `bits` as declared.
    void declare(std::string_view scope, std::string_view name, std::string_view type, int bits,
                 const std::string& code);
    /// In the first outermost scope, before its other variables.
    void declare_at_top(std::string_view name, std::string_view type, int bits, const std::string& code);
    /// $date to $enddefinitions. No clock on the wall is read: equal runs give equal files.
    [[nodiscard]] std::string header() const;

private:
    struct Scope {
        std::string declarations;
        std::vector<std::pair<std::string, std::unique_ptr<Scope>>> children;
    };
    Scope& scope(std::string_view dotted);
    static void append(std::string& text, const Scope& scope);

    Scope root_;
    std::map<std::string, Scope*, std::less<>> by_name_;
    std::string top_declarations_;
};

}  // namespace widthwise

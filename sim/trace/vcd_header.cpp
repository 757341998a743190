// SPDX-License-Identifier: Apache-2.0
#include "trace/vcd_header.h"

#include <fmt/format.h>

#include "trace/vcd_encoder.h"

namespace widthwise {

namespace {
std::string declaration(std::string_view name, std::string_view type, int bits, const std::string& code) {
    const std::string range = type == "wire" && bits > 1 ? fmt::format(" [{}:0]", bits - 1) : "";
    return fmt::format("$var {} {} {} {}{} $end\n", type, bits, code, legal_vcd_name(name), range);
}
}  // namespace

void VcdScopes::declare(std::string_view scope_name, std::string_view name, std::string_view type, int bits,
                        const std::string& code) {
    scope(scope_name).declarations += declaration(name, type, bits, code);
}

void VcdScopes::declare_at_top(std::string_view name, std::string_view type, int bits, const std::string& code) {
    top_declarations_ += declaration(name, type, bits, code);
}

VcdScopes::Scope& VcdScopes::scope(std::string_view dotted) {
    if (dotted.empty()) return root_;
    const auto found = by_name_.find(dotted);
    if (found != by_name_.end()) return *found->second;
    const std::size_t dot = dotted.rfind('.');
    Scope& parent = dot == std::string_view::npos ? root_ : scope(dotted.substr(0, dot));
    const std::string_view name = dot == std::string_view::npos ? dotted : dotted.substr(dot + 1);
    parent.children.emplace_back(legal_vcd_name(name), std::make_unique<Scope>());
    Scope* const created = parent.children.back().second.get();
    by_name_.emplace(dotted, created);
    return *created;
}

void VcdScopes::append(std::string& text, const Scope& scope) {
    text += scope.declarations;
    for (const auto& [name, child] : scope.children) {
        text += fmt::format("$scope module {} $end\n", name);
        append(text, *child);
        text += "$upscope $end\n";
    }
}

std::string VcdScopes::header() const {
    const std::string text = fmt::format(
        "$date\n    not recorded\n$end\n$version\n    Widthwise {}\n$end\n"
        "$timescale 1 fs $end\n",
        WIDTHWISE_VERSION);
    std::string scopes;
    append(scopes, root_);
    // The first scope's own line comes first unless variables lie outside all scopes.
    const std::size_t top = root_.declarations.empty() && !root_.children.empty() ? scopes.find('\n') + 1 : 0;
    scopes.insert(top, top_declarations_);
    return text + scopes + "$enddefinitions $end\n";
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "trace/fst_writer.h"

#include <fmt/format.h>
#include <gtkwave/fstapi.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <tuple>
#include <utility>

#include "common/error.h"
#include "trace/fst_checked_io.h"
#include "trace/vcd_encoder.h"

namespace widthwise {
namespace {

constexpr int kFemtoseconds = -15;  // as a power of ten of seconds

/// A tree of scopes in the order in which they are first named, since FST wants each scope in one piece.
struct Scope {
    std::vector<const WaveVariable*> variables;
    std::vector<std::pair<std::string, std::unique_ptr<Scope>>> children;

    Scope& child(const std::string& name) {
        for (auto& [known, scope] : children) {
            if (known == name) return *scope;
        }
        return *children.emplace_back(name, std::make_unique<Scope>()).second;
    }
};

std::uint64_t value_of(const WaveVariable& variable) {
    const std::uint64_t mask = ~std::uint64_t{0} >> (64 - variable.bits);
    const auto as = [&]<typename T>(T /*storage*/) {
        return static_cast<std::uint64_t>(static_cast<std::int64_t>(*static_cast<const T*>(variable.value))) & mask;
    };
    switch (variable.storage) {
        case WaveStorage::boolean: return *static_cast<const bool*>(variable.value) ? 1 : 0;
        case WaveStorage::text:
        case WaveStorage::uint8: return as(std::uint8_t{});
        case WaveStorage::int16: return as(std::int16_t{});
        case WaveStorage::int32: return as(std::int32_t{});
        case WaveStorage::int64: break;
    }
    return as(std::int64_t{});
}

}  // namespace

FstWriter::FstWriter(std::string path, WaveLimits limits) : path_(std::move(path)), limits_(std::move(limits)) {
    limits_.validate();
}

FstWriter::~FstWriter() {
    if (file_ == nullptr) return;
    fstWriterClose(file_);
    widthwise_fst_take_error();
}

void FstWriter::check() {
    const int error = widthwise_fst_take_error();
    if (error == 0) return;
    finished_ = true;
    file_ = nullptr;  // left open: to close it the library would read, through mappings, what it could not write
    throw SimulationError(fmt::format("cannot write '{}': {}", path_, std::strerror(error)));
}

void FstWriter::begin(const WaveList& list, const ClockEdges& edges) {
    gate_ = std::make_unique<WaveGate>(limits_, list);
    const std::vector<const WaveVariable*> selected = select_variables(list, limits_);
    file_ = fstWriterCreate(path_.c_str(), 1);
    if (file_ == nullptr) {
        throw SimulationError(fmt::format("cannot write '{}': {}", path_, std::strerror(errno)));
    }
    fstWriterSetTimescale(file_, kFemtoseconds);
    fstWriterSetDate(file_, "not recorded");  // equal runs give equal files
    fstWriterSetVersion(file_, "Widthwise " WIDTHWISE_VERSION);
    edges_ = edges;
    declare(selected);
    widthwise_fst_fflush(nullptr);  // all there are: the library is about to map its temporary files
    check();
}

/// The words of a register for viewers. Returns the library's number for them.
std::uint32_t FstWriter::table_of_words(const WaveVariable& variable) {
    std::vector<std::string> words, values;
    std::vector<const char*> word_texts, value_texts;
    for (const std::string_view word : variable.words) {
        values.push_back(fmt::format("{:0{}b}", words.size(), variable.bits));
        words.push_back(legal_vcd_name(word));
    }
    for (std::size_t i = 0; i < words.size(); ++i) {
        word_texts.push_back(words[i].c_str());
        value_texts.push_back(values[i].c_str());
    }
    return fstWriterCreateEnumTable(file_, legal_vcd_name(variable.scope + "." + variable.name).c_str(),
                                    static_cast<std::uint32_t>(words.size()), 0, word_texts.data(), value_texts.data());
}

void FstWriter::declare(const std::vector<const WaveVariable*>& selected) {
    Scope root;
    variables_.reserve(selected.size());  // nets point into it
    for (const WaveVariable* variable : selected) {
        const WaveVariable& copy = variables_.emplace_back(*variable);
        Scope* scope = &root;
        std::size_t start = 0;
        while (start <= copy.scope.size() && !copy.scope.empty()) {
            const std::size_t dot = std::min(copy.scope.find('.', start), copy.scope.size());
            scope = &scope->child(legal_vcd_name(copy.scope.substr(start, dot - start)));
            start = dot + 1;
        }
        scope->variables.push_back(&copy);
    }
    std::map<std::tuple<const void*, WaveStorage, int>, std::uint32_t> handles;
    bool at_top = true;
    const auto declare_top = [&] {
        clock_ = fstWriterCreateVar(file_, FST_VT_VCD_WIRE, FST_VD_IMPLICIT, 1, "clk", 0);
        cycle_ = fstWriterCreateVar(file_, FST_VT_VCD_INTEGER, FST_VD_IMPLICIT, 64, "cycle", 0);
        at_top = false;
    };
    const auto visit = [&](const auto& self, const Scope& scope) -> void {
        for (const WaveVariable* variable : scope.variables) {
            std::uint32_t& handle = handles[{variable->value, variable->storage, variable->bits}];
            std::string name = legal_vcd_name(variable->name);
            if (variable->bits > 1) name += fmt::format(" [{}:0]", variable->bits - 1);
            const std::uint32_t known = handle;
            if (!variable->words.empty()) fstWriterEmitEnumTableRef(file_, table_of_words(*variable));
            const std::uint32_t made =
                fstWriterCreateVar(file_, FST_VT_VCD_WIRE, FST_VD_IMPLICIT, static_cast<std::uint32_t>(variable->bits),
                                   name.c_str(), known);
            if (known != 0) continue;
            handle = made;
            nets_.push_back({variable, made, 0});
        }
        for (const auto& [name, child] : scope.children) {
            fstWriterSetScope(file_, FST_ST_VCD_MODULE, name.c_str(), nullptr);
            if (at_top) declare_top();
            self(self, *child);
            fstWriterSetUpscope(file_);
        }
    };
    if (root.children.empty() || !root.variables.empty()) declare_top();
    visit(visit, root);
}

void FstWriter::emit(Net& net, bool always) {
    const std::uint64_t value = value_of(*net.variable);
    if (value == net.shown && !always) return;
    net.shown = value;
    fstWriterEmitValueChange64(file_, net.handle, static_cast<std::uint32_t>(net.variable->bits), value);
}

void FstWriter::sample(std::uint64_t cycle) {
    if (finished_) return;
    if (cycle + 1 >= limits_.end_cycle) finished_ = true;
    if (!gate_->open(cycle)) return;
    const bool first = recorded_cycles_ == 0;
    fstWriterEmitTimeChange(file_, edges_->rise(cycle));
    fstWriterEmitValueChange(file_, clock_, "1");
    fstWriterEmitValueChange64(file_, cycle_, 64, cycle);
    for (Net& net : nets_) emit(net, first);
    fstWriterEmitTimeChange(file_, edges_->fall(cycle));
    fstWriterEmitValueChange(file_, clock_, "0");
    last_recorded_ = cycle;
    ++recorded_cycles_;
    check();
}

void FstWriter::close() {
    finished_ = true;
    if (file_ == nullptr) return;
    const std::uint64_t end = recorded_cycles_ > 0 ? edges_->rise(last_recorded_ + 1) : 0;
    if (recorded_cycles_ > 0) fstWriterEmitTimeChange(file_, end);
    fstWriterClose(std::exchange(file_, nullptr));
    check();
}

}  // namespace widthwise

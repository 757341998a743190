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

constexpr int kPicoseconds = -12;  // as a power of ten of seconds

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
    throw SimulationError(fmt::format("cannot write '{}': {}", path_, std::strerror(error)));
}

void FstWriter::begin(const WaveList& list, std::uint64_t period_ps) {
    if (period_ps < 2) throw SimulationError(fmt::format("waveform: a clock period of {} ps has no halves", period_ps));
    gate_ = std::make_unique<WaveGate>(limits_, list);
    const std::vector<const WaveVariable*> selected = select_variables(list, limits_);
    file_ = fstWriterCreate(path_.c_str(), 1);
    if (file_ == nullptr) {
        throw SimulationError(fmt::format("cannot write '{}': {}", path_, std::strerror(errno)));
    }
    fstWriterSetTimescale(file_, kPicoseconds);
    fstWriterSetDate(file_, "not recorded");  // equal runs give equal files
    fstWriterSetVersion(file_, "Widthwise " WIDTHWISE_VERSION);
    period_ps_ = period_ps;
    declare(selected);
    check();
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
            const bool text = variable->storage == WaveStorage::text;
            std::uint32_t& handle = handles[{variable->value, variable->storage, variable->bits}];
            std::string name = legal_vcd_name(variable->name);
            if (!text && variable->bits > 1) name += fmt::format(" [{}:0]", variable->bits - 1);
            const std::uint32_t known = handle;
            const std::uint32_t made =
                fstWriterCreateVar(file_, text ? FST_VT_GEN_STRING : FST_VT_VCD_WIRE, FST_VD_IMPLICIT,
                                   text ? 0 : static_cast<std::uint32_t>(variable->bits), name.c_str(), known);
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
    if (net.variable->storage != WaveStorage::text) {
        fstWriterEmitValueChange64(file_, net.handle, static_cast<std::uint32_t>(net.variable->bits), value);
        return;
    }
    const std::string word =
        value < net.variable->words.size() ? legal_vcd_name(net.variable->words[value]) : fmt::format("?{}", value);
    fstWriterEmitVariableLengthValueChange(file_, net.handle, word.data(), static_cast<std::uint32_t>(word.size()));
}

void FstWriter::sample(std::uint64_t cycle) {
    if (finished_) return;
    if (cycle + 1 >= limits_.end_cycle) finished_ = true;
    if (!gate_->open(cycle)) return;
    const bool first = recorded_cycles_ == 0;
    const std::uint64_t time = cycle * period_ps_;
    fstWriterEmitTimeChange(file_, time);
    fstWriterEmitValueChange(file_, clock_, "1");
    fstWriterEmitValueChange64(file_, cycle_, 64, cycle);
    for (Net& net : nets_) emit(net, first);
    fstWriterEmitTimeChange(file_, time + period_ps_ / 2);
    fstWriterEmitValueChange(file_, clock_, "0");
    last_recorded_ = cycle;
    ++recorded_cycles_;
    check();
}

void FstWriter::close() {
    finished_ = true;
    if (file_ == nullptr) return;
    const std::uint64_t end = (last_recorded_ + 1) * period_ps_;
    if (recorded_cycles_ > 0) fstWriterEmitTimeChange(file_, end);
    fstWriterClose(std::exchange(file_, nullptr));
    check();
}

}  // namespace widthwise

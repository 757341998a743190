// SPDX-License-Identifier: Apache-2.0
#include "trace/vcd_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <exception>
#include <string_view>
#include <utility>

#include "common/error.h"
#include "trace/vcd_header.h"

namespace widthwise {

namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 18;  // stays in the second-level cache
/// Two times, the clock's changes, the cycle and $dumpvars, generously.
constexpr std::size_t kSampleOverhead = 256;

WaveLimits checked(WaveLimits limits) {
    limits.validate();
    return limits;
}

/// A register that reads as a word, by the word's number.
WaveVariable as_number(WaveVariable variable) {
    if (variable.storage == WaveStorage::text) variable.storage = WaveStorage::uint8;
    return variable;
}

char* put(char* out, std::string_view text) {
    std::memcpy(out, text.data(), text.size());
    return out + text.size();
}

}  // namespace

VcdWriter::VcdWriter(const std::string& path, WaveLimits limits, bool overwrite, VcdWords words)
    : limits_(checked(std::move(limits))),
      file_(path, overwrite),
      exceptions_(std::uncaught_exceptions()),
      words_(words) {}

VcdWriter::~VcdWriter() {
    try {
        if (state_ != State::created && std::uncaught_exceptions() > exceptions_) {
            // The run failed: what there is helps to see why, under the partial file's name.
            if (state_ == State::begun) flush();
        } else {
            close();
        }
    } catch (...) {  // a destructor must not throw; who wants to know calls close()
    }
}

void VcdWriter::begin(const WaveList& list, const ClockEdges& edges) {
    if (state_ != State::created) throw SimulationError("waveform: begun a second time");
    gate_.emplace(limits_, list);
    const std::vector<const WaveVariable*> selected = select_variables(list, limits_);
    edges_ = edges;
    VcdScopes scopes;
    const std::string clock = encoder_.new_code();
    scopes.declare_at_top("clk", "wire", 1, clock);
    clock_rises_ = "1" + clock + "\n";
    clock_falls_ = "0" + clock + "\n";
    const std::string cycle = encoder_.new_code();
    scopes.declare_at_top("cycle", "integer", 64, cycle);
    cycle_tail_ = VcdEncoder::tail(cycle, true);
    for (const WaveVariable* variable : selected) {
        const bool text = variable->storage == WaveStorage::text && words_ == VcdWords::strings;
        const std::string code = encoder_.add(text ? *variable : as_number(*variable));
        scopes.declare(variable->scope, variable->name, text ? "string" : "wire", text ? 1 : variable->bits, code);
    }
    sample_bytes_ = encoder_.max_bytes() + kSampleOverhead;
    buffer_.resize(kBufferBytes + sample_bytes_);
    state_ = State::begun;
    const std::string header = scopes.header();
    write(header.data(), header.size());
}

void VcdWriter::sample(std::uint64_t cycle) {
    if (finished_) return;
    if (state_ != State::begun || cycle < next_cycle_) {
        throw SimulationError(fmt::format("waveform: cycle {} sampled out of order", cycle));
    }
    next_cycle_ = cycle + 1;
    if (gate_->open(cycle)) record(cycle);
    if (next_cycle_ >= limits_.end_cycle) finished_ = true;
}

void VcdWriter::record(std::uint64_t cycle) {
    const bool first = recorded_cycles_ == 0;
    char* out = buffer_.data() + used_;
    out = put_time(out, edges_->rise(cycle));
    if (first) out = put(out, "$dumpvars\n");
    out = put(out, clock_rises_);
    out = put_vcd_number(out, cycle, cycle_tail_);
    out = encoder_.encode(out, first);
    if (first) out = put(out, "$end\n");
    out = put_time(out, edges_->fall(cycle));
    out = put(out, clock_falls_);
    used_ = static_cast<std::size_t>(out - buffer_.data());
    last_recorded_ = cycle;
    ++recorded_cycles_;
    if (used_ >= kBufferBytes) flush();
}

char* VcdWriter::put_time(char* out, std::uint64_t time_fs) {
    *out++ = '#';
    out = std::to_chars(out, out + 20, time_fs).ptr;
    *out++ = '\n';
    return out;
}

void VcdWriter::write(const char* bytes, std::size_t count) {
    try {
        file_.write(bytes, count);
    } catch (const SimulationError&) {
        state_ = State::ended;
        finished_ = true;
        throw;
    }
}

void VcdWriter::close() {
    finished_ = true;
    const State before = std::exchange(state_, State::ended);
    if (before == State::created) file_.discard();
    if (before != State::begun) return;
    if (recorded_cycles_ > 0) {  // the last cycle lasts until its end
        const char* const end = put_time(buffer_.data() + used_, edges_->rise(last_recorded_ + 1));
        used_ = static_cast<std::size_t>(end - buffer_.data());
    }
    flush();
    file_.commit();
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "trace/timeline_writer.h"

#include <fmt/format.h>

#include <utility>

#include "common/error.h"
#include "text/printable.h"

namespace widthwise {
namespace {

/// A name from a network as a JSON text.
std::string quoted(const std::string& text) {
    std::string quoted = "\"";
    for (const char letter : valid_utf8(text)) {
        const auto code = static_cast<unsigned char>(letter);
        if (letter == '"' || letter == '\\') quoted += '\\';
        if (code < 0x20 || code == 0x7f) quoted += fmt::format("\\u{:04x}", code);
        else quoted += letter;
    }
    return quoted + "\"";
}

}  // namespace

TimelineWriter::TimelineWriter(const std::string& path, WaveLimits limits, std::vector<Layer> layers, int elements)
    : limits_(std::move(limits)),
      layers_(std::move(layers)),
      elements_(elements),
      file_(path),
      tracks_{{"phases", {}}, {"layers", {}},           {"PE array", {}}, {"tiles", {}},
              {"drain", {}},  {"line buffer fill", {}}, {"DMA", {}}} {
    limits_.validate();
}

void TimelineWriter::begin(const WaveList& list, const ClockEdges& edges) {
    gate_.emplace(limits_, list);
    activity_ = list.activity();
    if (activity_ == nullptr) throw InputError("timeline: the model tells nothing of its work");
    file_.write(
        fmt::format("{{\"displayTimeUnit\":\"ms\",\n\"otherData\":{{\"time\":\"1 us stands for 1 clock cycle\","
                    "\"clock_period_ps\":{},\"tool\":\"widthwise {}\"}},\n\"traceEvents\":[\n",
                    edges.period_fs() / 1000, WIDTHWISE_VERSION));
    event(R"j({"ph":"M","pid":1,"name":"process_name","args":{"name":"accelerator (1 us = 1 clock cycle)"}})j");
    for (std::size_t t = 0; t < tracks_.size(); ++t) {
        event(fmt::format(R"({{"ph":"M","pid":1,"tid":{0},"name":"thread_name","args":{{"name":"{1}"}}}})", t + 1,
                          tracks_[t].title));
        event(fmt::format(R"({{"ph":"M","pid":1,"tid":{0},"name":"thread_sort_index","args":{{"sort_index":{0}}}}})",
                          t + 1));
    }
}

void TimelineWriter::event(const std::string& json) {
    if (!std::exchange(first_event_, false)) file_.write(",\n");
    file_.write(json);
}

void TimelineWriter::set(TrackIndex index, const std::string& name, std::uint64_t cycle) {
    Track& track = tracks_[index];
    if (track.name == name) return;
    if (!track.name.empty() && cycle > track.start) {
        event(fmt::format(R"({{"ph":"X","pid":1,"tid":{},"name":{},"ts":{},"dur":{}}})", static_cast<int>(index) + 1,
                          quoted(track.name), track.start, cycle - track.start));
    }
    track.name = name;
    track.start = cycle;
}

void TimelineWriter::close_all(std::uint64_t cycle) {
    for (int t = 0; t < kTrackCount; ++t) set(static_cast<TrackIndex>(t), "", cycle);
}

void TimelineWriter::counter(const char* name, const char* unit, double value, std::uint64_t cycle) {
    event(fmt::format(R"({{"ph":"C","pid":1,"name":"{}","ts":{},"args":{{"{}":{:.6g}}}}})", name, cycle, unit, value));
}

/// A tile lasts from its first tap to its last one.
void TimelineWriter::follow_tiles(std::uint64_t cycle, std::int64_t elements) {
    if (!activity_->computes() || layer_ < 0 || static_cast<std::size_t>(layer_) >= layers_.size()) return;
    const Layer& layer = layers_[static_cast<std::size_t>(layer_)];
    if (tile_taps_ == 0) {
        set(kTiles, fmt::format("{} tile {}", layer.name, tile_), cycle);
        tile_start_ = cycle;
    }
    if (++tile_taps_ < layer.taps) return;
    set(kTiles, "", cycle + 1);
    const double busy = static_cast<double>(elements) * static_cast<double>(layer.taps);
    counter("utilisation", "%", 100 * busy / (elements_ * static_cast<double>(cycle + 1 - tile_start_)), tile_start_);
    tile_taps_ = 0;
    ++tile_;
}

void TimelineWriter::sample(std::uint64_t cycle) {
    if (finished_) return;
    const Activity& now = *activity_;
    // At the edge of a tile's last tap the array already takes in the next tile's size.
    const std::int64_t elements = std::exchange(tile_elements_, now.elements());
    if (cycle + 1 >= limits_.end_cycle) finished_ = true;
    if (!gate_->open(cycle)) return;
    if (cycle != next_cycle_) {
        close_all(next_cycle_);
        tile_taps_ = 0;
    }
    next_cycle_ = cycle + 1;
    ++recorded_cycles_;
    const std::int32_t layer = now.layer().value_or(-1);
    if (layer != layer_) {  // slices of two layers must not grow together
        for (const TrackIndex track : {kLayers, kArray, kTiles}) set(track, "", cycle);
        layer_ = layer;
        tile_ = tile_taps_ = 0;
        if (layer < 0) counter("utilisation", "%", 0, cycle);
    }
    const bool known = layer >= 0 && static_cast<std::size_t>(layer) < layers_.size();
    set(kPhases, std::string(now.phase()), cycle);
    set(kLayers, known ? layers_[static_cast<std::size_t>(layer)].name : "", cycle);
    // What neither a tap nor a stall of the array took is the layer's start or its results on their way: drain.
    std::string doing;
    if (layer >= 0) {
        const std::string_view stall = now.stall();
        doing = now.computes() ? "compute" : fmt::format("stall: {}", stall.empty() ? "drain" : stall);
    }
    set(kArray, doing, cycle);
    follow_tiles(cycle, elements);
    set(kDrain, now.drains() ? "drain" : "", cycle);
    set(kFill, now.fills() ? "fill" : "", cycle);
    set(kDma, std::string(now.transfer()), cycle);
    if (now.overflow_events() != overflow_) {
        overflow_ = now.overflow_events();
        counter("overflow", "events", static_cast<double>(overflow_), cycle);
    }
}

void TimelineWriter::close() {
    finished_ = true;
    if (activity_ == nullptr) return;
    close_all(next_cycle_);
    file_.write("\n]}\n");
    file_.close();
    activity_ = nullptr;
}

}  // namespace widthwise

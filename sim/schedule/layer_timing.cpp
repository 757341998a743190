// SPDX-License-Identifier: Apache-2.0
#include "schedule/layer_timing.h"

#include <algorithm>
#include <map>
#include <vector>

#include "schedule/line_fill.h"
#include "schedule/pooling_windows.h"
#include "schedule/stages/addition.h"
#include "schedule/timing_rules.h"

namespace widthwise {

namespace {

/// From the edge at which a beat is put into the array's output register until the next unit has it requantized.
constexpr Edge kRequantized = edges(Rule::take) + edges(Rule::requantize);

}  // namespace

namespace {

/// Consecutive taps that need the same lines: of one row and one channel.
struct TapRun {
    int end = 0;  ///< one past the last
    int row = 0;  ///< into PartTaps::rows
    int channel = 0;
};

/// A part's taps, as far as the lines that they need are concerned.
struct PartTaps {
    std::vector<std::size_t> rows;  ///< of each row a tap, of the highest channel
    std::vector<TapRun> runs;
    /// The run that tap `t` belongs to.
    [[nodiscard]] std::vector<TapRun>::const_iterator run_of(int t) const {
        return std::upper_bound(runs.begin(), runs.end(), t, [](int at, const TapRun& run) { return at < run.end; });
    }
};

/// What the strips of a layer have in common.
struct LayerTables {
    explicit LayerTables(const LayerSchedule& layer) {
        if (layer.pooling.has_value()) {
            const Window& w = layer.pooling->window;
            pool_rows =
                windows_along(layer.sums.height, w.kernel_height, w.stride_height, w.pad_top, layer.output.height);
            pool_columns =
                windows_along(layer.sums.width, w.kernel_width, w.stride_width, w.pad_left, layer.output.width);
        }
        order_lines(layer);
    }

    std::vector<PixelWindows> pool_rows, pool_columns;
    std::vector<PartTaps> parts;

private:
    void order_lines(const LayerSchedule& layer) {
        int first = 0;
        for (const TapPart& part : layer.parts) {
            PartTaps& made = parts.emplace_back();
            std::map<int, int> places;  // of rows
            for (int t = first; t < part.end_tap; ++t) {
                const Tap& tap = layer.taps[t];
                const auto [place, is_new] = places.try_emplace(tap.row, static_cast<int>(made.rows.size()));
                if (is_new) made.rows.push_back(t);
                std::size_t& highest = made.rows[place->second];
                if (tap.channel > layer.taps[highest].channel) highest = t;
                const bool goes_on = !made.runs.empty() && made.runs.back().row == place->second &&
                                     made.runs.back().channel == tap.channel;
                if (!goes_on) made.runs.push_back({t, place->second, tap.channel});
                made.runs.back().end = t + 1;
            }
            first = part.end_tap;
        }
    }
};

class StripTimer {
public:
    StripTimer(const Schedule& schedule, const LayerSchedule& layer, const LayerTables& tables, int strip, Edge start,
               DmaTimer& dma, CycleCounts& cycles)
        : hardware_(schedule.hardware),
          layer_(layer),
          tables_(tables),
          strip_(strip),
          streamed_(schedule.hardware.weight_buffer.storage == WeightStorage::streamed && layer.has_parameters()),
          dma_(dma),
          cycles_(cycles),
          fill_(layer, layer.strips[strip], schedule.hardware.activation_buffer.ports, start + edges(Rule::command)),
          issued_(start + edges(Rule::command)),
          lines_read_(start),
          weights_read_(start) {}

    /// Returns the edge at which the strip is stored, as the Sequencer knows it.
    Edge run() {
        TileCursor tile(layer_, strip_);
        if (layer_.weight_fetches(layer_.strips[strip_]) > 0) begin_weights();
        while (time_tile(tile)) {
        }
        const Edge written = layer_.sums_leave()
                                 ? byte_written(layer_.value_bytes - 1)
                                 : drained_ + kRequantized + addition_latency(layer_) + edges(Rule::pool);
        return written + edges(Rule::stored);
    }

private:
    /// False after the last tile; else the cursor is at the next one.
    bool time_tile(TileCursor& tile) {
        const TileIndex index = tile.index();
        time_taps(tile);
        cycles_.compute += layer_.taps.size();
        const bool ends_weights = tile.ends_weights() || layer_.weight_parts() > 1;
        const bool more = tile.next();
        // The line buffer frees what the next tile and those after it do not read.
        if (more) fill_.hold(tile.blocks_before() + tile.window().first_block, lines_read_);
        if (ends_weights) release_weights();
        drain(index);
        if (more && ends_weights) begin_weights();
        return more;
    }

    /// Taps whose lines and weights are there together, one run after the other.
    void time_taps(const TileCursor& tile) {
        const auto taps = static_cast<int>(layer_.taps.size());
        int part = 0, weight_part = 0;
        for (int first = 0; first < taps;) {
            const int end = std::min(layer_.parts[part].end_tap, layer_.end_weight_tap(weight_part));
            time_run(tile, part, first, end);
            first = end;
            if (end == taps) return;
            if (end == layer_.parts[part].end_tap) {
                ++part;
                fill_.hold(tile.blocks_before() + tile.line_pass().first_of_part[part], lines_read_);
            }
            if (end == layer_.end_weight_tap(weight_part)) {
                ++weight_part;
                release_weights();
                begin_weights();
            }
        }
    }

    /// Taps [first, end) of a part. Once nothing is waited for the rest goes at once; that is looked at ever more
    /// seldom.
    void time_run(const TileCursor& tile, int part, int first, int end) {
        look_up_lines(tile, part);
        auto run = tables_.parts[part].run_of(first);
        for (int t = first, pause = 1; t < end && !quick_run(tile, t, end); pause *= 2) {
            for (int n = 0; n < pause && t < end; ++n, ++run) {
                const int until = std::min(run->end, end);
                issue_taps(tile, *run, t, until);
                t = until;
            }
        }
    }

    /// Taps [t, end) of a run.
    void issue_taps(const TileCursor& tile, const TapRun& run, int t, int end) {
        const auto taps = static_cast<int>(layer_.taps.size());
        while (t < end) {
            const bool waits_for_lines_alone = t > 0 && one_beat() && weights_arrive_ <= issued_;
            const int count = waits_for_lines_alone ? std::min(end, taps - 1) - t : 0;
            if (count > 0) {
                issue_with_lines(tile, run, count);
                t += count;
            } else {
                issue_tap(tile, run, t == 0, t + 1 == taps);
                ++t;
            }
        }
    }

    /// `count` taps of a run that wait for its lines and for nothing else: what issue_tap() comes to, all at once.
    void issue_with_lines(const TileCursor& tile, const TapRun& run, int count) {
        const Edge lines = std::max(issued_, fill_.arrival(tile.pass(), lines_of(run)));
        if (lines > issued_) count_starved(issued_ + 1, lines + edges(Rule::issue));
        // Operands leave their memories at the edge at which the tap before is issued; the first tap's weights do not wait
        // for its lines.
        const Edge last = lines + edges(Rule::issue) + count - 1;
        lines_read_ = count == 1 ? lines : last - 1;
        weights_read_ = count == 1 ? issued_ : last - 1;
        issued_ = last;
    }

    /// Lines that the part's rows need for the tile, while it is timed.
    void look_up_lines(const TileCursor& tile, int part) {
        const ColumnTile& pixels = layer_.tiles[tile.index().tile];
        const LookedUp looked_up{&tile.line_pass(), pixels.first_y, pixels.last_y, part,
                                 layer_.images_in_group(tile.index().image_group)};
        if (looked_up == looked_up_) return;
        looked_up_ = looked_up;
        lines_of_rows_.clear();
        most_lines_ = 0;
        for (const std::size_t t : tables_.parts[part].rows) {
            const Tap& tap = layer_.taps[t];
            const int lines = lines_needed(layer_, tile.line_pass(), tile.index(), part, tap);
            lines_of_rows_.push_back({lines > 0, lines - tap.channel * looked_up.images});
            most_lines_ = std::max(most_lines_, lines);
        }
    }

    [[nodiscard]] int lines_of(const TapRun& run) const {
        const LinesOfRow& row = lines_of_rows_[run.row];
        return row.any ? row.of_channel_0 + run.channel * looked_up_.images : 0;
    }

    /// Neither memory needs several cycles for a tap.
    [[nodiscard]] bool one_beat() const { return layer_.weight_beats_per_tap == 1 && layer_.line_beats_per_tap == 1; }

    void release_weights() {
        if (streamed_) dma_.release_weights(weights_read_);
    }

    void begin_weights() {
        if (streamed_) weights_arrive_ = dma_.next_weights();
    }

    /// Taps [first, end) of a part, if they wait for nothing: one an edge. False when any tap might wait.
    bool quick_run(const TileCursor& tile, int first, int end) {
        if (!one_beat() || weights_arrive_ > issued_) return false;
        if (first == 0 && issued_ + 1 < skew_until_) return false;
        const Edge last = issued_ + (end - first);
        if (hardware_.array.shadow_accumulators) {
            if (end == static_cast<int>(layer_.taps.size()) && last <= drained_) return false;
        } else if (first == 0 && issued_ + 1 <= drained_) {
            return false;
        }
        if (fill_.arrival(tile.pass(), most_lines_) > issued_) return false;
        issued_ = last;
        lines_read_ = last - 1;
        weights_read_ = last - 1;
        return true;
    }

    void issue_tap(const TileCursor& tile, const TapRun& run, bool first, bool last) {
        const Edge arrived = fill_.arrival(tile.pass(), lines_of(run));
        // Operand registers: refilled at the edge at which the tap before was issued, if the next operands are there.
        const Edge lines = std::max(issued_, std::max(lines_read_ + 1, arrived) + layer_.line_beats_per_tap - 1);
        const Edge weights =
            std::max(issued_, std::max(weights_read_ + 1, weights_arrive_) + layer_.weight_beats_per_tap - 1);
        const Edge skew = first ? skew_until_ : 0;
        const bool needs_place = hardware_.array.shadow_accumulators ? last : first;
        const Edge place = needs_place ? drained_ + 1 : 0;
        const Edge issue =
            std::max({issued_ + 1, lines + edges(Rule::issue), weights + edges(Rule::issue), skew, place});
        count_stalls(issued_ + 1, issue, skew, place, weights, arrived, lines);
        issued_ = issue;
        lines_read_ = lines;
        weights_read_ = weights;
    }

    /// Edges [first, issue) have no tap; each goes to the first cause in force.
    void count_stalls(Edge first, Edge issue, Edge skew, Edge place, Edge weights, Edge arrived, Edge lines) {
        Edge at = first;
        const auto until = [&](Edge end) {  // edges from `at` up to, not including, `end`
            const Edge stop = std::min(std::max(end, at), issue);
            const auto count = static_cast<std::uint64_t>(stop - at);
            at = stop;
            return count;
        };
        cycles_[Stall::skew] += until(skew);
        cycles_[Stall::drain] += until(place);
        cycles_[Stall::dram] += until(weights_arrive_ + edges(Rule::issue));
        cycles_[Stall::weights] += until(weights + edges(Rule::issue));
        const Edge from = at;
        if (until(std::min(arrived, lines) + edges(Rule::issue)) > 0) count_starved(from, at);
        cycles_[Stall::activations] += until(lines + edges(Rule::issue));
    }

    /// At the edges [from, end) a tap waits for lines.
    void count_starved(Edge from, Edge end) {
        // The line buffer names the cause one edge after the port was denied.
        const std::uint64_t denied = fill_.denied(from - 1, end - 2);
        cycles_[Stall::port_conflict] += denied;
        cycles_[Stall::fill] += static_cast<std::uint64_t>(end - from) - denied;
    }

    void drain(const TileIndex& index) {
        const int rows = layer_.channels_in_tile(index.channel_tile);
        const int columns = tile_columns(layer_, index);
        const int skew = hardware_.array.interconnect == Interconnect::systolic ? rows + columns - 2 : 0;
        skew_until_ = issued_ + 1 + skew;
        // Sums leave from the edge on at which they are in the shadow accumulators, or final in the others.
        const int beats = drain_beats(layer_, rows, columns, hardware_.requant.lanes);
        const Edge first_beat =
            issued_ + skew + edges(Rule::settle) + (hardware_.array.shadow_accumulators ? edges(Rule::copy) : 0);
        if (layer_.sums_leave()) {
            drain_sums(first_beat, beats);
            return;
        }
        drained_ = first_beat + beats - 1;
        if (hardware_.activation_buffer.ports == 1) block_port(index, rows, columns, first_beat, beats);
        // An addition's operands are read as their beat comes out of requantization, before anything else is.
        for (int b = 0; b < beats && layer_.adds_map(); ++b)
            fill_.block(first_beat + b + kRequantized + edges(Rule::ask));
    }

    /// Sums leave byte by byte: the third stage of requantization hands on one byte of each of the beat's sums at an
    /// edge and holds the beat in the second meanwhile. One more waits in the first, and the next in the array's
    /// register.
    void drain_sums(Edge first_beat, int beats) {
        for (int b = 0; b < beats; ++b) {
            drained_ = std::max(b == 0 ? first_beat : drained_ + 1, sums_.biased);
            sums_.biased = std::max(drained_ + edges(Rule::take), sums_.scaled);
            sums_.scaled = std::max(sums_.biased + 1, sums_.scaled + layer_.value_bytes);
            for (int byte = 0; byte < layer_.value_bytes && hardware_.activation_buffer.ports == 1; ++byte) {
                fill_.block(byte_written(byte));
            }
        }
    }

    /// When a byte of the sums in the second stage of requantization is written, the others following one a cycle.
    [[nodiscard]] Edge byte_written(int byte) const {
        return sums_.scaled + edges(Rule::requantize) - 1 + edges(Rule::pool) + byte;
    }

    /// One port writes a beat's results and reads nothing meanwhile.
    void block_port(const TileIndex& index, int rows, int columns, Edge first_beat, int beats) {
        for (int b = 0; b < beats; ++b) {
            const DrainBeat beat = drain_beat(layer_, rows, columns, hardware_.requant.lanes, b);
            if (completes_any(index, beat))
                fill_.block(first_beat + b + kRequantized + addition_latency(layer_) + edges(Rule::pool));
        }
    }

    bool completes_any(const TileIndex& index, const DrainBeat& beat) const {
        if (!layer_.pooling) return true;
        if (layer_.image_columns)
            return tables_.pool_rows[0].completes_any() && tables_.pool_columns[0].completes_any();
        const int first = layer_.tiles[static_cast<std::size_t>(index.tile)].first + beat.column;
        for (int i = 0; i < beat.count; ++i) {
            const auto y = static_cast<std::size_t>((first + i) / layer_.sums.width);
            const auto x = static_cast<std::size_t>((first + i) % layer_.sums.width);
            if (tables_.pool_rows[y].completes_any() && tables_.pool_columns[x].completes_any()) return true;
        }
        return false;
    }

    const HardwareParams& hardware_;
    const LayerSchedule& layer_;
    const LayerTables& tables_;
    int strip_;
    bool streamed_;
    DmaTimer& dma_;
    CycleCounts& cycles_;
    LineFill fill_;
    Edge issued_;              ///< the last tap; before the first: the edge at which the array has its first command
    Edge lines_read_;          ///< the last tap's activations left the line buffer's storage
    Edge weights_read_;        ///< and its weights the weight buffer's
    Edge weights_arrive_ = 0;  ///< streamed: the current weight tile
    Edge skew_until_ = 0;      ///< first edge at which the next tile may enter
    Edge drained_ = 0;         ///< the last beat of the previous tile left
    /// What lines_of_rows_ are of.
    struct LookedUp {
        const LinePass* pass = nullptr;
        int first_y = 0, last_y = 0;
        int part = 0;
        int images = 0;
        friend bool operator==(const LookedUp&, const LookedUp&) = default;
    };
    struct LinesOfRow {
        bool any = false;  ///< false: padding
        int of_channel_0 = 0;
    };
    LookedUp looked_up_;
    std::vector<LinesOfRow> lines_of_rows_;
    int most_lines_ = 0;  ///< that the part needs altogether
    /// Of sums that leave: edges at which the last beat came into the first and the second stage of requantization.
    struct {
        Edge biased = 0;
        Edge scaled = 0;
    } sums_;
};

}  // namespace

Edge time_layer(const Schedule& schedule, const LayerSchedule& layer, Edge start, DmaTimer& dma, CycleCounts& cycles,
                const StripBegins& strip_begins) {
    dma.begin_layer(layer, start);
    const LayerTables tables(layer);
    Edge edge = start;
    const int behind = layer.strip_places();
    for (int s = 0; s < static_cast<int>(layer.strips.size()); ++s) {
        const Edge waits_from = edge;
        edge = std::max(edge, dma.fetched(layer.strips[s].end_fetch));
        if (s >= behind) edge = std::max(edge, dma.stored(layer.strips[s - behind].end_store));
        cycles[Stall::dram] += static_cast<std::uint64_t>(edge - waits_from);
        if (strip_begins) strip_begins(s, edge, cycles);
        edge = StripTimer(schedule, layer, tables, s, edge, dma, cycles).run();
        dma.end_strip(edge);
    }
    const Edge computed = edge;
    edge = std::max(edge, dma.stored(static_cast<int>(layer.stores.size())));
    cycles[Stall::dram] += static_cast<std::uint64_t>(edge - computed);
    cycles.total += static_cast<std::uint64_t>(edge - start);
    std::uint64_t counted = cycles.compute;
    for (const std::uint64_t stall : cycles.stalls) counted += stall;
    cycles[Stall::drain] += cycles.total - counted;
    return edge;
}

}  // namespace widthwise

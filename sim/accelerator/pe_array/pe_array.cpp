// SPDX-License-Identifier: Apache-2.0
#include "accelerator/pe_array/pe_array.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "text/letter_case.h"

namespace widthwise {

PeArray::PeArray(const sc_core::sc_module_name& name, const HardwareParams& hardware, const LayerTable& layers,
                 RunRecord& record)
    : Unit(name),
      params_(hardware.array),
      lanes_(hardware.requant.lanes),
      loop_accounting_(hardware.loop_accounting),
      statistics_(hardware.accumulator.statistics),
      layers_(layers),
      record_(record),
      grid_(make_pe_grid(hardware.array, hardware.accumulator.statistics, record)),
      biases_(static_cast<std::size_t>(grid_->latency(hardware.array.rows, hardware.array.columns)) + 2,
              std::vector<std::int32_t>(static_cast<std::size_t>(hardware.array.rows), 0)),
      shadow_(static_cast<std::size_t>(hardware.array.rows * hardware.array.columns), 0) {
    SC_HAS_PROCESS(PeArray);
    SC_METHOD(drive_ready);
    sensitive << may_issue_ << needs_bias_ << activations.valid_changed() << weights.valid_changed()
              << bias.valid_changed();
}

/// All operands are taken in the same cycle or none is.
void PeArray::drive_ready() {
    const bool biased = !needs_bias_.read() || bias.valid();
    activations.drive_ready(may_issue_.read() && weights.valid() && biased);
    weights.drive_ready(may_issue_.read() && activations.valid() && biased);
    bias.drive_ready(may_issue_.read() && needs_bias_.read() && activations.valid() && weights.valid());
}

void PeArray::do_reset() {
    commands_.clear();
    may_issue_.write(false);
    needs_bias_.write(false);
    tile_begun_ = leaving_busy_ = issued_ = stalled_ = shadow_busy_ = false;
    tap_ = skew_wait_ = 0;
    grid_->reset();
    std::fill(shadow_.begin(), shadow_.end(), 0);
    computing.write(false);
    draining.write(false);
}

void PeArray::step() {
    commands_.accept(command);
    if (skew_wait_ > 0) --skew_wait_;
    // With shadow accumulators the sums move over in one cycle and leave from the next on; without, they leave at once.
    if (params_.shadow_accumulators) drain();
    if (leaving_busy_ && leaving_.settles_in > 0 && --leaving_.settles_in == 0) settle();
    if (!params_.shadow_accumulators) drain();

    issued_ = activations.transferring();
    stalled_ = !issued_ && tile_begun_;
    if (issued_) {
        issue_tap();
    } else {
        grid_->clock(IssuedTap{}, activations.data(), weights.data());
        if (tile_begun_) count_stall();
    }
    if (!tile_begun_ && !commands_.empty()) begin_tile();
    decide_next_cycle();
    commands_.drive_ready(command);
}

void PeArray::begin_tile() {
    tile_ = commands_.front();
    commands_.pop();
    tile_begun_ = true;
    rows_ = layers_.of(tile_).channels_in_tile(tile_.index.channel_tile);
    columns_ = tile_columns(layers_.of(tile_), tile_.index);
    tap_ = 0;
    if (tile_.number == layers_.strip_of(tile_).first_number) draining.write(false);
}

void PeArray::issue_tap() {
    const LayerSchedule& layer = layers_.of(tile_);
    IssuedTap tap;
    tap.layer = &layer;
    tap.rows = rows_;
    tap.columns = columns_;
    tap.first = tap_ == 0;
    if (tap.first && layer.preloads_bias()) {
        if (needs_bias_.read()) take_bias();
        tap.bias = biases_[newest_bias_].data();
    }
    grid_->clock(tap, activations.data(), weights.data());

    LayerRecord& record = record_.layers[static_cast<std::size_t>(layer.index)];
    ++record.cycles.compute;
    if (loop_accounting_ && layer.computation.has_value() && !layer.fully_connected) {
        const auto macs = static_cast<std::uint64_t>(rows_) * static_cast<std::uint64_t>(columns_);
        record.events[Event::address_multiply] += 2 * macs;
        record.events[Event::address_add] += 2 * macs;
    }
    computing.write(true);
    if (++tap_ < static_cast<int>(layer.taps.size())) return;

    tile_begun_ = false;
    skew_wait_ = grid_->skew(rows_, columns_);
    leaving_busy_ = true;
    leaving_.tile = tile_;
    leaving_.rows = rows_;
    leaving_.columns = columns_;
    leaving_.settles_in = grid_->latency(rows_, columns_) + 1;
    leaving_.beat = 0;
    leaving_.beats = drain_beats(layer, rows_, columns_, lanes_);
    if (layers_.ends_strip(tile_)) {
        computing.write(false);
        draining.write(true);
    }
}

void PeArray::take_bias() {
    newest_bias_ = newest_bias_ + 1 == biases_.size() ? 0 : newest_bias_ + 1;
    std::copy_n(bias.data().rows.values.begin(), rows_, biases_[newest_bias_].begin());
}

void PeArray::count_stall() {
    Stall cause = blocked_by_;
    if (may_issue_.read()) cause = weights.valid() ? activations_starved_by.read() : weights_starved_by.read();
    last_stall_ = cause;
    ++record_.layers[static_cast<std::size_t>(layers_.of(tile_).index)].cycles[cause];
}

/// The last tap of a tile needs the place for finished tiles to be free (shadow accumulators); without them the first
/// tap of the next tile needs the accumulators to be empty.
void PeArray::decide_next_cycle() {
    bool may_issue = tile_begun_;
    if (tile_begun_) {
        const bool last = tap_ + 1 == static_cast<int>(layers_.of(tile_).taps.size());
        const bool needs_place = params_.shadow_accumulators ? last : tap_ == 0;
        if (skew_wait_ > 0) {
            may_issue = false;
            blocked_by_ = Stall::skew;
        } else if (needs_place && leaving_busy_) {
            may_issue = false;
            blocked_by_ = Stall::drain;
        }
    }
    may_issue_.write(may_issue);
    needs_bias_.write(tile_begun_ && tap_ == 0 && layers_.of(tile_).preloads_bias() &&
                      layers_.begins_channel_tile(tile_));
}

/// The tile's sums are final: they are checked, counted and moved to where the drain takes them from.
void PeArray::settle() {
    for (int r = 0; r < leaving_.rows; ++r) {
        for (int c = 0; c < leaving_.columns; ++c) {
            shadow_[static_cast<std::size_t>(r * params_.columns + c)] = settle_output(r, c);
        }
    }
    shadow_busy_ = true;
}

std::int64_t PeArray::settle_output(int row, int column) {
    const LayerSchedule& layer = layers_.of(leaving_.tile);
    if (!layer.computation) return grid_->value(row, column);
    const AccumulatorFormat& format = layer.computation->accumulator;
    const bool checked = add_kind(format, layer.computation->overflow_possible) != AddKind::unchecked;
    std::int64_t value = grid_->value(row, column);
    const std::int64_t exact = checked ? grid_->exact(row, column) : value;
    std::uint64_t events = checked ? static_cast<std::uint64_t>(grid_->events(row, column)) : 0;
    if (!checked && !format.fits(value)) {  // check per_output
        value = bring_into_range(format, value);
        events = 1;
    }
    LayerRecord& record = record_.layers[static_cast<std::size_t>(layer.index)];
    ++record.overflow.outputs;
    record.overflow.events += events;
    if (events > 0) ++(format.fits(exact) ? record.overflow.transient : record.overflow.persistent);
    if (statistics_ == PsumStatistics::outputs) record.psums.add(exact);
    if (!record_.histograms.empty()) record_.histograms[static_cast<std::size_t>(layer.index)].add(exact);
    return value;
}

void PeArray::drain() {
    if (!sums.can_load()) return;
    if (!leaving_busy_ || leaving_.settles_in > 0) {
        sums.clear();
        return;
    }
    load_beat();
    if (++leaving_.beat == leaving_.beats) leaving_busy_ = shadow_busy_ = false;
}

void PeArray::load_beat() {
    const LayerSchedule& layer = layers_.of(leaving_.tile);
    const TileIndex& index = leaving_.tile.index;
    const DrainBeat from = drain_beat(layer, leaving_.rows, leaving_.columns, lanes_, leaving_.beat);
    ResultPosition& position = beat_.position;
    position.layer = layer.index;
    position.channel = layer.first_channel(index.channel_tile) + from.row;
    position.along_channels = layer.image_columns;
    position.image = layer.first_image(index.image_group) + (layer.image_columns ? from.column : 0);
    position.pixel = layer.image_columns ? 0 : layer.tiles[static_cast<std::size_t>(index.tile)].first + from.column;
    position.strip = leaving_.tile.strip;
    const bool last = leaving_.beat + 1 == leaving_.beats;
    position.last_of_strip = last && layers_.ends_strip(leaving_.tile);
    position.last_of_channel_tile = last && layers_.ends_channel_tile(leaving_.tile);
    beat_.sums.count = from.count;
    for (int i = 0; i < from.count; ++i) {
        const int row = from.row + (layer.image_columns ? i : 0);
        const int column = from.column + (layer.image_columns ? 0 : i);
        beat_.sums[i] = shadow_[static_cast<std::size_t>(row * params_.columns + column)];
    }
    sums.load(beat_);
}

bool PeArray::works() const { return tile_begun_ || !commands_.empty() || leaving_busy_ || issued_; }

namespace {

/// The stalls' names in capitals, which tells words from names in waveforms.
std::span<const std::string_view> stall_words() {
    static const auto kNames = [] {
        std::array<std::string, kStallCount> names;
        for (std::size_t i = 0; i < kStallCount; ++i) names[i] = upper_case(stall_name(static_cast<Stall>(i)));
        return names;
    }();
    static const auto kWords = [] {
        std::array<std::string_view, kStallCount> words;
        std::copy(kNames.begin(), kNames.end(), words.begin());
        return words;
    }();
    return kWords;
}

}  // namespace

void PeArray::add_waves(WaveList& wave, const std::string& scope) const {
    wave.add(scope, "issued", issued_);
    wave.add(scope, "stalled", stalled_);
    wave.add(scope, "tap", tap_, 24);
    wave.add(scope, "rows_working", rows_, 9);
    wave.add(scope, "columns_working", columns_, 9);
    wave.add_words(scope, "last_stall", last_stall_, stall_words());
    wave.add(scope + ".drain", "busy", shadow_busy_);
    wave.add(scope + ".drain", "beat", leaving_.beat, 16);
    grid_->add_waves(wave, scope, shown_weight_bits_);
}

}  // namespace widthwise

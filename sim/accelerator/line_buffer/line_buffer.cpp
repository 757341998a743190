// SPDX-License-Identifier: Apache-2.0
#include "accelerator/line_buffer/line_buffer.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/error.h"

namespace widthwise {

LineBuffer::LineBuffer(const sc_core::sc_module_name& name, const LineBufferParams& params, const LayerTable& layers,
                       RunRecord& record)
    : Buffer(name, params.bytes, memory_events(MemoryRole::lines), record),
      read_port_(params.read_bytes_per_cycle),
      layers_(layers) {}

void LineBuffer::do_reset() {
    Buffer::do_reset();
    layer_ = nullptr;
    commands_.clear();
    tile_begun_ = false;
    tap_ = beats_ = 0;
    denied_ = false;
    starved_by.write(Stall::fill);
}

void LineBuffer::step() {
    begin_edge();
    commands_.accept(command);
    if (layer_ == nullptr && !commands_.empty()) begin_strip(commands_.front());
    denied_ = fill_request.valid() && !fill_request.ready();
    if (fill_data.transferring()) store_word();
    const bool free = activations.can_load();
    // A tap of several beats is read ahead while the register is full, up to its last beat.
    if (free || (layer_ != nullptr && layer_->line_beats_per_tap > 1)) read_activations(free);
    if (fill_request.can_load()) request_word();
    commands_.drive_ready(command);
}

/// One beat of the next tap; with its last beat the tap goes out.
void LineBuffer::read_activations(bool free) {
    if (!commands_.empty() && !tile_begun_) begin_tile();
    const bool arrived = tile_begun_ && tap_arrived();
    if (free && arrived && last_beat()) {
        load_tap();
        return;
    }
    if (free) {
        activations.clear();
        starved_by.write(arrived ? Stall::activations : denied_ ? Stall::port_conflict : Stall::fill);
    }
    if (arrived && !last_beat()) read_beat();
}

void LineBuffer::read_beat() {
    const int left = static_cast<int>(column_x_.size()) - beats_ * read_port_;
    if (left > 0) count_read(layer_->index, std::min(left, read_port_));
    ++beats_;
}

void LineBuffer::begin_strip(const TileCommand& first) {
    layer_ = &layers_.of(first);
    strip_ = &layers_.strip_of(first);
    requested_ = FillPosition{};
    requested_.channel_tile = strip_->first_channel_tile;
    requested_.image_group = strip_->first_group;
    requested_.line_pass = strip_->first_line_pass;
    skip_empty_passes(requested_);
    arriving_ = requested_;
    lines_arrived_ = 0;
    tile_begun_ = false;
    tap_ = 0;
    tile_.emplace(*layer_, first.strip);
    blocks_ = {layer_->block_places(), tile_->window().first_block};
}

int LineBuffer::images(const FillPosition& position) const { return layer_->images_in_group(position.image_group); }

const LineBlock& LineBuffer::block_at(const FillPosition& p) const {
    return layer_->line_passes[p.line_pass].blocks[p.block];
}

void LineBuffer::next_pass(FillPosition& p) const {
    p.block = 0;
    ++p.pass;
    if (++p.line_pass < strip_->end_line_pass) return;
    p.line_pass = strip_->first_line_pass;
    if (++p.image_group < strip_->end_group) return;
    p.image_group = strip_->first_group;
    ++p.channel_tile;
}

void LineBuffer::skip_empty_passes(FillPosition& p) const {
    while (!all_filled(p) && layer_->line_passes[p.line_pass].blocks.empty()) next_pass(p);
}

void LineBuffer::advance(FillPosition& p) const {
    const LineBlock& block = block_at(p);
    if (++p.word < layer_->words_of_line(block)) return;
    p.word = 0;
    if (++p.image < images(p)) return;
    p.image = 0;
    if (++p.channel < block.channels) return;
    p.channel = 0;
    ++p.number;
    if (++p.block < static_cast<int>(layer_->line_passes[p.line_pass].blocks.size())) return;
    next_pass(p);
    skip_empty_passes(p);
}

std::int64_t LineBuffer::line_address(const FillPosition& p) const {
    const std::int64_t group = layer_->image_columns ? layer_->array_columns : 1;
    return blocks_.places.address(p.number) + (p.channel * group + p.image) * layer_->line_stride;
}

bool LineBuffer::all_filled(const FillPosition& p) const { return p.channel_tile == strip_->end_channel_tile; }

void LineBuffer::store_word() {
    if (layer_ == nullptr) throw SimulationError(fmt::format("{}: a word arrives that no layer asked for", name()));
    const Word& word = fill_data.data();
    write(layer_->index, line_address(arriving_) + arriving_.word * layer_->fill_word_bytes, word.bytes.values.data(),
          word.bytes.count);
    row_filling_ = block_at(arriving_).row;
    const int pass = arriving_.pass;
    advance(arriving_);
    if (arriving_.word == 0) ++lines_arrived_;
    if (arriving_.pass != pass) lines_arrived_ = 0;
}

void LineBuffer::request_word() {
    const FillPosition& p = requested_;
    if (layer_ == nullptr || all_filled(p) || !blocks_.has_place(p.number)) {
        fill_request.clear();
        return;
    }
    const LineBlock& block = block_at(p);
    const int first_image = p.image_group * (layer_->image_columns ? layer_->array_columns : 1);
    const int channel = layer_->first_line_channel(p.channel_tile) + block.first_channel + p.channel;
    const int offset = p.word * layer_->fill_word_bytes;
    read_.layer = layer_->index;
    read_.address = static_cast<std::int32_t>(layer_->line_address(*strip_, first_image + p.image, channel, block.row) +
                                              block.x + offset);
    read_.bytes = std::min(layer_->fill_word_bytes, block.bytes - offset);
    fill_request.load(read_);
    advance(requested_);
}

void LineBuffer::begin_tile() {
    const TileIndex& index = commands_.front().index;
    const int columns = tile_columns(*layer_, index);
    column_x_.assign(static_cast<std::size_t>(columns), 0);
    column_y_.assign(static_cast<std::size_t>(columns), 0);
    if (!layer_->image_columns) {
        const ColumnTile& tile = layer_->tiles[static_cast<std::size_t>(index.tile)];
        for (int j = 0; j < columns; ++j) {
            const auto at = static_cast<std::size_t>(j);
            column_y_[at] = (tile.first + j) / layer_->sums.width * layer_->stride_height - layer_->pad_top;
            column_x_[at] = (tile.first + j) % layer_->sums.width * layer_->stride_width - layer_->pad_left;
        }
    } else if (!layer_->fully_connected) {
        std::fill(column_x_.begin(), column_x_.end(), -layer_->pad_left);
        std::fill(column_y_.begin(), column_y_.end(), -layer_->pad_top);
    }
    one_row_ = column_y_.front() == column_y_.back();
    first_y_ = column_y_.front();
    rows_.resize(static_cast<std::size_t>(column_y_.back() - first_y_ + layer_->kernel_height));
    channel_bytes_ = layer_->line_stride * (layer_->image_columns ? layer_->array_columns : 1);
    show_window();
    tap_ = part_ = 0;
    begin_part();
    tile_begun_ = true;
}

/// As rows of the feature map, so that a viewer can compare them with row_filling; windows are positions in the fill
/// order. A window without rows shows as an empty range.
void LineBuffer::show_window() {
    const std::vector<LineBlock>& blocks = tile_->line_pass().blocks;
    const LineWindow& window = tile_->window();
    const auto row = [&](int position) {
        return position < static_cast<int>(blocks.size()) ? blocks[position].row : layer_->map_height;
    };
    window_first_row_ = row(window.first_block);
    window_end_row_ = window.end_block > window.first_block ? row(window.end_block - 1) + 1 : window_first_row_;
}

/// Where the blocks of the part lie; those of other tiles of the pass may lie beside the tile's.
void LineBuffer::begin_part() {
    const LinePass& pass = tile_->line_pass();
    std::fill(rows_.begin(), rows_.end(), nullptr);
    for (int b = pass.first_of_part[part_]; b < pass.first_of_part[part_ + 1]; ++b) {
        const LineBlock& block = pass.blocks[b];
        const int at = block.row - first_y_;
        if (at < 0) continue;
        if (at >= static_cast<int>(rows_.size())) break;
        rows_[at] = memory().data() + blocks_.places.address(tile_->blocks_before() + b);
        first_channel_ = block.first_channel;
        first_x_ = block.x;
    }
}

bool LineBuffer::tap_arrived() const {
    const TileIndex& index = commands_.front().index;
    const int lines = lines_needed(*layer_, tile_->line_pass(), index, part_, layer_->taps[tap_]);
    if (lines == 0) return true;
    if (arriving_.pass != tile_->pass()) return arriving_.pass > tile_->pass();
    return lines_arrived_ >= lines;
}

void LineBuffer::load_tap() {
    const Tap& tap = layer_->taps[static_cast<std::size_t>(tap_)];
    operands_.columns.count = static_cast<int>(column_x_.size());
    if (one_row_) read_columns(tap);
    else read_scattered_columns(tap);
    activations.load(operands_);
    const int left = operands_.columns.count - beats_ * read_port_;
    if (left > 0) count_read(layer_->index, left);
    beats_ = 0;
    if (++tap_ == static_cast<int>(layer_->taps.size())) finish_tile();
    else if (tap_ == layer_->parts[part_].end_tap) finish_part();
}

std::int16_t LineBuffer::value_of(std::uint8_t byte) const {
    return layer_->input_quantization.is_signed ? static_cast<std::int8_t>(byte) : byte;
}

/// Columns that read neighbouring pixels of one row, or the same pixel of different images: equally spaced bytes.
void LineBuffer::read_columns(const Tap& tap) {
    const int columns = operands_.columns.count;
    const std::uint8_t* row = rows_[static_cast<std::size_t>(tap.row)];
    const int first_x = column_x_.front() + tap.column;
    const int last_x = column_x_.back() + tap.column;
    if (row == nullptr || first_x < 0 || last_x >= layer_->line_bytes) {
        read_scattered_columns(tap);
        return;
    }
    const std::uint8_t* byte = row + std::ptrdiff_t{tap.channel - first_channel_} * channel_bytes_ + first_x - first_x_;
    const int step = layer_->image_columns ? layer_->line_stride : layer_->stride_width;
    std::int16_t* out = operands_.columns.values.data();
    if (layer_->input_quantization.is_signed) {
        for (int j = 0; j < columns; ++j) out[j] = static_cast<std::int8_t>(byte[std::ptrdiff_t{j} * step]);
    } else {
        for (int j = 0; j < columns; ++j) out[j] = byte[std::ptrdiff_t{j} * step];
    }
}

/// Columns of several rows, or partly in the padding, which reads as real 0.
void LineBuffer::read_scattered_columns(const Tap& tap) {
    for (int j = 0; j < operands_.columns.count; ++j) {
        const auto at = static_cast<std::size_t>(j);
        const std::uint8_t* row = rows_[static_cast<std::size_t>(column_y_[at] - first_y_ + tap.row)];
        const int x = column_x_[at] + tap.column;
        auto value = static_cast<std::int16_t>(layer_->input_quantization.zero_point);
        if (row != nullptr && x >= 0 && x < layer_->line_bytes) {
            const int image = layer_->image_columns ? j * layer_->line_stride : 0;
            value = value_of(row[std::ptrdiff_t{tap.channel - first_channel_} * channel_bytes_ + image + x - first_x_]);
        }
        operands_.columns[j] = value;
    }
}

/// Frees what the taps of the part alone have read.
void LineBuffer::finish_part() {
    ++part_;
    blocks_.first_held = tile_->blocks_before() + tile_->line_pass().first_of_part[part_];
    begin_part();
}

/// Frees the blocks that no later tile reads. Only what a tap reads is filled, and each tap waits for its row: with a
/// strip's last tile the last word has arrived.
void LineBuffer::finish_tile() {
    commands_.pop();
    tile_begun_ = false;
    if (!tile_->next()) {
        if (!all_filled(arriving_)) {
            throw SimulationError(
                fmt::format("{}: layer '{}' ends before its last word has arrived", name(), layer_->name));
        }
        layer_ = nullptr;
        return;
    }
    blocks_.first_held = tile_->blocks_before() + tile_->window().first_block;
}

bool LineBuffer::works() const { return layer_ != nullptr || !commands_.empty() || Buffer::works(); }

void LineBuffer::add_waves(WaveList& wave, const std::string& scope) const {
    wave.add(scope + ".window", "first_row", window_first_row_, 16);
    wave.add(scope + ".window", "end_row", window_end_row_, 16);
    wave.add(scope, "row_filling", row_filling_, 16);
    wave.add(scope, "tap", tap_, 24);
    wave.add(scope, "denied", denied_);
    Buffer::add_waves(wave, scope);
}

}  // namespace widthwise

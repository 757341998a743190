// SPDX-License-Identifier: Apache-2.0
#include "engine/fast/tap_window.h"

#include <algorithm>
#include <cstring>

#include "arithmetic/vector_clones.h"
#include "common/error.h"

namespace widthwise::fast {

namespace {

constexpr std::ptrdiff_t kWordBytes = kWordChannels;
/// What a strip may take of the caches.
constexpr std::int64_t kStripBytes = std::int64_t{256} << 10;

std::vector<int> sorted(std::vector<int> values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    return values;
}

std::size_t place_in(const std::vector<int>& values, int value) {
    return static_cast<std::size_t>(std::lower_bound(values.begin(), values.end(), value) - values.begin());
}

int whole_part(std::int64_t value, std::int64_t divisor) { return static_cast<int>((value + divisor - 1) / divisor); }

/// Words whose first bytes are those of `columns` words `distance` apart.
WIDTHWISE_VECTOR_CLONES
void pack_columns(const std::uint32_t* from, std::uint32_t* to, std::size_t words, std::size_t distance, int columns) {
    if (columns == 4) {
        for (std::size_t i = 0; i < words; ++i) {
            to[i] = (from[i] & 0xFF) | (from[i + distance] & 0xFF) << 8 | (from[i + 2 * distance] & 0xFF) << 16 |
                    from[i + 3 * distance] << 24;
        }
    } else {
        for (std::size_t i = 0; i < words; ++i) to[i] = (from[i] & 0xFFFF) | from[i + distance] << 16;
    }
}

}  // namespace

TapWindow::TapWindow(const LayerSchedule& layer) : layer_(layer), input_(layer.input) {
    if (layer.fully_connected) {
        input_ = {static_cast<int>(layer.input.elements()), 1, 1};
        group_channels_ = input_.channels;
        kernel_rows_ = kernel_columns_ = {0};
    } else {
        groups_ = layer.groups;
        group_channels_ = layer.line_channels;
        rows_ = {layer.sums.height, input_.height, layer.kernel_height, layer.stride_height, layer.pad_top};
        columns_ = {layer.sums.width, input_.width, layer.kernel_width, layer.stride_width, layer.pad_left};
        for (WindowAxis* axis : {&rows_, &columns_}) {
            if (axis->outputs == 1) axis->stride = 1;
        }
        std::vector<int> kernel_rows, kernel_columns;
        for (const Tap& tap : layer.taps) {
            kernel_rows.push_back(tap.row);
            kernel_columns.push_back(tap.column);
        }
        kernel_rows_ = sorted(std::move(kernel_rows));
        kernel_columns_ = sorted(std::move(kernel_columns));
        if (kernel_columns_.size() > 1) column_distance_ = kernel_columns_[1] - kernel_columns_[0];
    }
    tap_at_.assign(static_cast<std::size_t>(group_channels_) * kernel_rows_.size() * kernel_columns_.size(), -1);
    for (std::size_t t = 0; t < layer.taps.size(); ++t) {
        const Tap& tap = layer.taps[t];
        const std::size_t row = layer.fully_connected ? 0 : place_in(kernel_rows_, tap.row);
        const std::size_t column = layer.fully_connected ? 0 : place_in(kernel_columns_, tap.column);
        const auto channel = static_cast<std::size_t>(layer.fully_connected ? tap.weight : tap.channel);
        tap_at_[(channel * kernel_rows_.size() + row) * kernel_columns_.size() + column] = static_cast<int>(t);
    }
    choose_quads();
}

void TapWindow::choose_quads() {
    if (input_.channels <= 2 && groups_ == 1 && kernel_columns_.size() > 1)
        columns_per_quad_ = kWordChannels / input_.channels;
    quads_ = places_of_quads(0);
}

std::vector<TapWindow::Place> TapWindow::places_of_quads(int group) const {
    std::vector<Place> places;
    const int first = first_channel(group);
    for (int word = first / kWordChannels; word * kWordChannels < first + group_channels_; ++word) {
        for (const int row : kernel_rows_) {
            for (std::size_t c = 0; c < kernel_columns_.size(); c += static_cast<std::size_t>(columns_per_quad_))
                places.push_back({word, row, kernel_columns_[c]});
        }
    }
    return places;
}

std::vector<std::array<int, 4>> TapWindow::taps_of_quads(int group) const {
    std::vector<std::array<int, 4>> taps;
    for (const Place& place : places_of_quads(group)) {
        std::array<int, 4>& quad = taps.emplace_back();
        for (int b = 0; b < kWordChannels; ++b) {
            const int in_word = columns_per_quad_ > 1 ? b % input_.channels : b;
            const int channel = place.word * kWordChannels + in_word - first_channel(group);
            const std::size_t row = place_in(kernel_rows_, place.row);
            const std::size_t column = place_in(kernel_columns_, place.column) +
                                       static_cast<std::size_t>(columns_per_quad_ > 1 ? b / input_.channels : 0);
            const bool is_tap = channel >= 0 && channel < group_channels_ && column < kernel_columns_.size();
            quad[b] =
                is_tap
                    ? tap_at_[(static_cast<std::size_t>(channel) * kernel_rows_.size() + row) * kernel_columns_.size() +
                              column]
                    : -1;
        }
    }
    return taps;
}

bool TapWindow::needs_strip(int images) const {
    if (columns_per_quad_ > 1 || !rows_.stays_inside() || !columns_.stays_inside()) return true;
    return !is_whole(images) && (rows_.stride > 1 || columns_.stride > 1);
}

int TapWindow::columns_of_strip(int images) const {
    const int columns = columns_.strip_extent(columns_.outputs) +
                        (columns_per_quad_ - 1) * (columns_per_quad_ > 1 ? column_distance_ : 0);
    const int phases = is_whole(images) ? 1 : columns_.step();
    return whole_part(columns, phases) * phases;
}

int TapWindow::rows_of_strip(int images) const {
    const std::int64_t row_bytes =
        whole_part(input_.channels, kWordChannels) * std::int64_t{columns_of_strip(images)} * images * kWordBytes;
    const std::int64_t fitting = kStripBytes / row_bytes;
    // Rows that two strips share are copied twice: four rows and more keep that small.
    const std::int64_t rows = (fitting - (rows_.span - rows_.step())) / rows_.step();
    return static_cast<int>(std::clamp<std::int64_t>(rows, std::min(4, rows_.outputs), rows_.outputs));
}

std::int64_t TapWindow::strip_bytes(int images) const {
    if (!needs_strip(images)) return 0;
    const int phases = is_whole(images) ? 1 : rows_.step();
    const std::int64_t rows = std::int64_t{whole_part(rows_.strip_extent(rows_of_strip(images)), phases)} * phases;
    return whole_part(input_.channels, kWordChannels) * rows * columns_of_strip(images) * images * kWordBytes;
}

TapWindow::Walk::Walk(const TapWindow& window, const BlockMap& map, AlignedBytes& strip)
    : window_(window),
      map_(map),
      strip_(strip),
      images_(map.images()),
      word_step_(images_ * kWordBytes),
      copies_(window.needs_strip(images_)),
      whole_(window.is_whole(images_)) {
    const WindowAxis& rows = window.rows_;
    const WindowAxis& columns = window.columns_;
    if (!copies_) {
        rows_ = rows.outputs;
        row_step_ = rows.stride;
        column_step_ = columns.stride;
        phase_rows_ = window.input_.height;
        phase_columns_ = window.input_.width;
    } else {
        rows_ = window.rows_of_strip(images_);
        (whole_ ? row_step_ : row_phases_) = rows.step();
        (whole_ ? column_step_ : column_phases_) = columns.step();
        phase_rows_ = whole_part(rows.strip_extent(rows_), row_phases_);
        phase_columns_ = window.columns_of_strip(images_) / column_phases_;
        strip_.resize(static_cast<std::size_t>(window.strip_bytes(images_)));
    }
    plane_ = std::ptrdiff_t{row_phases_} * column_phases_ * phase_rows_ * phase_columns_;
}

std::int32_t TapWindow::Walk::offset_of(std::ptrdiff_t plane, int row, int column) const {
    const std::ptrdiff_t phase = std::ptrdiff_t{row % row_phases_} * column_phases_ + column % column_phases_;
    const std::ptrdiff_t in_phase = std::ptrdiff_t{row / row_phases_} * phase_columns_ + column / column_phases_;
    const std::ptrdiff_t offset = (plane * plane_ + phase * phase_rows_ * phase_columns_ + in_phase) * word_step_;
    if (offset > INT32_MAX) throw SimulationError("a block of feature maps has more bytes than its offsets can say");
    return static_cast<std::int32_t>(offset);
}

/// Groups of whole words, and groups of one channel, lie alike; others begin within a word, each at another place.
int TapWindow::Walk::like(int group) const {
    return window_.group_channels_ % kWordChannels == 0 || window_.group_channels_ == 1 ? 0 : group;
}

std::ptrdiff_t TapWindow::Walk::shift_between(int group, int other, bool of_bytes) const {
    if (group == other) return 0;
    const int channel = window_.first_channel(group);
    return channel / kWordChannels * plane_ * word_step_ + (of_bytes ? channel % kWordChannels : 0);
}

TapWindow::Walk::Offsets TapWindow::Walk::quad_offsets(int group) {
    // Within a word, a group of one channel has weights of its own place.
    const int other = window_.group_channels_ == 1 ? group / kWordChannels * kWordChannels : group;
    const int alike = like(other);
    if (group_of_quads_ != alike) {
        group_of_quads_ = alike;
        quad_offsets_.clear();
        for (const Place& place : window_.places_of_quads(alike))
            quad_offsets_.push_back(offset_of(place.word, place.row, place.column));
    }
    return {quad_offsets_, shift_between(other, alike, false)};
}

TapWindow::Walk::Offsets TapWindow::Walk::tap_offsets(int group) {
    const int alike = like(group);
    if (group_of_taps_ != alike) {
        group_of_taps_ = alike;
        tap_offsets_.clear();
        for (const Tap& tap : window_.layer_.taps) {
            const bool of_vector = window_.layer_.fully_connected;
            const int channel = window_.first_channel(alike) + (of_vector ? tap.weight : tap.channel);
            tap_offsets_.push_back(
                offset_of(channel / kWordChannels, of_vector ? 0 : tap.row, of_vector ? 0 : tap.column) +
                channel % kWordChannels);
        }
    }
    return {tap_offsets_, shift_between(group, alike, true)};
}

/// Columns of a row of the strip, side by side, with their padding.
void TapWindow::Walk::copy_row(const std::uint8_t* plane, int row, std::uint8_t* to) const {
    const WindowAxis& columns = window_.columns_;
    const auto pixel = static_cast<std::size_t>(word_step_);
    const auto padding =
        static_cast<std::uint8_t>(StoredRange{map_.is_signed()}.byte(window_.layer_.input_quantization.zero_point));
    const int extent = phase_columns_ * column_phases_;
    const int source_row = window_.rows_.source(first_row_ * window_.rows_.step() + row);
    if (source_row < 0 || source_row >= window_.input_.height) {
        std::memset(to, padding, static_cast<std::size_t>(extent) * pixel);
        return;
    }
    const std::uint8_t* from = plane + std::ptrdiff_t{source_row} * window_.input_.width * word_step_;
    if (columns.step() == columns.stride) {
        const int first = std::min(columns.padding, extent);
        const int end = std::max(first, std::min(extent, columns.padding + columns.inputs));
        std::memset(to, padding, static_cast<std::size_t>(first) * pixel);
        std::memcpy(to + first * word_step_, from, static_cast<std::size_t>(end - first) * pixel);
        std::memset(to + end * word_step_, padding, static_cast<std::size_t>(extent - end) * pixel);
        return;
    }
    for (int column = 0; column < extent; ++column, to += word_step_) {
        const int source = columns.source(column);
        if (source >= 0 && source < columns.inputs) std::memcpy(to, from + std::ptrdiff_t{source} * word_step_, pixel);
        else std::memset(to, padding, pixel);
    }
}

/// Words of a row become those of several columns each.
void TapWindow::Walk::pack_row(std::uint8_t* row) {
    const auto words = static_cast<std::size_t>(phase_columns_) * static_cast<std::size_t>(column_phases_) *
                       static_cast<std::size_t>(images_);
    const auto distance = static_cast<std::size_t>(window_.column_distance_) * static_cast<std::size_t>(images_);
    const std::size_t behind = static_cast<std::size_t>(window_.columns_per_quad_ - 1) * distance;
    unpacked_.resize(words);
    std::memcpy(unpacked_.data(), row, words * kWordBytes);
    pack_columns(unpacked_.data(), reinterpret_cast<std::uint32_t*>(row), words - behind, distance,
                 window_.columns_per_quad_);
}

void TapWindow::Walk::copy_strip() {
    const int rows = window_.rows_.strip_extent(end_row_ - first_row_);
    const int words = whole_part(window_.input_.channels, kWordChannels);
    const int columns = phase_columns_ * column_phases_;
    if (column_phases_ > 1) row_.resize(static_cast<std::size_t>(columns * word_step_));
    for (int word = 0; word < words; ++word) {
        for (int row = 0; row < rows; ++row) {
            std::uint8_t* to = strip_.data() + offset_of(word, row, 0);
            std::uint8_t* in_order = column_phases_ > 1 ? row_.data() : to;
            copy_row(map_.group(word), row, in_order);
            if (window_.columns_per_quad_ > 1) pack_row(in_order);
            if (column_phases_ == 1) continue;
            const std::ptrdiff_t phase = std::ptrdiff_t{phase_rows_} * phase_columns_ * word_step_;
            for (int column = 0; column < columns; ++column, in_order += word_step_) {
                std::memcpy(to + column % column_phases_ * phase + column / column_phases_ * word_step_, in_order,
                            static_cast<std::size_t>(word_step_));
            }
        }
    }
}

void TapWindow::Walk::begin_strip() {
    first_row_ = end_row_;
    end_row_ = std::min(first_row_ + rows_, window_.rows_.outputs);
    if (copies_) {
        copy_strip();
        base_ = strip_.data();
    } else {
        base_ = map_.group(0);
    }
    at_ = 0;
    const std::int64_t rows = end_row_ - first_row_;
    const std::int64_t sums = whole_ ? rows * window_.columns_.outputs * images_
                                     : ((rows - 1) * phase_columns_ + window_.columns_.outputs) * images_;
    end_ = (sums + kVectorWords - 1) / kVectorWords;
}

bool TapWindow::Walk::next(SumTile& tile, int most_vectors) {
    if (at_ == end_) {
        if (end_row_ == window_.rows_.outputs) return false;
        begin_strip();
    }
    tile.vectors = static_cast<int>(std::min<std::int64_t>(most_vectors, end_ - at_));
    const std::int64_t first_word = std::int64_t{first_row_} * window_.columns_.outputs * images_;
    if (whole_) {
        const std::int64_t per_pixel = images_ / kVectorWords;
        for (int v = 0; v < tile.vectors; ++v) {
            const std::int64_t pixel = (at_ + v) / per_pixel;
            const std::int64_t y = pixel / window_.columns_.outputs, x = pixel % window_.columns_.outputs;
            tile.bases[v] = base_ + (y * row_step_ * phase_columns_ + x * column_step_) * word_step_ +
                            (at_ + v) % per_pixel * static_cast<std::int64_t>(kVectorBytes);
        }
        tile.runs[0] = {0, tile.sums()};
        tile.run_count = 1;
        tile.first_word = static_cast<std::size_t>(first_word + at_ * kVectorWords);
        tile.words = tile.sums();
    } else {
        const std::int64_t row = std::int64_t{phase_columns_} * images_;
        const std::int64_t wanted = std::int64_t{window_.columns_.outputs} * images_;
        const std::int64_t rows = end_row_ - first_row_;
        const std::int64_t first = at_ * kVectorWords;
        const std::int64_t end = std::min(first + tile.sums(), (rows - 1) * row + wanted);
        for (int v = 0; v < tile.vectors; ++v)
            tile.bases[v] = base_ + (at_ + v) * static_cast<std::int64_t>(kVectorBytes);
        tile.run_count = tile.words = 0;
        tile.first_word = 0;
        for (std::int64_t at = first; at < end;) {
            const std::int64_t y = at / row, in_row = at % row;
            if (in_row < wanted) {
                const std::int64_t count = std::min(end - at, wanted - in_row);
                if (tile.words == 0) tile.first_word = static_cast<std::size_t>(first_word + y * wanted + in_row);
                tile.runs[tile.run_count++] = {static_cast<int>(at - first), static_cast<int>(count)};
                tile.words += static_cast<int>(count);
            }
            at = (y + 1) * row;
        }
    }
    at_ += tile.vectors;
    return true;
}

}  // namespace widthwise::fast

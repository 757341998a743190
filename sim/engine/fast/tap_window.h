// SPDX-License-Identifier: Apache-2.0
// Where the words lie that a layer's sums are made of.
//
// A dot product takes four taps at a time, a *quad*: the four channels of a word, or, where there are only one or two
// channels, several columns of the kernel. Sums of neighbouring pixels, and of the images of a block, lie side by
// side in vector lanes, so that each tap is at one distance from all of them. Where padding or strides stand in the
// way, rows are copied first into a *strip*, with their padding.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/fast/block_map.h"
#include "schedule/schedule.h"

namespace widthwise::fast {

/// Vectors of a tile: what is summed before anything else happens to the sums.
inline constexpr int kTileVectors = 6;
inline constexpr int kTileSums = kTileVectors * kVectorWords;

/// Some sums of each output channel. Not all of them need to be wanted: between the ends of two rows there may be
/// others, of windows that reach from one row into the next.
struct SumTile {
    int vectors = 0;
    std::array<const std::uint8_t*, kTileVectors> bases{};  ///< words that the first tap of each vector reads
    /// Those that are wanted.
    struct Run {
        int first = 0;
        int count = 0;
    };
    std::array<Run, kTileSums> runs{};
    int run_count = 0;
    std::size_t first_word = 0;  ///< of the output map, where the wanted ones lie one after the other
    int words = 0;
    [[nodiscard]] std::span<const Run> wanted() const { return {runs.data(), static_cast<std::size_t>(run_count)}; }
    [[nodiscard]] int sums() const { return vectors * kVectorWords; }
};

/// One direction of a window.
struct WindowAxis {
    int outputs = 1;
    int inputs = 1;
    int span = 1;
    int stride = 1;
    int padding = 0;
    /// Positions of a strip from one output to the next: no more than the window takes.
    [[nodiscard]] int step() const { return stride < span ? stride : span; }
    [[nodiscard]] int strip_extent(int of_outputs) const { return (of_outputs - 1) * step() + span; }
    /// What a strip has at a position: of the input, where it is within.
    [[nodiscard]] int source(int position) const { return position / step() * stride + position % step() - padding; }
    [[nodiscard]] bool stays_inside() const { return padding == 0 && (outputs - 1) * stride + span <= inputs; }
};

class TapWindow {
public:
    /// Of a layer with a computation.
    explicit TapWindow(const LayerSchedule& layer);

    /// The input as the window sees it: of a fully connected layer one value per channel.
    [[nodiscard]] const Shape& input() const { return input_; }
    [[nodiscard]] int groups() const { return groups_; }
    [[nodiscard]] int quads() const { return static_cast<int>(quads_.size()); }
    /// Which of the layer's taps the four of each quad are, -1 for none, in a group of channels.
    [[nodiscard]] std::vector<std::array<int, 4>> taps_of_quads(int group) const;
    /// Of each output channel.
    [[nodiscard]] std::size_t taps_of_group() const { return layer_.taps.size(); }
    /// Every group is one channel.
    [[nodiscard]] bool is_depthwise() const { return groups_ == input_.channels && groups_ > 1; }

    /// Of the strip that a block of so many images needs; 0 where it needs none.
    [[nodiscard]] std::int64_t strip_bytes(int images) const;

    /// The window over a block's input, strip by strip and tile by tile. `map` and `strip` must outlive it.
    class Walk {
    public:
        Walk(const TapWindow& window, const BlockMap& map, AlignedBytes& strip);
        /// The next tile, of at most so many vectors, or false.
        bool next(SumTile& tile, int most_vectors);
        /// Where a group's words lie: offsets, in bytes, from a vector's base and a shift.
        struct Offsets {
            std::span<const std::int32_t> from_base;
            std::ptrdiff_t shift = 0;
        };
        /// The words of each quad.
        [[nodiscard]] Offsets quad_offsets(int group);
        /// Each tap's byte in the first of its words, in order of accumulation.
        [[nodiscard]] Offsets tap_offsets(int group);

    private:
        void begin_strip();
        void copy_strip();
        void copy_row(const std::uint8_t* plane, int row, std::uint8_t* to) const;
        void pack_row(std::uint8_t* row);
        [[nodiscard]] std::int32_t offset_of(std::ptrdiff_t plane, int row, int column) const;
        /// The group whose offsets serve this one, too.
        [[nodiscard]] int like(int group) const;
        [[nodiscard]] std::ptrdiff_t shift_between(int group, int other, bool of_bytes) const;

        const TapWindow& window_;
        const BlockMap& map_;
        AlignedBytes& strip_;
        int images_;
        std::ptrdiff_t word_step_;  ///< bytes from one pixel to the next
        bool copies_;
        bool whole_;  ///< every vector has its sums in one pixel; else pixels follow each other
        int row_phases_ = 1, column_phases_ = 1;
        int row_step_ = 1, column_step_ = 1;  ///< from one output to the next within a phase
        int rows_ = 0;                        ///< outputs in a strip
        int phase_rows_ = 0, phase_columns_ = 0;
        std::ptrdiff_t plane_ = 0;  ///< pixels of four channels
        const std::uint8_t* base_ = nullptr;
        int first_row_ = 0, end_row_ = 0;  ///< outputs in the strip
        std::int64_t at_ = 0, end_ = 0;    ///< vectors of the strip
        int group_of_quads_ = -1, group_of_taps_ = -1;
        std::vector<std::int32_t> quad_offsets_, tap_offsets_;
        AlignedBytes row_;                     ///< in order of columns, before the phases are taken apart
        std::vector<std::uint32_t> unpacked_;  ///< its words before several columns share one
    };

private:
    struct Place {
        int word = 0;  ///< of four channels
        int row = 0, column = 0;
    };
    /// Channels of a group that are not whole words lie elsewhere in each group.
    [[nodiscard]] int first_channel(int group) const { return group * group_channels_; }
    [[nodiscard]] std::vector<Place> places_of_quads(int group) const;
    [[nodiscard]] int columns_of_strip(int images) const;
    [[nodiscard]] bool is_whole(int images) const { return images % kVectorWords == 0; }
    [[nodiscard]] bool needs_strip(int images) const;
    [[nodiscard]] int rows_of_strip(int images) const;
    void choose_quads();

    const LayerSchedule& layer_;
    Shape input_;
    int groups_ = 1;
    int group_channels_ = 1;
    WindowAxis rows_, columns_;
    std::vector<int> kernel_rows_, kernel_columns_;
    int column_distance_ = 1;   ///< from one column of the kernel to the next
    int columns_per_quad_ = 1;  ///< more than 1: the strip has several columns of the map in each word
    std::vector<Place> quads_;  ///< of the first group
    std::vector<int> tap_at_;   ///< [channel of the group][kernel row][kernel column]
};

}  // namespace widthwise::fast

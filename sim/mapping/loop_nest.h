// SPDX-License-Identifier: Apache-2.0
// The loop nest of a layer as a value: which loops there are, how often each runs, where it runs, and which memory feeds
// what is inside of it. Whoever walks over it uses a Cursor, and divides nothing.
#pragma once

#include <cstdint>
#include <vector>

namespace widthwise {

constexpr int ceil_div(std::int64_t a, std::int64_t b) { return static_cast<int>((a + b - 1) / b); }

/// What a loop runs over. `out_pixel` is the rows of an output map one after the other, of which a trip may cross the end
/// of one; a nest has it, or out_row and out_column.
enum class Dim : std::uint8_t {
    image,
    group,
    out_channel,
    out_row,
    out_column,
    out_pixel,
    in_channel,
    kernel_row,
    kernel_column,
};

enum class Data : std::uint8_t { weights, inputs, sums };

/// Whether other values of the data are used when a loop over the dimension goes on. A loop over one that sums do not
/// depend on is a reduction.
constexpr bool depends(Data data, Dim dim) {
    switch (dim) {
        case Dim::image: return data != Data::weights;
        case Dim::group: return true;
        case Dim::out_channel: return data != Data::inputs;
        case Dim::out_row:
        case Dim::out_column:
        case Dim::out_pixel: return data != Data::weights;
        case Dim::in_channel:
        case Dim::kernel_row:
        case Dim::kernel_column: return data != Data::sums;
    }
    return true;
}

/// Of which dimensions loops are looked at.
using DimFilter = bool (*)(Dim);
constexpr bool any_dim(Dim) { return true; }
constexpr bool dim_of_sums(Dim dim) { return depends(Data::sums, dim); }
constexpr bool dim_of_terms(Dim dim) { return !depends(Data::sums, dim); }
constexpr bool dim_of_channels(Dim dim) { return dim == Dim::group || dim == Dim::out_channel; }
constexpr bool dim_of_pixels(Dim dim) { return dim == Dim::out_row || dim == Dim::out_column || dim == Dim::out_pixel; }

/// Trips of a loop follow one another, or run side by side in the rows or the columns of the array.
enum class Place : std::uint8_t { time, rows, columns };

/// A loop that takes `step` positions of its dimension a trip, and `last` (1..step) in its last one. A loop over the same
/// dimension further in cuts what a trip takes, so that it has fewer trips in a last one that is short.
struct Loop {
    Dim dim = Dim::image;
    int trips = 1;
    int step = 1;
    int last = 1;
    Place place = Place::time;
    /// Positions that all trips take together.
    [[nodiscard]] std::int64_t extent() const { return std::int64_t{trips - 1} * step + last; }
    friend bool operator==(const Loop&, const Loop&) = default;
};

/// Cuts `extent` positions into trips of `step`; both are at least 1. Trips that run side by side (`place`) take a
/// position each.
Loop loop_over(Dim dim, std::int64_t extent, int step = 1, Place place = Place::time);

enum class Memory : std::uint8_t { dram, weight_buffer, activation_buffer, line_buffer, array };
/// One past the innermost: the end of all levels.
inline constexpr auto kInnermost = static_cast<Memory>(static_cast<int>(Memory::array) + 1);

/// A memory, and the loops each trip of which it feeds to what is inside.
struct Level {
    Memory memory = Memory::dram;
    std::vector<Loop> loops;  ///< outermost first
    friend bool operator==(const Level&, const Level&) = default;
};

/// Levels from the outermost memory to the registers of the array, each of them there.
struct LoopNest {
    std::vector<Level> levels;
    [[nodiscard]] const Level& at(Memory memory) const { return levels[static_cast<std::size_t>(memory)]; }
    [[nodiscard]] Level& at(Memory memory) { return levels[static_cast<std::size_t>(memory)]; }
    /// Trips of the loops of [from, end) that run in time, all together.
    [[nodiscard]] std::int64_t trips(Memory from, Memory end, DimFilter takes = any_dim) const;
    friend bool operator==(const LoopNest&, const LoopNest&) = default;
};
LoopNest empty_nest();

/// How a sum comes about: the loops over its terms that run in time, outermost first, and whether it stays where it is
/// added up until the last of them. This is all that values know of a dataflow whose terms run in time.
struct ReductionPlan {
    std::vector<Loop> terms;
    /// No loop to another sum runs in between; else the sum goes to a memory and comes back.
    bool sums_stay = true;
    friend bool operator==(const ReductionPlan&, const ReductionPlan&) = default;
};
ReductionPlan reduction_plan(const LoopNest& nest);

/// An odometer over the loops in time of the levels [from, end), which begins at the first trip of each.
class Cursor {
public:
    Cursor(const LoopNest& nest, Memory from, Memory end, DimFilter takes = any_dim);
    /// Goes on by one trip of the innermost loop; false, and at the first trips again, after the last.
    bool next();
    /// The level of the outermost loop that the last next() moved.
    [[nodiscard]] Memory moved() const { return moved_; }
    /// The dimension of that loop.
    [[nodiscard]] Dim moved_dim() const { return wheels_[outermost_moved_].loop.dim; }
    /// Another part of the data is in `memory` than before the last next(): a loop further out, that the data depends on,
    /// has moved.
    [[nodiscard]] bool changed(Memory memory, Data data) const;
    /// All loops of `memory` and further in are at their last trip.
    [[nodiscard]] bool ends(Memory memory) const;
    /// First position of the trip, of the loops over the dimension together.
    [[nodiscard]] std::int64_t first(Dim dim) const;
    /// Positions that the innermost loop over the dimension takes in this trip; 1 without one.
    [[nodiscard]] int count(Dim dim) const;

private:
    struct Wheel {
        Loop loop;
        Memory memory;
        int at = 0;
        int outer = -1;  ///< the next wheel further out over the same dimension
    };
    [[nodiscard]] int trips(const Wheel& wheel) const;
    [[nodiscard]] int count(const Wheel& wheel) const;

    std::vector<Wheel> wheels_;  ///< outermost first
    Memory moved_ = Memory::dram;
    std::size_t outermost_moved_ = 0;
};

}  // namespace widthwise

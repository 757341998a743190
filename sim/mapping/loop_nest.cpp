// SPDX-License-Identifier: Apache-2.0
#include "mapping/loop_nest.h"

#include <algorithm>

namespace widthwise {

Loop loop_over(Dim dim, std::int64_t extent, int step, Place place) {
    const auto trips = static_cast<int>((extent + step - 1) / step);
    return {dim, trips, step, static_cast<int>(extent - std::int64_t{trips - 1} * step), place};
}

LoopNest empty_nest() {
    LoopNest nest;
    for (const Memory memory :
         {Memory::dram, Memory::weight_buffer, Memory::activation_buffer, Memory::line_buffer, Memory::array}) {
        nest.levels.push_back({memory, {}});
    }
    return nest;
}

std::int64_t LoopNest::trips(Memory from, Memory end) const {
    std::int64_t product = 1;
    for (const Level& level : levels) {
        if (level.memory < from || level.memory >= end) continue;
        for (const Loop& loop : level.loops) product *= loop.place == Place::time ? loop.trips : 1;
    }
    return product;
}

Cursor::Cursor(const LoopNest& nest, Memory from, Memory end) {
    for (const Level& level : nest.levels) {
        if (level.memory < from || level.memory >= end) continue;
        for (const Loop& loop : level.loops) {
            if (loop.place == Place::time) wheels_.push_back({loop, level.memory});
        }
    }
}

bool Cursor::next() {
    for (std::size_t w = wheels_.size(); w-- > 0;) {
        Wheel& wheel = wheels_[w];
        if (++wheel.at < wheel.loop.trips) {
            moved_ = wheel.memory;
            outermost_moved_ = w;
            return true;
        }
        wheel.at = 0;
    }
    return false;
}

bool Cursor::changed(Memory memory, Data data) const {
    for (std::size_t w = outermost_moved_; w < wheels_.size() && wheels_[w].memory < memory; ++w) {
        // Those behind the outermost one have gone back to their first trip.
        const bool moves = w == outermost_moved_ || wheels_[w].loop.trips > 1;
        if (moves && depends(data, wheels_[w].loop.dim)) return true;
    }
    return false;
}

bool Cursor::ends(Memory memory) const {
    return std::all_of(wheels_.begin(), wheels_.end(), [memory](const Wheel& wheel) {
        return wheel.memory < memory || wheel.at + 1 == wheel.loop.trips;
    });
}

std::int64_t Cursor::first(Dim dim) const {
    std::int64_t position = 0;
    for (const Wheel& wheel : wheels_) {
        if (wheel.loop.dim == dim) position += std::int64_t{wheel.at} * wheel.loop.step;
    }
    return position;
}

int Cursor::count(Dim dim) const {
    int positions = 1;
    for (const Wheel& wheel : wheels_) {
        if (wheel.loop.dim != dim) continue;
        positions = wheel.at + 1 == wheel.loop.trips ? wheel.loop.last : wheel.loop.step;
    }
    return positions;
}

}  // namespace widthwise

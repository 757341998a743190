// SPDX-License-Identifier: Apache-2.0
#include "mapping/loop_nest.h"

#include <algorithm>
#include <map>

namespace widthwise {

Loop loop_over(Dim dim, std::int64_t extent, int step, Place place) {
    const int trips = ceil_div(extent, step);
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

namespace {

bool runs(const Loop& loop, DimFilter takes) { return loop.place == Place::time && takes(loop.dim); }

/// Trips of the innermost of the loops [at, end) over one dimension, while the outermost of them takes `extent` positions.
std::int64_t innermost_trips(const std::vector<Loop>& loops, std::size_t at, std::int64_t extent) {
    if (at == loops.size()) return 1;
    const int step = loops[at].step;
    const std::int64_t rest = extent % step;
    return extent / step * innermost_trips(loops, at + 1, step) + (rest > 0 ? innermost_trips(loops, at + 1, rest) : 0);
}

}  // namespace

std::int64_t LoopNest::trips(Memory from, Memory end, DimFilter takes) const {
    std::map<Dim, std::vector<Loop>> loops_over;
    for (const Level& level : levels) {
        if (level.memory < from || level.memory >= end) continue;
        for (const Loop& loop : level.loops) {
            if (runs(loop, takes)) loops_over[loop.dim].push_back(loop);
        }
    }
    std::int64_t product = 1;
    for (const auto& [dim, loops] : loops_over) product *= innermost_trips(loops, 0, loops.front().extent());
    return product;
}

ReductionPlan reduction_plan(const LoopNest& nest) {
    ReductionPlan plan;
    bool more_terms = false;   // a loop further out goes on to another term
    bool another_sum = false;  // and one further in than that to another sum
    for (const Level& level : nest.levels) {
        for (const Loop& loop : level.loops) {
            if (!runs(loop, any_dim)) continue;
            if (dim_of_terms(loop.dim)) {
                plan.terms.push_back(loop);
                more_terms = more_terms || loop.trips > 1;
            } else {
                another_sum = another_sum || (more_terms && loop.trips > 1);
            }
        }
    }
    plan.sums_stay = !another_sum;
    return plan;
}

Cursor::Cursor(const LoopNest& nest, Memory from, Memory end, DimFilter takes) {
    for (const Level& level : nest.levels) {
        if (level.memory < from || level.memory >= end) continue;
        for (const Loop& loop : level.loops) {
            if (!runs(loop, takes)) continue;
            Wheel wheel{loop, level.memory};
            for (std::size_t w = 0; w < wheels_.size(); ++w) {
                if (wheels_[w].loop.dim == loop.dim) wheel.outer = static_cast<int>(w);
            }
            wheels_.push_back(wheel);
        }
    }
}

/// Positions that the wheel's trip takes.
int Cursor::count(const Wheel& wheel) const {
    const int step = wheel.loop.step;
    if (wheel.outer < 0) return wheel.at + 1 == wheel.loop.trips ? wheel.loop.last : step;
    return std::min(step, count(wheels_[wheel.outer]) - wheel.at * step);
}

int Cursor::trips(const Wheel& wheel) const {
    return wheel.outer < 0 ? wheel.loop.trips : ceil_div(count(wheels_[wheel.outer]), wheel.loop.step);
}

bool Cursor::next() {
    for (std::size_t w = wheels_.size(); w-- > 0;) {
        Wheel& wheel = wheels_[w];
        if (wheel.at + 1 < trips(wheel)) {
            ++wheel.at;
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
    return std::all_of(wheels_.begin(), wheels_.end(), [this, memory](const Wheel& wheel) {
        return wheel.memory < memory || wheel.at + 1 == trips(wheel);
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
        if (wheel.loop.dim == dim) positions = count(wheel);
    }
    return positions;
}

}  // namespace widthwise

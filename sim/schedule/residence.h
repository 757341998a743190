// SPDX-License-Identifier: Apache-2.0
// What the memories have in common. A *residence* is a piece of data while it is in a memory: a block of lines, a part
// of weights, a strip's box of a map. The residences of a stream are numbered; they come and go in this order, and each
// takes the next of the places that the memory has for the stream.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "schedule/edge.h"

namespace widthwise {

struct WeightBufferParams;

/// The places of a stream, one behind the other in a memory.
struct Places {
    std::int64_t count = 1;  ///< at least 1
    std::int64_t bytes = 0;  ///< of each
    /// Of residence `number`, from the first place on.
    [[nodiscard]] std::int64_t address(std::int64_t number) const { return number % count * bytes; }
    /// While the residences before `first_held` have been given up and it has not.
    [[nodiscard]] bool has_place(std::int64_t number, std::int64_t first_held) const {
        return number < first_held + count;
    }
};

/// Streamed, the weight buffer holds a part that is used and one that is fetched.
inline constexpr int kStreamedWeightPlaces = 2;

/// Of parts of weights in the weight buffer. Resident, all weights are one part, which stays.
Places weight_places(const WeightBufferParams& params);

/// The rule of time of a stream, whatever the memory: a residence may be filled from the edge on at which the one that
/// had its place was given up.
class ResidenceTimes {
public:
    /// From `edge` on residence `first_held` and those behind it may be filled, as far as there are places.
    ResidenceTimes(std::int64_t places, std::int64_t first_held, Edge edge) : places_(places) {
        given_up_.push_back({first_held, edge});
    }
    /// From `edge` on the residences before `first_held` are given up. Neither may be less than the time before.
    void give_up(std::int64_t first_held, Edge edge) {
        if (given_up_.back().first_held != first_held) given_up_.push_back({first_held, edge});
    }
    /// Edge from which on the residence is given up; none while that is not known.
    [[nodiscard]] std::optional<Edge> given_up(std::int64_t number) const;
    /// Likewise, from which on it may be filled.
    [[nodiscard]] std::optional<Edge> place_free(std::int64_t number) const { return given_up(number - places_); }
    /// The first residence that has not been given up, as far as is known.
    [[nodiscard]] std::int64_t first_held() const { return given_up_.back().first_held; }
    /// At which residences have been given up, in order.
    [[nodiscard]] std::vector<Edge> edges() const;

private:
    struct GivenUp {
        std::int64_t first_held;
        Edge edge;
    };
    std::int64_t places_;
    std::vector<GivenUp> given_up_;
};

}  // namespace widthwise

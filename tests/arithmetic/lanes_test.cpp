// SPDX-License-Identifier: Apache-2.0
// The vectorised forms against Accumulator and plain multiplication, lane by lane.
#include "arithmetic/lanes.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "arithmetic/reference.h"

namespace widthwise::test {
namespace {

constexpr std::int64_t kUntouched = 0x5a5a5a5a5a;

/// A tile of rows x columns registers in an array with `stride` columns.
struct Tile {
    std::size_t rows;
    std::size_t columns;
    std::size_t stride;
};

std::vector<Tile> tiles() {
    std::vector<Tile> tiles;
    for (const std::size_t rows : {1, 2, 3, 8}) {
        for (const std::size_t stride : {1, 4, 7, 8, 16, 33}) {
            for (const std::size_t columns : {std::size_t{1}, stride / 2, stride - 1, stride}) {
                if (columns >= 1 && columns <= stride) tiles.push_back({rows, columns, stride});
            }
        }
    }
    return tiles;
}

void expect_lanes_like_accumulator(const Tile& tile, const AccumulatorFormat& format, std::mt19937_64& random) {
    constexpr int kAdditions = 12;
    const std::size_t size = tile.rows * tile.stride;
    const std::int32_t bound = format.bits > 20 ? INT32_MAX : 32640;
    std::uniform_int_distribution<std::int32_t> any(-bound, bound);
    std::vector<std::int64_t> value(size, kUntouched);
    std::vector<std::int64_t> exact(size, kUntouched);
    std::vector<std::int64_t> events(size, kUntouched);
    std::vector<Accumulator> reference(size, Accumulator(format));
    const auto for_each_lane = [&](const auto& action) {
        for (std::size_t r = 0; r < tile.rows; ++r) {
            for (std::size_t c = 0; c < tile.columns; ++c) action(r * tile.stride + c);
        }
    };
    for_each_lane([&](std::size_t i) {
        // Half of the lanes start next to an edge, so that wide registers overflow as well.
        const std::int64_t start = i % 4 == 0 ? format.max() - 5 : i % 4 == 1 ? format.min() + 5 : any(random);
        reference[i].start(start);
        value[i] = reference[i].value();
        exact[i] = reference[i].exact();
        events[i] = static_cast<std::int64_t>(reference[i].overflow_events());
    });
    const AddKind kind = add_kind(format, true);
    std::vector<std::int32_t> products(size);
    for (int n = 0; n < kAdditions; ++n) {
        for (std::int32_t& product : products) product = any(random);
        for_each_lane([&](std::size_t i) { reference[i].add(products[i]); });
        add_products(kind, format.bits, products.data(), {value.data(), exact.data(), events.data()}, tile.rows,
                     tile.columns, tile.stride);
    }
    for (std::size_t i = 0; i < size; ++i) {
        if (i % tile.stride >= tile.columns) {
            ASSERT_EQ(value[i], kUntouched);
            ASSERT_EQ(exact[i], kUntouched);
            ASSERT_EQ(events[i], kUntouched);
            continue;
        }
        ASSERT_EQ(value[i], reference[i].value()) << describe(format) << ", lane " << i;
        if (kind == AddKind::unchecked) {
            ASSERT_EQ(value[i], reference[i].exact()) << describe(format) << ", lane " << i;
            continue;
        }
        ASSERT_EQ(exact[i], reference[i].exact()) << describe(format) << ", lane " << i;
        ASSERT_EQ(events[i], static_cast<std::int64_t>(reference[i].overflow_events()))
            << describe(format) << ", lane " << i;
    }
}

TEST(AddProducts, EveryWidthKindAndTile) {
    std::mt19937_64 random(1);
    for (int bits = kMinAccumulatorBits; bits <= kMaxAccumulatorBits; ++bits) {
        for (const AccumulatorFormat& format : formats_of(bits)) {
            for (const Tile& tile : tiles()) {
                ASSERT_NO_FATAL_FAILURE(expect_lanes_like_accumulator(tile, format, random));
            }
        }
    }
}

TEST(AddKindOf, ChecksOnlyWhatIsAskedForAndCanFail) {
    const AccumulatorFormat saturate{18, Overflow::saturate, OverflowCheck::per_add};
    const AccumulatorFormat wrap{18, Overflow::wrap, OverflowCheck::per_add};
    EXPECT_EQ(add_kind(saturate, true), AddKind::saturating);
    EXPECT_EQ(add_kind(wrap, true), AddKind::wrapping);
    EXPECT_EQ(add_kind(saturate, false), AddKind::unchecked);
    EXPECT_EQ(add_kind(wrap, false), AddKind::unchecked);
    for (const Overflow overflow : {Overflow::saturate, Overflow::wrap}) {
        EXPECT_EQ(add_kind({18, overflow, OverflowCheck::per_output}, true), AddKind::unchecked);
    }
}

TEST(MultiplyOuter, EveryWeightTimesEveryActivation) {
    std::mt19937 random(2);
    std::uniform_int_distribution<int> activation(-128, 255);
    std::uniform_int_distribution<int> weight(-128, 127);
    for (const Tile& tile : tiles()) {
        std::vector<std::int16_t> activations(tile.columns);
        std::vector<std::int16_t> weights(tile.rows);
        for (auto& a : activations) a = static_cast<std::int16_t>(activation(random));
        for (auto& w : weights) w = static_cast<std::int16_t>(weight(random));
        activations.front() = 255;
        weights.front() = -128;
        std::vector<std::int32_t> products(tile.rows * tile.stride, -1);
        multiply_outer(activations.data(), weights.data(), products.data(), tile.rows, tile.columns, tile.stride);
        for (std::size_t i = 0; i < products.size(); ++i) {
            const std::size_t column = i % tile.stride;
            const int expected = column < tile.columns ? activations[column] * weights[i / tile.stride] : -1;
            ASSERT_EQ(products[i], expected);
        }
    }
}

}  // namespace
}  // namespace widthwise::test

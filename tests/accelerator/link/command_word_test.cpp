// SPDX-License-Identifier: Apache-2.0
// Commands as words: what is encoded comes back, each field in its own bits, and no value is cut off.
#include "accelerator/link/command_word.h"

#include <gtest/gtest.h>

#include "accelerator/link/payloads.h"
#include "kit/random.h"

namespace widthwise::test {
namespace {

/// Any value that the wires can carry; the ends of the range often.
template <typename Command>
Command random_command(Random& random) {
    Command command;
    Command::visit_wires(command, [&]<typename Field>(const char*, Field& field, int bits) {
        if constexpr (std::is_same_v<Field, bool>) {
            field = random.percent(50);
        } else if constexpr (std::is_enum_v<Field>) {
            field = static_cast<Field>(random.in(0, 2));
        } else {
            const std::int64_t half = std::int64_t{1} << (bits - 1);
            const auto any = static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(2 * half)) - half;
            field = static_cast<Field>(random.percent(20) ? -half : random.percent(20) ? half - 1 : any);
        }
    });
    return command;
}

template <typename Command>
void expect_round_trips() {
    Random random(7, "commands");
    for (int i = 0; i < 1000; ++i) {
        const auto command = random_command<Command>(random);
        const std::vector<std::uint32_t> words = encode(command);
        ASSERT_EQ(words.size(), (command_bits<Command>() + 31) / 32);
        ASSERT_EQ(decode<Command>(words), command);
    }
}

TEST(CommandWords, ComeBackAsTheyWere) {
    expect_round_trips<TileCommand>();
    expect_round_trips<DmaCommand>();
}

/// A tile: 16 bits of layer, 24 of strip, 24 of channel tile, ...
TEST(CommandWords, HaveTheirFieldsOneBehindTheOther) {
    const TileCommand command{0x1234, 0x56789A, {-1, 0, 5}, 1, true};
    EXPECT_EQ(command_bits<TileCommand>(), 161);
    const std::vector<std::uint32_t> words = encode(command);
    ASSERT_EQ(words.size(), 6U);
    EXPECT_EQ(words[0], 0x789A1234U);
    EXPECT_EQ(words[1], 0xFFFFFF56U);
    EXPECT_EQ(words[2], 0x05000000U);
    EXPECT_EQ(words[3], 0x01000000U);
    EXPECT_EQ(words[4], 0U);
    EXPECT_EQ(words[5], 1U);
}

/// A program that the wires cannot carry is an error of the simulator, not a command for another tile.
TEST(CommandWords, RefuseWhatTheirWiresCannotCarry) {
    TileCommand tile;
    tile.layer = 32768;
    EXPECT_THROW(static_cast<void>(encode(tile)), SimulationError);
    tile.layer = -32769;
    EXPECT_THROW(static_cast<void>(encode(tile)), SimulationError);
    DmaCommand transfer;
    transfer.bytes = std::int64_t{1} << 39;
    EXPECT_THROW(static_cast<void>(encode(transfer)), SimulationError);
}

}  // namespace
}  // namespace widthwise::test

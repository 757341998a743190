// SPDX-License-Identifier: Apache-2.0
#include "energy/energy.h"

#include <gtest/gtest.h>

#include "energy/energy_table.h"

namespace widthwise {
namespace {

TEST(Energy, IsExactInDecimal) {
    EXPECT_EQ(Energy(3, 0.1).text(), "0.3");
    EXPECT_EQ(Energy(3, 0.1).value(), 0.3);
    EXPECT_EQ(Energy(1, 0.1 + 0.2).text(), "0.3") << "noise of the formula";
    EXPECT_EQ((Energy(1, 0.1) + Energy(1, 0.2)).text(), "0.3");
    EXPECT_EQ(Energy(7, 1.0 / 3).text(), "2.333333");
    EXPECT_EQ(Energy(1, 2.0 / 3).text(), "0.666667");
    EXPECT_EQ(Energy(1, 0.0000005).text(), "0.000001") << "half up";
    EXPECT_EQ(Energy(1, 0.00000049).text(), "0");
    EXPECT_EQ(Energy(1, 1e-300).text(), "0");
    EXPECT_EQ(Energy(123456789012, 0.2).text(), "24691357802.4");
    EXPECT_EQ(Energy(12345678901, 0.123457).text(), "1524160480.080757");
    EXPECT_EQ(Energy(~std::uint64_t{0}, 1e9).text(), "18446744073709551615000000000");
    EXPECT_EQ(Energy(5, 0).text(), "0");
    EXPECT_LT(Energy(1, 0.1), Energy(1, 0.100001));
}

TEST(Energy, SumsByComponent) {
    EventCounts counts;
    counts[Event::mac_multiply] = 3;
    counts[Event::mac_gated] = 5;
    counts[Event::dram_read] = 7;
    EventCosts costs{};
    costs[static_cast<std::size_t>(Event::mac_multiply)] = 2.0;
    costs[static_cast<std::size_t>(Event::mac_gated)] = 0.5;
    costs[static_cast<std::size_t>(Event::dram_read)] = 10.0;
    costs[static_cast<std::size_t>(Event::clock)] = 99.0;
    const auto energy = energy_by_component(counts, costs);
    EXPECT_EQ(energy[static_cast<std::size_t>(Component::multiply)].text(), "8.5");
    EXPECT_EQ(energy[static_cast<std::size_t>(Component::dram)].text(), "70");
    EXPECT_EQ(energy[static_cast<std::size_t>(Component::control)].text(), "0");
    EXPECT_EQ(sum(energy).value(), 78.5);
}

}  // namespace
}  // namespace widthwise

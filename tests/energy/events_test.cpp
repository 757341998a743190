// SPDX-License-Identifier: Apache-2.0
#include "energy/events.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "energy/energy_table.h"

namespace widthwise {
namespace {

const EventInfo& info(Event event) { return event_infos()[static_cast<std::size_t>(event)]; }

TEST(Events, AreNamedAsTheContractNamesThem) {
    EXPECT_EQ(info(Event::mac_multiply).name, "mac.multiply");
    EXPECT_EQ(info(Event::mac_gated).name, "mac.gated");
    EXPECT_EQ(info(Event::mac_add).name, "mac.add");
    EXPECT_EQ(info(Event::accumulator_write).name, "accumulator.write");
    EXPECT_EQ(info(Event::bias_add).name, "bias.add");
    EXPECT_EQ(info(Event::address_multiply).name, "address.multiply");
    EXPECT_EQ(info(Event::address_add).name, "address.add");
    EXPECT_EQ(info(Event::line_buffer_read).name, "line_buffer.read");
    EXPECT_EQ(info(Event::line_buffer_write).name, "line_buffer.write");
    EXPECT_EQ(info(Event::activation_buffer_read).name, "activation_buffer.read");
    EXPECT_EQ(info(Event::activation_buffer_write).name, "activation_buffer.write");
    EXPECT_EQ(info(Event::weight_buffer_read).name, "weight_buffer.read");
    EXPECT_EQ(info(Event::weight_buffer_write).name, "weight_buffer.write");
    EXPECT_EQ(info(Event::requant_multiply).name, "requant.multiply");
    EXPECT_EQ(info(Event::requant_shift).name, "requant.shift");
    EXPECT_EQ(info(Event::requant_plain_shift).name, "requant.plain_shift");
    EXPECT_EQ(info(Event::requant_divide).name, "requant.divide");
    EXPECT_EQ(info(Event::requant_float_multiply).name, "requant.float_multiply");
    EXPECT_EQ(info(Event::requant_add).name, "requant.add");
    EXPECT_EQ(info(Event::pool_compare).name, "pool.compare");
    EXPECT_EQ(info(Event::pool_add).name, "pool.add");
    EXPECT_EQ(info(Event::pool_float_multiply).name, "pool.float_multiply");
    EXPECT_EQ(info(Event::pool_float_add).name, "pool.float_add");
    EXPECT_EQ(info(Event::pool_float_divide).name, "pool.float_divide");
    EXPECT_EQ(info(Event::residual_multiply).name, "residual.multiply");
    EXPECT_EQ(info(Event::residual_shift).name, "residual.shift");
    EXPECT_EQ(info(Event::residual_add).name, "residual.add");
    EXPECT_EQ(info(Event::residual_float_multiply).name, "residual.float_multiply");
    EXPECT_EQ(info(Event::residual_float_add).name, "residual.float_add");
    EXPECT_EQ(info(Event::dram_read).name, "dram.read");
    EXPECT_EQ(info(Event::dram_write).name, "dram.write");
    EXPECT_EQ(info(Event::pe_idle).name, "pe.idle");
    EXPECT_EQ(info(Event::clock).name, "clock");
}

TEST(Events, HaveUnitsDescriptionsAndNoNameTwice) {
    std::set<std::string_view> names;
    for (const EventInfo& event : event_infos()) {
        EXPECT_TRUE(names.insert(event.name).second) << event.name;
        EXPECT_FALSE(event.description.empty()) << event.name;
        const bool known = event.unit == "operations" || event.unit == "bytes" || event.unit == "cycles";
        EXPECT_TRUE(known) << event.name << ": " << event.unit;
    }
    EXPECT_EQ(info(Event::line_buffer_read).unit, "bytes");
    EXPECT_EQ(info(Event::pe_idle).unit, "cycles");
    EXPECT_EQ(info(Event::pool_add).unit, "operations");
}

TEST(Components, HaveDistinctNames) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < kComponentCount; ++i) names.insert(component_name(static_cast<Component>(i)));
    EXPECT_EQ(names.size(), kComponentCount);
    EXPECT_FALSE(names.contains(""));
}

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

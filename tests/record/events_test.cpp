// SPDX-License-Identifier: Apache-2.0
#include "record/events.h"

#include <gtest/gtest.h>

#include <set>
#include <string_view>

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

TEST(Events, OfMemoriesCarryTheirNames) {
    MemoryList memories;
    EXPECT_EQ(event_name(Event::mac_add, memories), "mac.add");
    for (std::size_t e = 0; e < kEventCount; ++e)
        EXPECT_EQ(event_name(static_cast<Event>(e), memories), event_infos()[e].name);
    memories[MemoryRole::activations].name = "glb";
    EXPECT_EQ(event_name(Event::activation_buffer_read, memories), "glb.read");
    EXPECT_EQ(event_name(Event::activation_buffer_write, memories), "glb.write");
    EXPECT_EQ(event_name(Event::line_buffer_write, memories), "line_buffer.write");
    EXPECT_EQ(memory_of(Event::weight_subtract), std::nullopt);
    EXPECT_EQ(memory_of(Event::dram_write), MemoryRole::dram);
}

TEST(Components, HaveDistinctNames) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < kComponentCount; ++i) names.insert(component_name(static_cast<Component>(i)));
    EXPECT_EQ(names.size(), kComponentCount);
    EXPECT_FALSE(names.contains(""));
}

}  // namespace
}  // namespace widthwise

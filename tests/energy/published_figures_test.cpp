// SPDX-License-Identifier: Apache-2.0
// The shipped tables against the figures of their sources, and the course's model against its published totals.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "config/yaml_reader.h"
#include "energy/energy_table.h"

namespace widthwise {
namespace {

EnergyTable shipped(const std::string& name) { return EnergyTable::load(name, WIDTHWISE_SOURCE_DIR); }

/// Costs of one table at chosen widths.
class Costs {
public:
    Costs(const EnergyTable& table, const EventAttributes& attributes) : costs_(table.costs(attributes)) {}
    double operator[](Event event) const { return costs_[static_cast<std::size_t>(event)]; }

private:
    EventCosts costs_;
};

EventAttributes with_accumulator(int bits) {
    EventAttributes attributes;
    attributes.accumulator_bits = bits;
    return attributes;
}

/// Attributes under which requant.multiply is a 32-bit multiplication and requant.add a 32-bit addition.
EventAttributes wide() {
    EventAttributes attributes;
    attributes.requant_bits = 32;
    attributes.multiplier_bits = 32;
    attributes.memories[MemoryRole::lines].bytes = 8192;
    attributes.memories[MemoryRole::activations].bytes = 32768;
    attributes.memories[MemoryRole::weights].bytes = 1048576;
    return attributes;
}

struct Published {
    const char* table;
    const char* node;
    double add8, add32, multiply8, multiply32;
    double sram_8k, sram_32k, sram_1m, dram;  // per 64 bits
    double float_multiply, float_add;
};

class PublishedFigures : public testing::TestWithParam<Published> {};

TEST_P(PublishedFigures, AreReproduced) {
    const Published& figures = GetParam();
    const EnergyTable table = shipped(figures.table);
    EXPECT_EQ(table.unit(), "pJ");
    EXPECT_EQ(table.node(), figures.node);
    EXPECT_FALSE(table.source().empty());
    EXPECT_DOUBLE_EQ(Costs(table, with_accumulator(8))[Event::mac_add], figures.add8);
    EXPECT_DOUBLE_EQ(Costs(table, with_accumulator(32))[Event::mac_add], figures.add32);
    EXPECT_DOUBLE_EQ(Costs(table, with_accumulator(32))[Event::bias_add], figures.add32);
    const Costs costs(table, wide());
    EXPECT_DOUBLE_EQ(costs[Event::mac_multiply], figures.multiply8);
    EXPECT_DOUBLE_EQ(costs[Event::requant_multiply], figures.multiply32);
    EXPECT_DOUBLE_EQ(costs[Event::requant_add], figures.add32);
    EXPECT_DOUBLE_EQ(costs[Event::address_multiply], figures.multiply32);
    EXPECT_DOUBLE_EQ(costs[Event::address_add], figures.add32);
    EXPECT_DOUBLE_EQ(costs[Event::pool_compare], figures.add8);
    EXPECT_DOUBLE_EQ(8 * costs[Event::line_buffer_read], figures.sram_8k);
    EXPECT_DOUBLE_EQ(8 * costs[Event::activation_buffer_write], figures.sram_32k);
    EXPECT_DOUBLE_EQ(8 * costs[Event::weight_buffer_read], figures.sram_1m);
    EXPECT_DOUBLE_EQ(8 * costs[Event::dram_read], figures.dram);
    EXPECT_DOUBLE_EQ(8 * costs[Event::dram_write], figures.dram);
}

TEST_P(PublishedFigures, ScaleMultipliersWithTheProductOfTheirOperandWidths) {
    const EnergyTable table = shipped(GetParam().table);
    EventAttributes narrow;
    narrow.activation_bits = 4;
    narrow.weight_bits = 6;
    narrow.requant_bits = 16;
    narrow.multiplier_bits = 8;
    EXPECT_DOUBLE_EQ(Costs(table, narrow)[Event::mac_multiply], GetParam().multiply8 * 24 / 64);
    EXPECT_DOUBLE_EQ(Costs(table, narrow)[Event::requant_multiply], GetParam().multiply32 * 128 / 1024);
}

/// Shifting, dividing and float32, from the published figures and Aladdin's ratios of shifter and register to adder.
TEST_P(PublishedFigures, PriceEveryModeOfRequantization) {
    const Published& figures = GetParam();
    const EnergyTable table = shipped(figures.table);
    EventAttributes attributes;
    for (const int bits : {8, 18, 32}) {
        attributes.requant_bits = bits;
        const Costs costs(table, attributes);
        const auto adder = [&](int width) {
            const double slope = (figures.add32 - figures.add8) / 24;
            return figures.add8 + (width - 8) * slope;
        };
        const double shifter = figures.add32 / 32 * 0.417 / 0.21;  // per bit
        const auto step = [&](int width) { return adder(width) + width * figures.add32 / 0.21 * 0.009; };
        const double conversion = 32 * shifter + adder(32);
        EXPECT_NEAR(costs[Event::requant_plain_shift], bits * shifter, 1e-12);
        EXPECT_NEAR(costs[Event::requant_divide], bits * step(bits), 1e-9);
        EXPECT_NEAR(costs[Event::requant_float_multiply], figures.float_multiply + 2 * conversion, 1e-12);
        EXPECT_NEAR(costs[Event::pool_float_multiply], figures.float_multiply + conversion, 1e-12);
        EXPECT_NEAR(costs[Event::residual_float_multiply], figures.float_multiply + conversion, 1e-12);
        EXPECT_NEAR(costs[Event::pool_float_add], figures.float_add, 1e-12);
        EXPECT_NEAR(costs[Event::residual_float_add], figures.float_add + conversion / 2, 1e-12);
        EXPECT_NEAR(costs[Event::pool_float_divide], 24 * step(24) + figures.float_add + conversion / 2, 1e-9);
    }
}

/// None of these operators has the integer multiplier.
TEST_P(PublishedFigures, OtherModesDoNotDependOnTheMultiplier) {
    const EnergyTable table = shipped(GetParam().table);
    EventAttributes narrow;
    narrow.multiplier_bits = 2;
    for (const Event event :
         {Event::requant_plain_shift, Event::requant_divide, Event::requant_float_multiply, Event::pool_float_multiply,
          Event::pool_float_add, Event::pool_float_divide, Event::residual_float_multiply, Event::residual_float_add}) {
        EXPECT_EQ(Costs(table, narrow)[event], Costs(table, {})[event]);
        EXPECT_GT(Costs(table, narrow)[event], 0);
    }
    EXPECT_GT(Costs(table, {})[Event::requant_float_multiply],
              Costs(table, {})[Event::requant_multiply] + Costs(table, {})[Event::requant_shift]);
}

TEST_P(PublishedFigures, GrowLinearlyWithTheAccumulator) {
    const EnergyTable table = shipped(GetParam().table);
    const auto add = [&](int bits) { return Costs(table, with_accumulator(bits))[Event::mac_add]; };
    EXPECT_NEAR(add(20), (GetParam().add8 + GetParam().add32) / 2, 1e-12);
    EXPECT_GT(add(2), 0.0);
    EXPECT_GT(add(48), add(32));
    EXPECT_DOUBLE_EQ(Costs(table, with_accumulator(24))[Event::accumulator_write],
                     Costs(table, with_accumulator(12))[Event::accumulator_write] * 2);
}

INSTANTIATE_TEST_SUITE_P(
    Tables, PublishedFigures,
    testing::Values(Published{"horowitz-45nm", "45 nm", 0.03, 0.1, 0.2, 3.1, 10, 20, 100, 1300, 3.7, 0.9},
                    Published{"jouppi-7nm", "7 nm", 0.007, 0.03, 0.07, 1.48, 7.5, 8.5, 14, 350, 1.31, 0.38},
                    // Published for 32 bits only; 8 bits by the scaling law, memories from Horowitz.
                    Published{"aladdin-40nm", "40 nm", 0.21 / 4, 0.21, 12.68 / 16, 12.68, 10, 20, 100, 1300, 35.3,
                              16.7}),
    [](const auto& parameter) {
        const std::string name = parameter.param.table;
        return name.substr(0, name.find('-'));
    });

TEST(AladdinFigures, HaveTheirShifterAndRegister) {
    EventAttributes attributes = with_accumulator(18);
    attributes.requant_bits = 16;
    attributes.multiplier_bits = 16;
    const Costs costs(shipped("aladdin-40nm"), attributes);
    EXPECT_DOUBLE_EQ(costs[Event::requant_shift], 0.417);
    EXPECT_DOUBLE_EQ(costs[Event::accumulator_write], 0.009 * 18);
}

TEST(DerivedFigures, KeepAladdinsRatiosToTheAdder) {
    EventAttributes attributes = with_accumulator(32);
    attributes.requant_bits = 16;
    attributes.multiplier_bits = 16;
    for (const auto& [table, add32] : {std::pair{"horowitz-45nm", 0.1}, std::pair{"jouppi-7nm", 0.03}}) {
        const Costs costs(shipped(table), attributes);
        EXPECT_DOUBLE_EQ(costs[Event::requant_shift], add32 * 0.417 / 0.21);
        EXPECT_DOUBLE_EQ(costs[Event::accumulator_write], add32 * 0.009 * 32 / 0.21);
    }
}

/// LeNet-5 on four images as the course counts it: three multiplies and three adds per convolution MAC (the MAC's own
/// and two of its address), one of each per fully connected MAC, one add per bias.
std::array<EventCounts, 5> lenet5_counts() {
    constexpr std::array<std::uint64_t, 5> macs{470400, 960000, 192000, 40320, 3360};
    std::array<EventCounts, 5> layers;
    for (std::size_t i = 0; i < layers.size(); ++i) {
        layers[i][Event::mac_multiply] = macs[i];
        layers[i][Event::mac_add] = macs[i];
        if (i < 3) {
            layers[i][Event::address_multiply] = 2 * macs[i];
            layers[i][Event::address_add] = 2 * macs[i];
        }
    }
    layers[4][Event::bias_add] = 40;
    return layers;
}

std::vector<double> lenet5_energies(const std::array<int, 5>& widths) {
    const EnergyTable table = shipped("course");
    const std::array<EventCounts, 5> layers = lenet5_counts();
    std::vector<double> energies;
    double total = 0.0;
    for (std::size_t i = 0; i < layers.size(); ++i) {
        const EventCosts costs = table.costs(with_accumulator(widths[i]));
        const double energy = sum(energy_by_component(layers[i], costs)).value();
        energies.push_back(energy);
        total += energy;
    }
    energies.push_back(total);
    return energies;
}

TEST(CourseModel, GivesItsPublishedTotals) {
    EXPECT_EQ(shipped("course").unit(), "relative");
    EXPECT_EQ(lenet5_energies({18, 18, 18, 18, 18}),
              (std::vector<double>{115718400, 236160000, 47232000, 3306240, 276240, 402692880}));
    EXPECT_EQ(lenet5_energies({18, 16, 16, 18, 16}),
              (std::vector<double>{115718400, 230400000, 46080000, 3306240, 269440, 395774080}));
}

TEST(CourseModel, ChargesMultipliesByTheSquareOfTheWidthAndNothingElse) {
    EventAttributes narrow = wide();
    narrow.activation_bits = narrow.weight_bits = 4;
    const Costs costs(shipped("course"), narrow);
    EXPECT_EQ(costs[Event::mac_multiply], 16.0);
    EXPECT_EQ(costs[Event::address_multiply], 64.0);
    EXPECT_EQ(costs[Event::bias_add], 32.0);
    for (const Event free :
         {Event::accumulator_write, Event::line_buffer_read, Event::activation_buffer_write, Event::weight_buffer_read,
          Event::requant_multiply, Event::requant_shift, Event::requant_add, Event::pool_compare, Event::pool_add,
          Event::dram_read, Event::pe_idle, Event::clock}) {
        EXPECT_EQ(costs[free], 0.0);
    }
}

TEST(ShippedTables, ListEveryEventAndAreNamedAfterTheirFile) {
    for (const std::string& name : shipped_energy_tables(WIDTHWISE_SOURCE_DIR)) {
        const EnergyTable table = shipped(name);
        EXPECT_EQ(table.name(), name);
        EXPECT_FALSE(table.notes().empty()) << name;
        EXPECT_EQ(YamlMap(YamlValue::load(table.path())).find("events")->entries().size(), kEventCount)
            << name << " says nothing of some event, not even that it is free";
    }
}

}  // namespace
}  // namespace widthwise

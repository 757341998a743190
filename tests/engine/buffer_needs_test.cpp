// SPDX-License-Identifier: Apache-2.0
// What a network needs of the buffers is enough for all of it to be whole, and no byte less is.
#include "schedule/buffer_needs.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/error.h"
#include "config/validate.h"
#include "engine/random_case.h"
#include "schedule/compile.h"
#include "schedule/schedule_model.h"

namespace widthwise::test {
namespace {

struct Moved {
    std::uint64_t dram = 0;  ///< of a batch
    std::uint64_t lines = 0;
    std::size_t layers = 0;
    bool whole = true;  ///< weights resident, no strips, whole rows
};

Moved moved(const Network& network, const HardwareParams& hardware) {
    const Schedule schedule = compile(network, hardware, hardware.batch);
    const RunRecord run = model_schedule(schedule);
    Moved found;
    const auto add = [&found](const LayerRecord& phase) {
        found.dram += phase.events[Event::dram_read] + phase.events[Event::dram_write];
        found.lines += phase.events[Event::line_buffer_write];
    };
    add(run.load);
    add(run.store);
    for (const LayerRecord& layer : run.layers) add(layer);
    found.layers = schedule.layers.size();
    found.whole = schedule.hardware.weight_buffer.storage == WeightStorage::resident || schedule.weight_bytes == 0;
    for (const LayerSchedule& layer : schedule.layers)
        found.whole = found.whole && !layer.in_strips() && layer.line_fit == LineFit{};
    return found;
}

/// With a byte less of one: it is refused, or something is moved in pieces or more often, or a pool is parted.
bool less_is_worse(const Network& network, const HardwareParams& less, const Moved& enough) {
    try {
        validate(less);
        const Moved worse = moved(network, less);
        return !worse.whole || worse.dram > enough.dram || worse.lines > enough.lines || worse.layers > enough.layers;
    } catch (const InputError&) {
        return true;
    }
}

TEST(BufferNeeds, AreEnoughAndNoByteLessIs) {
    int shorts = 0;
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        const RandomCase random = make_random_case(seed);
        SCOPED_TRACE(seed);
        const BufferNeeds needs = buffer_needs(random.network, random.hardware, random.hardware.batch);
        HardwareParams hardware = random.hardware;
        hardware.weight_buffer.storage = WeightStorage::automatic;
        hardware.weight_buffer.bytes = std::max<std::int64_t>(1, needs.capacities[0].needs);  // 0: no weights at all
        hardware.activation_buffer.bytes = needs.capacities[1].needs;
        hardware.line_buffer.bytes = needs.capacities[2].needs;
        hardware.pool.row_buffer_bytes = needs.capacities.size() > 3 ? static_cast<int>(needs.capacities[3].needs) : 0;
        const Moved enough = moved(random.network, hardware);
        EXPECT_TRUE(enough.whole);
        EXPECT_EQ(enough.dram, static_cast<std::uint64_t>(needs.dram_bytes));
        EXPECT_EQ(enough.lines, static_cast<std::uint64_t>(needs.line_buffer_bytes));
        shorts += !moved(random.network, random.hardware).whole;

        HardwareParams less = hardware;
        if (needs.capacities[0].needs > 0) {
            --less.weight_buffer.bytes;
            EXPECT_TRUE(less_is_worse(random.network, less, enough)) << "weights";
        }
        less = hardware;
        --less.activation_buffer.bytes;
        EXPECT_TRUE(less_is_worse(random.network, less, enough)) << "maps";
        less = hardware;
        --less.line_buffer.bytes;
        EXPECT_TRUE(less_is_worse(random.network, less, enough)) << "lines";
        if (hardware.pool.row_buffer_bytes < 2) continue;  // 0 is as much as is needed
        less = hardware;
        --less.pool.row_buffer_bytes;
        EXPECT_TRUE(less_is_worse(random.network, less, enough)) << "pool";
    }
    EXPECT_GT(shorts, 50);
}

}  // namespace
}  // namespace widthwise::test

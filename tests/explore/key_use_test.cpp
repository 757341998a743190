// SPDX-License-Identifier: Apache-2.0
// Keys without effect: on random networks and hardware, a key that is said to be unused changes nothing at all, and
// each key that can be unused changes something somewhere when it is used.
#include "config/key_use.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "common/error.h"
#include "config/config_keys.h"
#include "config/config_writer.h"
#include "explore/explore_case.h"
#include "explore/layer_variants.h"
#include "kit/temporary_files.h"
#include "schedule/compile.h"

namespace widthwise {
namespace {

constexpr std::uint64_t kCases = 250;

/// Prices every event by everything that a formula may look at.
EnergyTable curious_table(const test::TemporaryFolder& folder) {
    std::string text = "name: curious\nunit: relative\nnode: none\nsource: made up\nevents:\n";
    for (const EventInfo& event : event_infos()) {
        text += fmt::format(
            "  {}: activation_bits + weight_bits / 3 + accumulator_bits / 7 + requant_bits / 11 + "
            "multiplier_bits / 13{}\n",
            event.name, event.name.find("_buffer.") == std::string_view::npos ? "" : " + capacity / 17");
    }
    return EnergyTable::load(folder.write("curious.yaml", text), WIDTHWISE_SOURCE_DIR);
}

/// All that a run finds.
struct Found {
    RunRecord record;
    std::vector<int> classes;
    std::vector<Energy> energies;     ///< by phase and component
    std::string resolved;             ///< the file, as a run writes it
    std::vector<std::string> values;  ///< digests of what decides values
};

class Finder {
public:
    explicit Finder(std::uint64_t seed) : made_(seed, 3) {}

    [[nodiscard]] const HardwareParams& hardware() const { return made_.random.hardware; }
    [[nodiscard]] Schedule compiled(const HardwareParams& hardware) const {
        return compile(made_.random.network, hardware, hardware.batch);
    }
    [[nodiscard]] Found find(const HardwareParams& hardware, const EnergyTable& table) const {
        const Schedule schedule = compiled(hardware);
        const test::FreshRun run = made_.fresh(hardware);
        RunSetup setup;
        setup.config.hardware = hardware;
        setup.network = &made_.random.network;
        setup.schedule = &schedule;
        setup.table = &table;
        const RunReport report(setup, {run.record, {}});
        Found found{run.record, run.classes, {}, to_yaml(setup.config, ".", schedule.unused_keys), {}};
        for (const Phase& phase : report.phases) {
            found.energies.insert(found.energies.end(), phase.energy.begin(), phase.energy.end());
        }
        for (const LayerSchedule& layer : schedule.layers) {
            found.values.push_back(value_key(layer, schedule.hardware).text());
        }
        return found;
    }

private:
    test::ExploreCase made_;
};

std::set<std::string_view> names(const std::vector<UnusedKey>& unused) {
    std::set<std::string_view> keys;
    for (const UnusedKey& key : unused) keys.insert(key.key);
    return keys;
}

TEST(KeyUse, UnusedKeysChangeNothingAndUsedOnesSomething) {
    const test::TemporaryFolder folder;
    const EnergyTable table = curious_table(folder);
    std::map<std::string_view, int> unused_cases;
    std::map<std::string_view, int> changes;  // of keys that are used
    for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
        const Finder finder(seed);
        const HardwareParams donor = test::make_random_case(seed + kCases).hardware;
        const std::set<std::string_view> unused = names(finder.compiled(finder.hardware()).unused_keys);
        const Found before = finder.find(finder.hardware(), table);
        std::set<std::string_view> seen;
        for (const KeyNeed& need : key_needs()) {
            if (!seen.insert(need.key).second || need.key == "accumulator.layers") continue;  // names are checked
            SCOPED_TRACE(fmt::format("{}, seed {}", need.key, seed));
            HardwareParams changed = finder.hardware();
            need.copy(donor, changed);
            if (changed == finder.hardware()) continue;
            if (unused.contains(need.key)) {
                ++unused_cases[need.key];
                const Found after = finder.find(changed, table);
                EXPECT_EQ(after.record, before.record);
                EXPECT_EQ(after.classes, before.classes);
                EXPECT_EQ(after.energies, before.energies);
                EXPECT_EQ(after.values, before.values);
                EXPECT_EQ(after.resolved, before.resolved);
            } else if (changes[need.key] == 0) {
                try {
                    const Found after = finder.find(changed, table);
                    changes[need.key] += after.record != before.record || after.classes != before.classes ||
                                         after.energies != before.energies;
                } catch (const InputError&) {  // the donor's buffers may be too small here
                }
            }
        }
    }
    EXPECT_GT(unused_cases.size(), 15U) << "too few kinds of cases";
    for (const auto& [key, count] : unused_cases) EXPECT_GT(changes[key], 0) << key << " never had an effect";
}

}  // namespace
}  // namespace widthwise

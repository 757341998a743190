// SPDX-License-Identifier: Apache-2.0
#include "engine/record_text.h"

#include <fmt/format.h>

namespace widthwise {

namespace {

class Differences {
public:
    template <typename T>
    void compare(const std::string& key, T expected, T actual) {
        if (expected != actual) text += fmt::format("{}: expected {}, actual {}\n", key, expected, actual);
    }

    void compare(const std::string& name, const LayerRecord& expected, const LayerRecord& actual) {
        compare(name + ".cycles", expected.cycles.total, actual.cycles.total);
        compare(name + ".compute", expected.cycles.compute, actual.cycles.compute);
        for (std::size_t s = 0; s < kStallCount; ++s) {
            const auto stall = static_cast<Stall>(s);
            compare(fmt::format("{}.stall.{}", name, stall_name(stall)), expected.cycles[stall], actual.cycles[stall]);
        }
        compare(name + ".outputs", expected.overflow.outputs, actual.overflow.outputs);
        compare(name + ".overflow", expected.overflow.events, actual.overflow.events);
        compare(name + ".transient", expected.overflow.transient, actual.overflow.transient);
        compare(name + ".persistent", expected.overflow.persistent, actual.overflow.persistent);
        compare(name + ".psums", expected.psums.count, actual.psums.count);
        compare(name + ".psum_min", expected.psums.min, actual.psums.min);
        compare(name + ".psum_max", expected.psums.max, actual.psums.max);
        if (!(expected.psums == actual.psums)) text += name + ": psum moments differ\n";
        for (std::size_t e = 0; e < kEventCount; ++e) {
            const auto event = static_cast<Event>(e);
            compare(fmt::format("{}.event.{}", name, e), expected.events[event], actual.events[event]);
        }
    }

    std::string text;
};

}  // namespace

std::string record_difference(const RunRecord& expected, const RunRecord& actual) {
    Differences differences;
    differences.compare("images", expected.images, actual.images);
    differences.compare("setup", expected.setup, actual.setup);
    differences.compare("load", expected.load, actual.load);
    differences.compare("store", expected.store, actual.store);
    differences.compare("layers", expected.layers.size(), actual.layers.size());
    for (std::size_t i = 0; i < expected.layers.size() && i < actual.layers.size(); ++i) {
        differences.compare(fmt::format("layer {}", i), expected.layers[i], actual.layers[i]);
    }
    differences.compare("histograms", expected.histograms.size(), actual.histograms.size());
    for (std::size_t i = 0; i < expected.histograms.size() && i < actual.histograms.size(); ++i) {
        if (!(expected.histograms[i] == actual.histograms[i])) {
            differences.text += fmt::format("layer {}: psum histograms differ\n", i);
        }
    }
    return differences.text;
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "engine/engine_difference.h"

#include <fmt/format.h>

#include <map>
#include <numeric>
#include <span>
#include <tuple>

#include "engine/fast/fast_engine.h"
#include "engine/record_text.h"
#include "engine/systemc_engine.h"
#include "schedule/compile.h"
#include "schedule/utilisation.h"

namespace widthwise {
namespace {

struct Answer {
    RunRecord record;
    std::vector<std::vector<std::uint8_t>> outputs;
    std::map<std::tuple<int, int, int, int>, std::int64_t> values;  ///< by operator, image, channel, pixel
};

/// `of_values`: with those of every operator, and with histograms.
template <typename Engine>
Answer answer_of(Engine& engine, const std::vector<std::vector<std::uint8_t>>& images, bool of_values) {
    Answer answer;
    if (of_values) {
        engine.collect_histograms();
        engine.report_values([&](int op, int image, int channel, int pixel, std::int64_t value) {
            answer.values[{op, image, channel, pixel}] = value;
        });
    }
    answer.record = engine.run(
        0, static_cast<int>(images.size()), [&](int i) { return images[static_cast<std::size_t>(i)]; },
        [&](int, std::span<const std::uint8_t> output) { answer.outputs.emplace_back(output.begin(), output.end()); });
    return answer;
}

/// Empty when histograms hold every output, and the elements' busy cycles every multiplication.
std::string imbalance(const Network& network, const HardwareParams& hardware, const RunRecord& record) {
    std::string text;
    const auto busy = busy_cycles(compile(network, hardware, hardware.batch), record.images);
    for (std::size_t l = 0; l < record.layers.size(); ++l) {
        const LayerRecord& layer = record.layers[l];
        const std::uint64_t macs = layer.events[Event::mac_multiply] + layer.events[Event::mac_gated];
        const std::uint64_t cycles = std::accumulate(busy[l].begin(), busy[l].end(), std::uint64_t{0});
        if (cycles != macs) text += fmt::format("layer {}: {} busy cycles, {} multiplications\n", l, cycles, macs);
        std::uint64_t psums = 0;
        for (const PsumHistogram::Bucket& bucket : record.histograms.at(l).buckets()) psums += bucket.count;
        if (psums != layer.overflow.outputs) text += fmt::format("layer {}: {} psums in buckets\n", l, psums);
    }
    return text;
}

}  // namespace

std::string engine_difference(const Network& network, const HardwareParams& hardware,
                              const std::vector<std::vector<std::uint8_t>>& images) {
    SystemcEngine clocked(network, hardware);
    FastEngine fast(network, hardware, 2);
    // Where nobody wants to see what is between them, the fast engine takes stages together.
    const Answer stages_together = answer_of(fast, images, false);
    const Answer expected = answer_of(clocked, images, true);
    const Answer actual = answer_of(fast, images, true);
    std::string text = record_difference(expected.record, actual.record);
    text += imbalance(network, hardware, expected.record);
    if (expected.outputs != actual.outputs) text += "network outputs differ\n";
    if (expected.outputs != stages_together.outputs) text += "network outputs differ where no value is reported\n";
    const bool same_layers = expected.record.layers == stages_together.record.layers;
    if (!same_layers) text += "layers' records differ where no value is reported\n";
    if (expected.values != actual.values) text += "values of operators differ\n";
    return text;
}

}  // namespace widthwise

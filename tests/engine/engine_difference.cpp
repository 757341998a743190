// SPDX-License-Identifier: Apache-2.0
#include "engine/engine_difference.h"

#include <map>
#include <span>
#include <tuple>

#include "engine/fast/fast_engine.h"
#include "engine/record_text.h"
#include "engine/systemc_engine.h"

namespace widthwise {
namespace {

struct Answer {
    RunRecord record;
    std::vector<std::vector<std::uint8_t>> outputs;
    std::map<std::tuple<int, int, int, int>, int> values;  ///< by operator, image, channel, pixel
};

template <typename Engine>
Answer answer_of(Engine& engine, const std::vector<std::vector<std::uint8_t>>& images) {
    Answer answer;
    engine.report_values([&](int op, int image, int channel, int pixel, int value) {
        answer.values[{op, image, channel, pixel}] = value;
    });
    answer.record = engine.run(
        0, static_cast<int>(images.size()), [&](int i) { return images[static_cast<std::size_t>(i)]; },
        [&](int, std::span<const std::uint8_t> output) { answer.outputs.emplace_back(output.begin(), output.end()); });
    return answer;
}

}  // namespace

std::string engine_difference(const Network& network, const HardwareParams& hardware,
                              const std::vector<std::vector<std::uint8_t>>& images) {
    SystemcEngine clocked(network, hardware);
    FastEngine fast(network, hardware, 2);
    const Answer expected = answer_of(clocked, images);
    const Answer actual = answer_of(fast, images);
    std::string text = record_difference(expected.record, actual.record);
    if (expected.outputs != actual.outputs) text += "network outputs differ\n";
    if (expected.values != actual.values) text += "values of operators differ\n";
    return text;
}

}  // namespace widthwise

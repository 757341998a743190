// SPDX-License-Identifier: Apache-2.0
// The fast engine's layers, whatever the size of a block and whichever kernels compute it: one image at a time with the
// machine's best kernels is what the equality tests hold to the clocked model, and what the others are held to here.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "engine/fast/fast_layer.h"
#include "engine/fast/map_plan.h"
#include "engine/random_case.h"
#include "engine/record_text.h"
#include "schedule/compile.h"

namespace widthwise::fast {
namespace {

using Image = std::vector<std::uint8_t>;

struct Answer {
    RunRecord record;
    std::vector<Image> outputs;
};

class Layers {
public:
    Layers(const Network& network, const Schedule& schedule, const Kernels& kernels)
        : schedule_(schedule),
          is_signed_(network.tensors[static_cast<std::size_t>(network.input)].quantization.is_signed),
          plan_(schedule) {
        for (const LayerSchedule& layer : schedule.layers) layers_.emplace_back(layer, schedule.hardware, kernels);
    }

    Answer run(const std::vector<Image>& images, int block) const {
        Answer answer;
        answer.record.layers.resize(layers_.size());
        for (std::size_t first = 0; first < images.size(); first += static_cast<std::size_t>(block)) {
            const std::size_t end = std::min(images.size(), first + static_cast<std::size_t>(block));
            run_block({images.begin() + static_cast<std::ptrdiff_t>(first),
                       images.begin() + static_cast<std::ptrdiff_t>(end)},
                      answer);
        }
        return answer;
    }

private:
    void run_block(const std::vector<Image>& images, Answer& answer) const {
        std::vector<BlockMap> maps(plan_.places());
        const auto output_of = [&](int layer) -> BlockMap& { return maps[plan_.place(layer)]; };
        const auto count = static_cast<int>(images.size());
        output_of(-1).reshape(schedule_.layers.front().input, count, is_signed_);
        for (int i = 0; i < count; ++i) output_of(-1).put_image(i, images[static_cast<std::size_t>(i)]);
        Workspace workspace;
        for (const LayerSchedule& layer : schedule_.layers) {
            const BlockMap* operand = layer.adds_map() ? &output_of(layer.addition->layer) : nullptr;
            const auto l = static_cast<std::size_t>(layer.index);
            layers_[l].run(output_of(layer.input_layer), operand, output_of(layer.index), workspace,
                           answer.record.layers[l], {});
        }
        const BlockMap& last = output_of(static_cast<int>(layers_.size()) - 1);
        for (int i = 0; i < count; ++i) {
            Image& output = answer.outputs.emplace_back(last.image_bytes());
            last.take_image(i, output);
        }
    }

    const Schedule& schedule_;
    bool is_signed_;
    MapPlan plan_;
    std::vector<FastLayer> layers_;
};

/// So many images like the case's, each with changes.
std::vector<Image> images_like(const test::RandomCase& made, std::size_t count) {
    std::mt19937_64 generate(made.seed);
    const Quantization& q = made.network.tensors[static_cast<std::size_t>(made.network.input)].quantization;
    const auto range = static_cast<std::uint64_t>(q.high() - q.low() + 1);
    std::vector<Image> images = made.images;
    while (images.size() < count) {
        Image image = made.images[generate() % made.images.size()];
        for (std::uint8_t& value : image)
            if (generate() % 3 == 0) value = static_cast<std::uint8_t>(q.low() + static_cast<int>(generate() % range));
        images.push_back(std::move(image));
    }
    images.resize(count);
    return images;
}

class BlockSizes : public testing::TestWithParam<int> {};

TEST_P(BlockSizes, GiveWhatSingleImagesGive) {
    constexpr int kCases = 60;
    for (int n = 0; n < kCases; ++n) {
        const auto seed = static_cast<std::uint64_t>(GetParam() * kCases + n);
        const test::RandomCase made = test::make_random_case(seed);
        const Schedule schedule = compile(made.network, made.hardware, made.hardware.batch);
        // 16 and 32 fill vectors with images; the others have a last block of another size.
        const std::vector<Image> images = images_like(made, 35);
        const Layers best(made.network, schedule, best_kernels());
        const Layers portable(made.network, schedule, portable_kernels());
        const Answer expected = best.run(images, 1);
        for (const Layers* layers : {&best, &portable}) {
            for (const int block : {1, 5, 16, 32}) {
                const Answer actual = layers->run(images, block);
                ASSERT_EQ(actual.outputs, expected.outputs) << "seed " << seed << ", blocks of " << block;
                ASSERT_EQ(record_difference(expected.record, actual.record), "")
                    << "seed " << seed << ", blocks of " << block << (layers == &portable ? ", portable" : "");
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Shard, BlockSizes, testing::Range(0, 6));

TEST(MapPlan, GivesMapsThatLiveTogetherPlacesOfTheirOwn) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const test::RandomCase made = test::make_random_case(seed);
        const Schedule schedule = compile(made.network, made.hardware, 1);
        const std::vector<int> kept{0};
        const MapPlan plan(schedule, kept);
        const auto layers = static_cast<int>(schedule.layers.size());
        // What a place holds, and whether each reader finds what it wants.
        std::vector<int> holds(plan.places(), -2);
        holds[plan.place(-1)] = -1;
        for (const LayerSchedule& layer : schedule.layers) {
            EXPECT_EQ(holds[plan.place(layer.input_layer)], layer.input_layer) << "seed " << seed;
            EXPECT_NE(plan.place(layer.index), plan.place(layer.input_layer)) << "seed " << seed;
            if (layer.adds_map()) {
                EXPECT_EQ(holds[plan.place(layer.addition->layer)], layer.addition->layer) << "seed " << seed;
                EXPECT_NE(plan.place(layer.index), plan.place(layer.addition->layer)) << "seed " << seed;
            }
            holds[plan.place(layer.index)] = layer.index;
        }
        EXPECT_EQ(holds[plan.place(0)], 0) << "kept, seed " << seed;
        EXPECT_EQ(holds[plan.place(layers - 1)], layers - 1) << "seed " << seed;
    }
}

}  // namespace
}  // namespace widthwise::fast

// SPDX-License-Identifier: Apache-2.0
#include "explore/value_evaluation.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <numeric>

#include "common/parallel.h"
#include "explore/block_tree.h"
#include "schedule/schedule_model.h"

namespace widthwise {
namespace {

/// Narrow variants first: where they do not overflow they answer for the wide ones.
std::vector<std::size_t> narrow_first(const LayerVariants& variants, std::span<const ValuePath> paths) {
    std::vector<std::size_t> order(paths.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto bits = [&](std::size_t layer, int variant) {
        const int width = variants.key(layer, variant).bits;
        return width == 0 ? kMaxAccumulatorBits + 1 : width;
    };
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        for (std::size_t l = 0; l < paths[a].size(); ++l) {
            const int left = bits(l, paths[a][l]);
            const int right = bits(l, paths[b][l]);
            if (left != right) return left < right;
        }
        return false;
    });
    return order;
}

void add_up(ValueOutcome& total, const ValueOutcome& part) {
    total.images += part.images;
    total.labelled += part.labelled;
    total.correct += part.correct;
    if (total.output) {
        total.output->agreeing += part.output->agreeing;
        for (std::size_t s = 0; s < part.output->deviations.size(); ++s)
            total.output->deviations[s] += part.output->deviations[s];
    }
    for (std::size_t l = 0; l < part.layers.size(); ++l) total.layers[l] += part.layers[l];
}

/// Adds the images of a block, which differ where their bytes do.
void compare_outputs(const LayerVariants& variants, const fast::BlockMap& reference, const fast::BlockMap& values,
                     OutputComparison& found) {
    const OutputValues& output = variants.output();
    std::vector<std::uint8_t> expected(reference.image_bytes()), actual(values.image_bytes());
    for (int image = 0; image < values.images(); ++image) {
        reference.take_image(image, expected);
        values.take_image(image, actual);
        const std::vector<std::int64_t> wanted = output.numbers(expected);
        const std::vector<std::int64_t> numbers = output.numbers(actual);
        for (std::size_t i = 0; i < numbers.size(); ++i)
            found.deviations[output.scale_of(i)].add(wanted[i], numbers[i]);
        found.agreeing += expected == actual || variants.classify(expected) == variants.classify(actual) ? 1 : 0;
    }
}

}  // namespace

std::vector<ValueOutcome> evaluate(const LayerVariants& variants, const ImageBlocks& blocks,
                                   std::span<const ValuePath> paths, int threads,
                                   const std::function<void(std::size_t)>& report, const WrongSink& wrong,
                                   std::size_t most_bytes, std::span<const ValuePath> references) {
    const std::vector<std::size_t> order = narrow_first(variants, paths);
    ValueOutcome empty;
    empty.layers.resize(variants.layers());
    if (!references.empty()) {
        empty.output.emplace();
        empty.output->deviations.resize(variants.output().scales().size());
    }
    threads = std::clamp(threads, 1, variants.most_threads());
    std::vector<std::vector<ValueOutcome>> parts(static_cast<std::size_t>(threads));
    most_bytes /= parts.size();
    for (auto& part : parts) part.assign(paths.size(), empty);
    std::vector<fast::Workspace> workspaces(parts.size());
    const auto count = [&](std::size_t finished) {
        if (report) report(finished * paths.size());
    };
    parallel_for(blocks.size(), threads, count, [&](std::size_t b, int thread) {
        const std::shared_ptr<const ImageBlock> held = blocks.at(b);
        const ImageBlock& block = *held;
        const auto t = static_cast<std::size_t>(thread);
        BlockTree tree(variants, block, BlockTree::Records::kept);
        for (const std::size_t p : order) {
            if (tree.bytes() > most_bytes) tree.clear();  // what it knows is computed again
            ValueOutcome& outcome = parts[t][p];
            const BlockTree::Answer answer = tree.follow(paths[p], workspaces[t], outcome.layers);
            if (!references.empty()) {
                const BlockTree::Answer reference = tree.follow(references[p], workspaces[t], {});
                compare_outputs(variants, *reference.output, *answer.output, *outcome.output);
            }
            std::uint32_t missed = answer.wrong;
            outcome.images += static_cast<std::uint64_t>(block.count);
            outcome.labelled += static_cast<std::uint64_t>(std::popcount(block.labelled));
            outcome.correct += static_cast<std::uint64_t>(std::popcount(block.labelled & ~missed));
            for (; wrong && missed != 0; missed &= missed - 1) {
                wrong(block.images[static_cast<std::size_t>(std::countr_zero(missed))], p);
            }
        }
    });
    for (std::size_t t = 1; t < parts.size(); ++t) {
        for (std::size_t p = 0; p < paths.size(); ++p) add_up(parts[0][p], parts[t][p]);
    }
    return std::move(parts[0]);
}

RunRecord full_record(const ValueOutcome& values, const RunRecord& batch, const RunRecord& rest, int batch_images) {
    RunRecord record;
    record.layers = values.layers;
    add_modelled_batches(record, batch, rest, batch_images, values.images);
    return record;
}

}  // namespace widthwise

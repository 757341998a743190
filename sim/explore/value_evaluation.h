// SPDX-License-Identifier: Apache-2.0
// Values, overflow and accuracy of many variants of one network over all images, and the run's full record from them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "engine/fast/fast_engine.h"
#include "explore/image_blocks.h"
#include "explore/layer_variants.h"
#include "record/record.h"
#include "results/quality.h"
#include "schedule/schedule.h"

namespace widthwise {

/// How the outputs compare with those of the same arithmetic whose accumulators no sum leaves.
struct OutputComparison {
    std::uint64_t agreeing = 0;         ///< images of the same class
    std::vector<Deviation> deviations;  ///< of each scale of the output (OutputValues::scales())
    friend bool operator==(const OutputComparison&, const OutputComparison&) = default;
};

/// What depends on values: nothing else than the path and the images decides it.
struct ValueOutcome {
    std::uint64_t images = 0;
    std::uint64_t labelled = 0;
    std::uint64_t correct = 0;
    std::optional<OutputComparison> output;  ///< none: not compared
    std::vector<LayerRecord> layers;         ///< overflow, psums and gated multiplications; the rest is 0
    friend bool operator==(const ValueOutcome&, const ValueOutcome&) = default;
};

/// Called with an image and the path's number for each image that the path gets wrong; from several threads, but never
/// from two for the same image.
using WrongSink = std::function<void(int image, std::size_t path)>;

/// The outcome of each path; `references`: of each the path whose outputs its own are compared with, or empty. Block by
/// block, so that memory holds what `threads` blocks came to, not all of them; what they came to is forgotten, and computed
/// again, beyond `most_bytes` of all threads. `report` counts (path, block) pairs, as parallel_for's does.
std::vector<ValueOutcome> evaluate(const LayerVariants& variants, const ImageBlocks& blocks,
                                   std::span<const ValuePath> paths, int threads,
                                   const std::function<void(std::size_t)>& report, const WrongSink& wrong = {},
                                   std::size_t most_bytes = kMaxFastEngineBytes,
                                   std::span<const ValuePath> references = {});

/// The record that the fast engine gives, from values computed on any hardware with the same arithmetic.
/// `batch` is model_schedule(schedule), `rest` that of the same network compiled for the images left over after full
/// batches (anything when there are none).
RunRecord full_record(const ValueOutcome& values, const RunRecord& batch, const RunRecord& rest, int batch_images);

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// Runs images without a clock: vectorised arithmetic for the values, the schedule model for cycles, stalls and events.
// Every count and every value equals the clocked model's.
#pragma once

#include <memory>

#include "engine/images.h"
#include "record/record.h"
#include "schedule/schedule.h"

namespace widthwise {

/// What all threads hold together: the layers' weights, and each the feature maps of a block of images.
inline constexpr std::int64_t kMaxFastEngineBytes = std::int64_t{4} << 30;

/// As many of `threads` as there is memory for where each holds all maps of a block of the most images, one at least.
/// Throws InputError when one would need more.
int affordable_threads(const Schedule& schedule, int threads);

/// Takes what a layer has made of an image, as it is stored: channel after channel, row after row.
using MapSink = std::function<void(int layer, int image, std::span<const std::uint8_t> bytes)>;

class FastEngine {
public:
    /// `threads`: 1.. ; images are shared among them, or among fewer where memory is bounded by kMaxFastEngineBytes.
    /// `network` must outlive the engine. Throws InputError as compile(), and when one thread would need more for one
    /// image.
    FastEngine(const Network& network, const HardwareParams& hardware, int threads);
    /// `schedule`: of the network, for batches of hardware.batch.
    FastEngine(const Network& network, Schedule schedule, int threads);
    ~FastEngine();
    FastEngine(const FastEngine&) = delete;
    FastEngine& operator=(const FastEngine&) = delete;

    /// Reports every operator's values of everything that follows (single-threaded then).
    void report_values(ValueSink sink);
    /// Reports the feature maps of these layers (-1: the network's input) from everything that follows; called from
    /// several threads, with different images. No layers: none any more.
    void report_maps(std::vector<int> layers, MapSink sink);
    /// Every record that follows has histograms of the finished psums.
    void collect_histograms();

    /// Runs images [first, end) in batches of hardware.batch, as SystemcEngine::run() does; the set-up is counted in
    /// every call.
    RunRecord run(int first, int end, const ImageSource& source, const OutputSink& sink);

private:
    struct Implementation;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace widthwise

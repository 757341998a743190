// SPDX-License-Identifier: Apache-2.0
// What decides a layer's values, and the distinct layers that many hardware descriptions come down to.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/fast/fast_layer.h"
#include "results/classifier.h"
#include "schedule/schedule.h"

namespace widthwise {

/// Two layers of one network with equal keys turn equal inputs into equal outputs, overflow counts, psum statistics and
/// gated multiplications; of sums that leave, the values are equal, in whatever number of bytes. Array shape, interconnect, mapping, lanes, memories, batch, clock and energy are not in it.
struct ValueKey {
    std::string arithmetic;  ///< MD5 of all but the three below
    int bits = 0;            ///< of the accumulator; 0: no sum can overflow, and the two below say nothing
    Overflow overflow = Overflow::saturate;
    OverflowCheck check = OverflowCheck::per_add;
    [[nodiscard]] std::string text() const;
    friend bool operator==(const ValueKey&, const ValueKey&) = default;
};

/// The same schedule with accumulators that no sum leaves.
Schedule with_exact_sums(const Schedule& schedule);

ValueKey value_key(const LayerSchedule& layer, const HardwareParams& hardware);

/// Whether `other`, on an input on which `quiet` had no overflow event, has none either and so gives the same.
bool no_event_implies_none(const ValueKey& quiet, const ValueKey& other);

/// A variant of each layer, by number.
using ValuePath = std::vector<int>;

/// The distinct layers, as far as values go, of the schedules of one network, all with the same layers.
class LayerVariants {
public:
    /// The variants that this schedule's layers are. Throws InputError when feature maps or the weights of all variants
    /// would take more than kMaxFastEngineBytes.
    ValuePath add(const Schedule& schedule);

    [[nodiscard]] std::size_t layers() const { return layers_.size(); }
    [[nodiscard]] std::size_t count(std::size_t layer) const { return layers_[layer].size(); }
    [[nodiscard]] const ValueKey& key(std::size_t layer, int variant) const { return at(layer, variant).key; }
    [[nodiscard]] const fast::FastLayer& layer(std::size_t layer, int variant) const {
        return *at(layer, variant).fast;
    }
    [[nodiscard]] const LayerSchedule& schedule(std::size_t layer, int variant) const {
        return *at(layer, variant).schedule;
    }
    /// Class that the last layer's output bytes of an image say.
    [[nodiscard]] int classify(std::span<const std::uint8_t> output) const { return (*classifier_)(output); }
    [[nodiscard]] const OutputValues& output() const { return *output_; }
    [[nodiscard]] bool input_is_signed() const { return input_is_signed_; }
    /// There is memory for the feature maps of this many threads.
    [[nodiscard]] int most_threads() const { return threads_; }

private:
    struct Variant {
        ValueKey key;
        std::unique_ptr<LayerSchedule> schedule;  ///< `fast` refers to it
        std::unique_ptr<fast::FastLayer> fast;
    };
    [[nodiscard]] const Variant& at(std::size_t layer, int variant) const {
        return layers_[layer][static_cast<std::size_t>(variant)];
    }
    int add_layer(std::vector<Variant>& variants, const LayerSchedule& layer, const HardwareParams& hardware);

    std::vector<std::vector<Variant>> layers_;
    std::vector<int> operators_;     ///< Schedule::last_operators()
    std::int64_t weight_bytes_ = 0;  ///< of all variants
    int threads_ = 256;
    bool input_is_signed_ = false;
    std::optional<Classifier> classifier_;
    std::optional<OutputValues> output_;
};

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// What each width of each layer's accumulator costs, apart from the others.
#pragma once

#include <string>
#include <vector>

#include "energy/energy_table.h"
#include "explore/layer_variants.h"
#include "explore/value_evaluation.h"
#include "results/run_report.h"
#include "schedule/schedule.h"

namespace widthwise {

/// A width that a layer's accumulator may have.
struct WidthOption {
    int bits = 0;
    int variant = 0;      ///< its number in LayerVariants: what it computes
    Energy energy;        ///< of the layer over all images, and of the store of sums that leave; nothing gated
    Energy energy_gated;  ///< all of them gated; the same without zero gating. In between it is in between.
};

struct WidthLayer {
    std::string name;
    std::size_t index = 0;             ///< in the schedule
    std::vector<WidthOption> options;  ///< ascending bits
};

/// A network on an accelerator, with a choice of widths for each of its accumulators. Energies of layers add up: a
/// layer's counts and prices depend on its own width only, but for zero gating, whose counts depend on values. The store of
/// sums that leave belongs to the layer whose width decides their bytes.
class WidthCosts {
public:
    /// `hardware` with one width for all layers, each of from..to in turn, on `images` images. `network` and `table`
    /// must outlive the object. Throws InputError when the hardware cannot run the network or the table cannot price
    /// it.
    WidthCosts(const Network& network, const HardwareParams& hardware, const EnergyTable& table, int from, int to,
               int images);

    [[nodiscard]] const LayerVariants& variants() const { return variants_; }
    [[nodiscard]] const std::vector<WidthLayer>& layers() const { return layers_; }  ///< those with accumulators
    [[nodiscard]] bool gated() const { return gated_; }
    /// Energy of all that no width changes: transfers and layers without accumulators.
    [[nodiscard]] Energy fixed_energy() const { return fixed_; }
    /// The path of these options, one per layer.
    [[nodiscard]] ValuePath path(const std::vector<int>& choice) const;
    /// Of all images, with the gating that `values` counted; `values` may be empty without zero gating.
    [[nodiscard]] Energy energy(const std::vector<int>& choice, const std::vector<LayerRecord>& values) const;

private:
    void begin_layers(const std::vector<Phase>& phases, bool sums_leave);

    LayerVariants variants_;
    std::vector<WidthLayer> layers_;
    /// What an option's energy is made of.
    struct OptionCosts {
        EventCosts prices;
        EventCounts counts;  ///< over all images, nothing gated
        Energy store;        ///< of sums that leave; else among the fixed
    };
    std::vector<std::vector<OptionCosts>> costs_;  ///< by layer and option
    ValuePath fixed_path_;                         ///< of any width; for layers without accumulators
    Energy fixed_;
    bool gated_ = false;
};

}  // namespace widthwise

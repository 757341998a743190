// SPDX-License-Identifier: Apache-2.0
// The RequantUnit with driven links.
#pragma once

#include <algorithm>
#include <span>

#include "accelerator/kit/link_bench.h"
#include "accelerator/requant_unit/requant_rules.h"
#include "accelerator/requant_unit/requant_unit.h"

namespace widthwise::test {

class RequantUnitBench {
public:
    RequantUnitBench(int lanes, std::span<const LayerSchedule> layers, std::uint64_t seed)
        : bench(seed, layers.size()), unit("requant_unit", params(lanes), bench.layers, bench.record) {
        bench.layers.hold(layers);
        unit.clk(bench.clock);
        unit.reset(bench.reset);
        unit.sums(sums.link);
        unit.parameters(parameters.link);
        unit.outputs(outputs.link);
        unit.addends(addends.link);
    }
    static RequantParams params(int lanes) {
        RequantParams p;
        p.lanes = lanes;
        return p;
    }
    /// Of a layer that is one channel tile, in the order of the layers' beats. As in the accelerator, sums come later.
    void send_parameters(const LayerSchedule& layer, int channels) {
        Parameters of_tile;
        of_tile.layer = layer.index;
        of_tile.channels.count = channels;
        for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c) {
            ChannelParameters& channel = of_tile.channels[static_cast<int>(c)];
            if (layer.computation && !layer.computation->bias.empty())
                channel.bias = static_cast<std::int32_t>(layer.computation->bias[c]);
            if (layer.requantization) channel.scale = layer.requantization->scales[c];
            if (layer.adds_constant()) channel.constant = layer.addition->constants[c];
        }
        parameters.source.payloads.push_back(of_tile);
        sums.source.allow = [this](std::size_t i) {
            const std::int32_t wanted = sums.source.payloads[i].position.layer;
            if (!bench.layers[wanted].requantizes_by_channel()) return true;
            const auto& taken = parameters.monitor.data;
            return std::any_of(taken.begin(), taken.end(), [&](const Parameters& p) { return p.layer == wanted; });
        };
    }
    [[nodiscard]] bool done() const { return outputs.monitor.count() >= sums.source.payloads.size(); }

    Bench bench;
    DrivenLink<PsumBeat> sums{"pe_array2requant_unit", bench};
    DrivenLink<Parameters> parameters{"weight_buffer2requant_unit", bench};
    DrainedLink<OutputBeat> outputs{"requant_unit2pool_unit", bench};
    DrainedLink<OutputBeat> addends{"requant_unit2residual_unit", bench};
    RequantUnit unit;
    RequantRules rules{bench, {sums.monitor, outputs.monitor, addends.monitor}};
};

}  // namespace widthwise::test

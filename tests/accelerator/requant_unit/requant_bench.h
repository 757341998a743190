// SPDX-License-Identifier: Apache-2.0
// The RequantUnit with driven links.
#pragma once

#include "accelerator/kit/link_bench.h"
#include "accelerator/requant_unit/requant_rules.h"
#include "accelerator/requant_unit/requant_unit.h"

namespace widthwise::test {

class RequantUnitBench {
public:
    RequantUnitBench(int lanes, std::size_t layers, std::uint64_t seed)
        : bench(seed, layers), unit("requant_unit", params(lanes), bench.record) {
        unit.clk(bench.clock);
        unit.reset(bench.reset);
        unit.sums(sums.link);
        unit.outputs(outputs.link);
        unit.addends(addends.link);
    }
    static RequantParams params(int lanes) {
        RequantParams p;
        p.lanes = lanes;
        return p;
    }
    [[nodiscard]] bool done() const { return outputs.monitor.count() >= sums.source.payloads.size(); }

    Bench bench;
    DrivenLink<PsumBeat> sums{"pe_array2requant_unit", bench};
    DrainedLink<OutputBeat> outputs{"requant_unit2pool_unit", bench};
    DrainedLink<OutputBeat> addends{"requant_unit2residual_unit", bench};
    RequantUnit unit;
    RequantRules rules{bench, {sums.monitor, outputs.monitor, addends.monitor}};
};

}  // namespace widthwise::test

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "results/run_report.h"

namespace widthwise::test {

/// Of images 10 to 13, with a version and digests that nothing else has. What it refers to must outlive it.
inline RunSetup made_up_setup(const RunConfig& config, const Network& network, const Schedule& schedule,
                              const EnergyTable& table) {
    RunSetup setup;
    setup.version = "1.2.3";
    setup.config = config;
    setup.network = &network;
    setup.schedule = &schedule;
    setup.table = &table;
    setup.images = {"images.gz", "11"};
    setup.labels = {"labels.gz", "22"};
    setup.first = 10;
    setup.end = 14;
    return setup;
}

}  // namespace widthwise::test

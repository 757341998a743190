// SPDX-License-Identifier: Apache-2.0
// A run on the screen.
#pragma once

#include <string>

#include "results/run_report.h"

namespace widthwise {

/// What ran, tables per layer (cycles, accumulators, energy) and totals per inference; lines of 100 columns at most.
std::string run_text(const RunReport& report);

/// A unit in which `largest` (in the table's unit) has few digits, and what to divide by.
struct EnergyScale {
    std::string unit;
    double divisor = 1;
};
EnergyScale energy_scale(const std::string& table_unit, double largest);

/// "8x8 PEs (64), broadcast, row mapping, 500 MHz, batch 1".
std::string accelerator_text(const HardwareParams& hardware);

/// "0:100 (100 images)".
std::string range_text(int first, int end);

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// A run's result files as text. The same run gives the same bytes: nothing here knows the time.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "results/run_report.h"
#include "results/staged_output.h"

namespace widthwise {

nlohmann::ordered_json summary_json(const RunReport& report);
/// One layer or phase.
nlohmann::ordered_json phase_json(const RunReport& report, const Phase& phase);
/// Tool, command, network, data, table and images: what the results belong to.
nlohmann::ordered_json provenance_json(const RunSetup& run);
/// Nearest doubles of the exact energies, or quotients without noise.
nlohmann::ordered_json energy_json(const ComponentEnergies& energy, double divisor = 1);

/// Text with a final newline; bytes that are not UTF-8 (an ONNX name may hold any) are replaced.
std::string json_text(const nlohmann::ordered_json& json);

/// Set-up, load, layers, store. Energies are exact: those of a row are the sums of its events in events.csv, and rows add
/// up to `total` and `setup` in summary.json, whose numbers are the nearest doubles.
std::string layers_csv(const RunReport& report);
std::string events_csv(const RunReport& report);
std::string predictions_csv(const RunReport& report);
/// Finished psums of each layer by value, in the buckets of a PsumHistogram that hold any. Only the header unless the
/// run collected histograms.
std::string psums_csv(const RunReport& report);
/// A row per layer and row of the array: the cycles in which each of its elements multiplied, over all images.
std::string utilisation_csv(const RunReport& report);

/// summary.json, layers.csv, events.csv, predictions.csv, utilisation.csv, config.yaml and, if the run collected
/// histograms, psums.csv.
void write_run(ResultFolder& folder, const RunReport& report);

}  // namespace widthwise

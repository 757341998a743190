// SPDX-License-Identifier: Apache-2.0
// Options that `run` and `compare` share, and what they mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.h"
#include "engine/part/part_run.h"
#include "schedule/schedule.h"
#include "trace/wave_limits.h"

namespace widthwise {

OptionSpec images_option();
OptionSpec engine_option();
OptionSpec energy_option();
OptionSpec jobs_option();
OptionSpec out_option();
OptionSpec force_option();
std::vector<OptionSpec> waveform_options();
/// --clock, --clock-strips.
std::vector<OptionSpec> part_options();

/// Images that a run takes when none are named: what the clocked engine, and the fast one, do in about a second.
inline constexpr int kDefaultImagesClocked = 100, kDefaultImagesFast = 10000;

/// How images are run: the clocked model, the schedule model with vectorised arithmetic, or both, which must agree.
enum class EngineChoice : std::uint8_t { systemc, fast, both };

/// The value of --engine, or `fallback`. Throws InputError for engines that do not exist.
EngineChoice chosen_engine(const ParsedOptions& options, EngineChoice fallback = EngineChoice::systemc);
std::string engine_name(EngineChoice engine);

/// "--name value" (with a blank before) for each of `names` that was given: what repeats a run.
std::string repeated_options(const ParsedOptions& options, const std::vector<std::string>& names);

/// Cycles recorded unless --wave-cycles or --wave-image says otherwise.
inline constexpr std::uint64_t kDefaultWaveCycles = 20000;

/// --vcd, --fst, --timeline or --link-trace is given.
bool records_waveform(const ParsedOptions& options);
/// Refuses --wave-... without a waveform and several jobs with one.
void check_waveform_options(const ParsedOptions& options);
/// What --clock asks for; none without it. `images`: those that are run.
std::optional<PartRequest> chosen_part(const ParsedOptions& options, const Schedule& schedule,
                                       const HalfOpenRange& images);
/// `images`: those that are run.
WaveLimits wave_limits(const ParsedOptions& options, const Schedule& schedule, const HalfOpenRange& images);

}  // namespace widthwise

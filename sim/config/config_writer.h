// SPDX-License-Identifier: Apache-2.0
// An accelerator file as it is written beside results.
#pragma once

#include <span>
#include <string>

#include "config/run_config.h"

namespace widthwise {

/// The resolved configuration as YAML that load_run_config() reads back to the same RunConfig (but for `path`) once it
/// is stored in `folder`: absolute paths stay, the others are written relative to `folder`. The keys in `left_out` are
/// not written, and read back as their defaults.
std::string to_yaml(const RunConfig& config, const std::string& folder = ".", std::span<const UnusedKey> left_out = {});

}  // namespace widthwise

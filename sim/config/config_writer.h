// SPDX-License-Identifier: Apache-2.0
// An accelerator file as it is written beside results.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/run_config.h"

namespace widthwise {

/// One key's value.
struct KeyText {
    std::string key;    ///< dotted
    std::string shown;  ///< as results show it
    std::string yaml;   ///< as a file spells it
};

/// All keys that have a value but those in `left_out`, in the order of the file. Relative paths are written relative to
/// `folder`.
std::vector<KeyText> key_texts(const RunConfig& config, const std::string& folder = ".",
                               std::span<const UnusedKey> left_out = {});

/// The resolved configuration as YAML that load_run_config() reads back to the same RunConfig (but for `path`) once it
/// is stored in `folder`: absolute paths stay, the others are written relative to `folder`. The keys in `left_out` are
/// not written, and read back as their defaults.
std::string to_yaml(const RunConfig& config, const std::string& folder = ".", std::span<const UnusedKey> left_out = {});

}  // namespace widthwise

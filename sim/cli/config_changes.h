// SPDX-License-Identifier: Apache-2.0
// What a command line changes of an accelerator file: --set, --accumulator and --energy.
#pragma once

#include <string>
#include <vector>

#include "cli/options.h"
#include "config/key_settings.h"
#include "config/run_config.h"

namespace widthwise {

struct ConfigChanges {
    std::vector<KeySetting> settings;
    std::string accumulator;  ///< "": none
    std::string energy;       ///< likewise
};

/// To be repeated: KEY=VALUE.
OptionSpec set_option();

/// Of these options, as far as they are given. Throws InputError for keys and values of --set that do not exist, and for
/// keys that another option gives as well. `widths`: the option that replaces all widths of the file, even when it is not
/// given; "" for none.
ConfigChanges chosen_changes(const ParsedOptions& options, const std::string& widths = "");

/// The file as if it said all this. Paths count from the working directory. Throws InputError.
ConfigFile changed(ConfigFile file, const ConfigChanges& changes);

/// What messages about the energy table's name begin with: the place that gave it.
std::string energy_table_place(const RunConfig& config, const ConfigChanges& changes);

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// One YAML accelerator file, read and checked.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/hardware.h"

namespace widthwise {

class YamlValue;

/// One YAML accelerator file, resolved: paths are as written, relative ones resolved against the file's folder.
struct RunConfig {
    std::string path;  ///< the YAML file
    std::string network;
    std::string network_output;  ///< of several outputs the one that labels belong to; may be empty where there is one
    std::string images;          ///< may be empty: shapes only
    std::string labels;          ///< may be empty: no accuracy then
    Preprocessing preprocessing;
    HardwareParams hardware;
    /// A shipped table's name, or the path of a table file (it ends in .yaml or .yml).
    std::string energy_table = "horowitz-45nm";
    friend bool operator==(const RunConfig&, const RunConfig&) = default;
};

/// Reads and strictly validates a YAML accelerator file.
RunConfig load_run_config(const std::string& path);

/// An accelerator file, and which keys it gives.
struct ConfigFile {
    RunConfig config;
    std::vector<std::string> keys;  ///< dotted, in the order of configs/README.md
};
ConfigFile load_config_file(const std::string& path);
/// The same of a file that has been parsed; paths in it count from the folder of `path`.
ConfigFile parse_config(const YamlValue& root, const std::string& path);

/// Throws InputError, naming the file, where the configuration names no images.
void require_images(const RunConfig& config);

/// Whether a table or another text is the path of a YAML file: it ends in .yaml or .yml.
bool is_yaml_path(std::string_view text);
/// Relative paths count from a folder, that of the YAML file that has them, so that it works from anywhere.
std::string path_in(const std::filesystem::path& folder, const std::string& path);

/// Applies a command-line accumulator specification. "18": every layer, whatever the file said of single layers;
/// "c1=18,c3=16": these layers, the others keep their width; "18,c3=16": every layer, then the exceptions.
/// Blanks around widths and names do not count; a name with a comma or '=' stands in double quotes: '"a,b"=16'.
/// Names are matched case-insensitively and stored in lower case. Throws InputError naming what was given.
void apply_accumulator_option(AccumulatorParams& params, const std::string& option);

/// Widths of single layers as apply_accumulator_option() reads them: "c1=18,c3=16".
std::string layer_widths_text(const std::map<std::string, int>& widths);

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// Every operator's integer output over a range of images, one .npy file per operator.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "network/network.h"
#include "results/npy.h"
#include "results/staged_output.h"

namespace widthwise {

/// A folder with one file NAME.npy per operator, shape (images, channels, height, width), int8 or uint8 as the tensor
/// is, int64 for sums that leave whatever the accumulator's width, and layers.json that lists them with scales and zero points. Several processes may fill it, each its own images.
class LayerDump {
public:
    /// For images [first, end).
    LayerDump(const std::string& path, bool replace, const Network& network, int first, int end);

    /// One value as an engine's report_values hands it out. Any number of images may be under way.
    void set(int op, int image, int channel, int pixel, std::int64_t value);
    /// Writes an image whose values have all been set. Throws SimulationError when some are missing.
    void finish_image(int image);
    void commit() { output_.commit(); }

private:
    struct OperatorDump {
        std::string name;
        std::int64_t pixels = 0;
        std::int64_t elements = 0;  ///< of one image
        int element_bytes = 1;
        NpyFile file;
    };
    /// One operator's values of one image.
    struct Values {
        std::vector<std::uint8_t> bytes;
        std::int64_t count = 0;  ///< of those set
    };

    StagedOutput output_;
    int first_;
    std::vector<OperatorDump> operators_;
    std::map<int, std::vector<Values>> under_way_;  ///< by image and operator
};

/// File names (without .npy) for the network's operators: their names, unusual characters replaced, of some
/// 100 bytes at most, unique whether case counts or not.
std::vector<std::string> dump_names(const Network& network);

}  // namespace widthwise

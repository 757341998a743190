// SPDX-License-Identifier: Apache-2.0
// Images and labels in IDX (MNIST, Fashion-MNIST) or .npy, plain or .gz. Few images are held in memory, many are read
// when they are asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/md5.h"
#include "config/hardware.h"
#include "data/array_file.h"
#include "data/input_conversion.h"
#include "data/labels.h"
#include "network/network.h"

namespace widthwise {

/// The most values of one image. It is in memory while it is converted.
inline constexpr std::int64_t kMaxImageValues = std::int64_t{1} << 26;

/// Files of images with no more bytes than these are held in memory.
inline constexpr std::int64_t kMostHeldImageBytes = std::int64_t{64} << 20;

/// A file that was read from its first byte to its last.
struct DataFile {
    std::string path;
    std::string digest;  ///< MD5 of the unpacked file, hexadecimal
};

class Dataset;

/// Images and labels of which the headers have been read and belong together.
class DatasetFiles {
public:
    /// `labels` may be empty. Throws InputError when a file cannot be used, when the two do not belong together
    /// (different counts), or are not images (rank 2 to 4, bytes or real numbers) and labels.
    DatasetFiles(const std::string& images, const std::string& labels);

    [[nodiscard]] int size() const { return images_.header().dimensions[0]; }
    [[nodiscard]] const ImageFormat& format() const { return format_; }
    /// Throws InputError when the images cannot become the network's input, as InputConversion does.
    void check_fit(const Preprocessing& preprocessing, const NetworkInput& input) const;
    /// Reads both files from front to back, `most_held` bytes of images and all labels to stay in memory. Throws
    /// InputError when a file is damaged, cut short or too long, and for real numbers that are not finite, naming image
    /// and position: so all that can be wrong with them is found before work starts.
    [[nodiscard]] Dataset read(std::int64_t most_held = kMostHeldImageBytes) &&;

private:
    ArrayFile images_;
    std::optional<LabelFile> labels_;
    ImageFormat format_;
};

/// Images N x features, N x H x W, N x C x H x W or N x H x W x C, with their labels. All functions may be called from
/// several threads.
class Dataset {
public:
    /// Headers and values at once, for images that are known to be of use.
    static Dataset load(const std::string& images, const std::string& labels);

    [[nodiscard]] int size() const { return images_ ? images_->header().dimensions[0] : 0; }
    [[nodiscard]] bool has_labels() const { return !labels_.values.empty(); }
    [[nodiscard]] int label(int index) const;
    [[nodiscard]] const DataFile& images() const { return image_file_; }
    [[nodiscard]] const Labels& labels() const { return labels_; }
    [[nodiscard]] const ImageFormat& format() const { return format_; }
    /// Whether the images are held in memory.
    [[nodiscard]] bool is_held() const { return !held_.empty(); }

    /// The quantized network input of one image, CHW bytes; `conversion` was made for this dataset's format(). Throws
    /// InputError when there is no such image, or its file cannot be read any more.
    [[nodiscard]] std::vector<std::uint8_t> quantized(int index, const InputConversion& conversion) const;
    /// The same for one image alone.
    [[nodiscard]] std::vector<std::uint8_t> quantized(int index, const Preprocessing& preprocessing,
                                                      const NetworkInput& input) const;

private:
    friend class DatasetFiles;
    std::optional<ArrayFile> images_;
    std::vector<std::uint8_t> held_;  ///< all values as they lie in the file, or nothing
    DataFile image_file_;
    ImageFormat format_;
    Labels labels_;
};

}  // namespace widthwise

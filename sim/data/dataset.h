// SPDX-License-Identifier: Apache-2.0
// Images and labels in IDX format (MNIST, Fashion-MNIST), plain or .gz, and their preprocessing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/hardware.h"
#include "network/network.h"

namespace widthwise {

/// An IDX file of bytes in memory.
struct IdxTensor {
    bool is_signed = false;
    std::vector<int> dimensions;       ///< rank 1..4
    std::vector<std::uint8_t> values;  ///< row-major
    std::string digest;                ///< MD5 of the decompressed file, hexadecimal
    std::string path;                  ///< the file it was read from
};

/// Reads IDX with type byte 0x08 (unsigned) or 0x09 (signed), rank 1..4. Throws InputError naming the file and what is
/// wrong with it: unreadable, empty, truncated, trailing bytes, wrong magic, absurd dimensions (refused before memory
/// is allocated for them).
IdxTensor read_idx(const std::string& path);

/// MD5 of a file as it lies on disk, hexadecimal (RFC 1321; to name files, not for security).
std::string md5_of_file(const std::string& path);
std::string md5_of_bytes(const void* data, std::size_t size);

/// Images of one channel (rank 3: N x H x W) or more (rank 4: N x C x H x W) with their labels.
class Dataset {
public:
    /// `labels` may be empty. Throws InputError when the two files do not belong together (different counts) or are
    /// not images (rank 3 or 4) and labels (rank 1, unsigned).
    static Dataset load(const std::string& images, const std::string& labels);

    [[nodiscard]] int size() const;
    [[nodiscard]] bool has_labels() const { return !labels_.values.empty(); }
    [[nodiscard]] int label(int index) const;
    [[nodiscard]] const IdxTensor& images() const { return images_; }
    [[nodiscard]] const IdxTensor& labels() const { return labels_; }

    /// The quantized network input of one image, CHW bytes: pixel -> fit -> scale, mean, deviation (float32) ->
    /// q = clamp(round half even(real / input scale) + zero point), as ONNX QuantizeLinear. Throws InputError when the
    /// image cannot fit the input (channels differ, image larger than the input with `pad`, sizes differ with `none`).
    /// pad: zero pixels around the image; an odd row or column goes below or to the right. resize: bilinear, pixel
    /// centres at half coordinates, edges repeated, not rounded to whole pixels. An input that is a vector takes an
    /// image with as many values in CHW order, unless `resize` is asked for.
    [[nodiscard]] std::vector<std::uint8_t> quantized(int index, const Preprocessing& preprocessing,
                                                      const Tensor& input) const;

private:
    IdxTensor images_;
    IdxTensor labels_;
};

}  // namespace widthwise

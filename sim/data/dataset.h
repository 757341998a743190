// SPDX-License-Identifier: Apache-2.0
// Images and labels in IDX format (MNIST, Fashion-MNIST), plain or .gz, and their preprocessing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
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

/// The most values that an IDX file may hold, unpacked.
inline constexpr std::int64_t kMaxIdxValues = std::int64_t{1} << 30;

/// An IDX file of which the header has been read: what the file says of itself is known, and can be refused, before
/// any value is unpacked.
class IdxFile {
public:
    /// Reads the header: type byte 0x08 (unsigned) or 0x09 (signed), rank 1..4. Throws InputError naming the file and
    /// what is wrong with it: unreadable, no regular file, empty, wrong magic, absurd dimensions, or more values than
    /// the file can hold even when packed as tightly as gzip can.
    explicit IdxFile(const std::string& path);
    ~IdxFile();
    IdxFile(IdxFile&&) noexcept;
    IdxFile& operator=(IdxFile&&) noexcept;

    /// Without values and digest.
    [[nodiscard]] const IdxTensor& header() const { return tensor_; }
    /// The whole tensor; ends the use of the file. Throws InputError when it is truncated, or bytes follow.
    [[nodiscard]] IdxTensor read() &&;

private:
    class Source;
    int read_magic();
    std::int64_t read_dimensions(int rank);
    void read_values(std::size_t expected);

    std::unique_ptr<Source> source_;
    IdxTensor tensor_;
};

/// Reads header and values.
IdxTensor read_idx(const std::string& path);

/// MD5 of a file as it lies on disk, hexadecimal (RFC 1321; to name files, not for security).
std::string md5_of_file(const std::string& path);
std::string md5_of_bytes(const void* data, std::size_t size);

class Dataset;

/// Images and labels of which the headers have been read and belong together.
class DatasetFiles {
public:
    /// `labels` may be empty. Throws InputError when the two files do not belong together (different counts) or are
    /// not images (rank 3 or 4) and labels (rank 1, unsigned).
    DatasetFiles(const std::string& images, const std::string& labels);

    [[nodiscard]] int size() const { return images_.header().dimensions[0]; }
    /// Throws InputError when the images cannot become the network's input, as Dataset::quantized() does.
    void check_fit(const Preprocessing& preprocessing, const Tensor& input) const;
    /// Reads the values.
    [[nodiscard]] Dataset read() &&;

private:
    IdxFile images_;
    std::optional<IdxFile> labels_;
};

/// Images of one channel (rank 3: N x H x W) or more (rank 4: N x C x H x W) with their labels.
class Dataset {
public:
    /// Headers and values at once, for images that are known to be of use.
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
    friend class DatasetFiles;
    IdxTensor images_;
    IdxTensor labels_;
};

}  // namespace widthwise

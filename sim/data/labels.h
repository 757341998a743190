// SPDX-License-Identifier: Apache-2.0
// The classes of images: IDX or .npy of integers, or text with one integer a line; plain or gzip.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/array_file.h"

namespace widthwise {

/// Classes are 0..65535.
inline constexpr std::int64_t kLargestLabel = 65535;
/// The most labels that are read; they are held in memory.
inline constexpr std::int64_t kMaxLabels = std::int64_t{1} << 27;

struct Labels {
    std::vector<std::uint16_t> values;
    std::string digest;  ///< MD5 of the unpacked file, hexadecimal
    std::string path;
};

/// A file of labels, of which the header has been read where it has one.
class LabelFile {
public:
    /// `count`: how many images there are in the file `images`. Throws InputError when a header says that there are not
    /// as many labels, or that they are no integers of rank 1 (or N x 1).
    LabelFile(const std::string& path, std::int64_t count, const std::string& images);

    /// Throws InputError for another number of labels, and naming the first that is no integer in 0..65535: by its
    /// line, or by the image's number.
    [[nodiscard]] Labels read() const;

private:
    [[nodiscard]] Labels read_text() const;
    [[nodiscard]] Labels read_array() const;
    [[noreturn]] void fail_count(std::int64_t found) const;

    UnpackedFile file_;
    std::optional<ArrayFile> array_;  ///< none: text
    std::int64_t count_;
    std::string images_;
};

}  // namespace widthwise

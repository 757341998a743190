// SPDX-License-Identifier: Apache-2.0
// NumPy's .npy format, version 1.0, for arrays of bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace widthwise {

/// Magic, version and dictionary, padded to a multiple of 64 bytes.
std::string npy_header(bool is_signed, const std::vector<std::int64_t>& shape);

/// A .npy file of int8 or uint8 that is filled piece by piece, by several processes if need be (each byte by one): the
/// file has its full size from the start and pieces go to their place. Throws SimulationError when the disk refuses.
class NpyFile {
public:
    NpyFile(const std::string& path, bool is_signed, const std::vector<std::int64_t>& shape);
    ~NpyFile();
    NpyFile(NpyFile&& other) noexcept;
    NpyFile(const NpyFile&) = delete;
    NpyFile& operator=(const NpyFile&) = delete;
    NpyFile& operator=(NpyFile&&) = delete;

    /// `offset` counts elements from the array's first one.
    void write(std::int64_t offset, std::span<const std::uint8_t> values) const;

private:
    std::string path_;
    int file_ = -1;
    std::int64_t data_offset_ = 0;
};

}  // namespace widthwise

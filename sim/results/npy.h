// SPDX-License-Identifier: Apache-2.0
// NumPy's .npy format, version 1.0, for arrays of integers.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace widthwise {

/// Type of the elements, little-endian.
enum class NpyType : std::uint8_t { int8, uint8, int64 };
std::string_view npy_type_name(NpyType type);  ///< as NumPy names it in full
int npy_bytes(NpyType type);

/// Magic, version and dictionary, padded to a multiple of 64 bytes.
std::string npy_header(NpyType type, const std::vector<std::int64_t>& shape);

/// A .npy file that is filled piece by piece, by several processes if need be (each byte by one): the
/// file has its full size from the start and pieces go to their place. Throws SimulationError when the disk refuses.
class NpyFile {
public:
    NpyFile(const std::string& path, NpyType type, const std::vector<std::int64_t>& shape);
    ~NpyFile();
    NpyFile(NpyFile&& other) noexcept;
    NpyFile(const NpyFile&) = delete;
    NpyFile& operator=(const NpyFile&) = delete;
    NpyFile& operator=(NpyFile&&) = delete;

    /// `offset` counts elements from the array's first one; `bytes` are those of whole elements.
    void write(std::int64_t offset, std::span<const std::uint8_t> bytes) const;

private:
    std::string path_;
    int file_ = -1;
    std::int64_t data_offset_ = 0;
    int element_bytes_ = 1;
};

}  // namespace widthwise

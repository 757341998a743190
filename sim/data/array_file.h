// SPDX-License-Identifier: Apache-2.0
// A file of numbers (IDX or .npy, plain or gzip), of which memory holds no more than is asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/array_header.h"

namespace widthwise {

class ArrayFile {
public:
    /// Reads the header, so that what the file says of itself can be refused before a value is unpacked. Throws
    /// InputError naming the file and what is wrong with it: as read_array_header(), or more or fewer values than the
    /// file holds (of a packed file: than can be in it).
    explicit ArrayFile(const std::string& path);

    [[nodiscard]] const std::string& path() const { return file_.path(); }
    [[nodiscard]] const ArrayHeader& header() const { return header_; }
    /// Whether the file begins as gzip does.
    [[nodiscard]] bool is_packed() const { return file_.is_packed(); }
    /// Bytes of all values.
    [[nodiscard]] std::int64_t bytes() const { return header_.values() * header_.element.bytes; }

    /// Takes whole values, as they lie in the file, of which `first` is the first.
    using Taker = std::function<void(std::int64_t first, std::span<const std::uint8_t> bytes)>;
    /// Reads the file from front to back and returns the MD5 of all of it, unpacked, hexadecimal. Throws InputError
    /// when it is damaged, cut short, or goes on behind the values.
    std::string scan(const Taker& take) const;

    /// Values from `first` on, as many as fill `bytes`. From any thread. Throws InputError when they cannot be read.
    void read(std::int64_t first, std::span<std::uint8_t> bytes) const;

    [[noreturn]] void fail(const std::string& problem) const { file_.fail(problem); }

private:
    void check_size() const;
    [[noreturn]] void fail_short(std::int64_t bytes) const;
    [[noreturn]] void fail_long() const;

    UnpackedFile file_;
    ArrayHeader header_;
};

/// A file of bytes in memory.
struct IdxTensor {
    bool is_signed = false;
    std::vector<int> dimensions;       ///< rank 1..4
    std::vector<std::uint8_t> values;  ///< row-major
    std::string digest;                ///< MD5 of the unpacked file, hexadecimal
    std::string path;                  ///< the file it was read from
};

/// The most that read_idx() puts into memory.
inline constexpr std::int64_t kMaxIdxValues = std::int64_t{1} << 30;

/// The whole of a file of signed or unsigned bytes. Throws InputError as ArrayFile, and for other types.
IdxTensor read_idx(const std::string& path);

}  // namespace widthwise

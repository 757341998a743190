// SPDX-License-Identifier: Apache-2.0
// Bytes of IDX and .npy files, and gzip streams.
#pragma once

#include <zlib.h>

#include <bit>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace widthwise::test {

/// Header and values of an IDX file.
inline std::string idx(int type, const std::vector<std::uint32_t>& dimensions, const std::vector<int>& values) {
    std::string bytes{'\0', '\0', static_cast<char>(type), static_cast<char>(dimensions.size())};
    for (const std::uint32_t extent : dimensions) {
        for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<char>(extent >> shift & 0xff));
    }
    for (const int value : values) bytes.push_back(static_cast<char>(value));
    return bytes;
}

/// The same of float32.
inline std::string float_idx(const std::vector<std::uint32_t>& dimensions, const std::vector<float>& values) {
    std::string bytes = idx(0x0d, dimensions, {});
    for (const float value : values) {
        const auto bits = std::bit_cast<std::uint32_t>(value);
        for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<char>(bits >> shift & 0xff));
    }
    return bytes;
}

/// Magic, version, length and dictionary of a .npy file.
inline std::string npy_start(const std::string& dictionary, int major = 1, int minor = 0) {
    std::string bytes = "\x93NUMPY";
    bytes += static_cast<char>(major);
    bytes += static_cast<char>(minor);
    for (int i = 0; i < (major == 1 ? 2 : 4); ++i) bytes += static_cast<char>(dictionary.size() >> (8 * i) & 0xff);
    return bytes + dictionary;
}

/// `shape` as Python writes it: "2, 3" or "2,".
inline std::string npy(const std::string& type, const std::string& shape, const std::string& values, int major = 1) {
    return npy_start("{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + shape + "), }   \n", major) +
           values;
}

/// Little-endian, as values of a .npy file.
template <typename Value>
std::string bytes_of(const std::vector<Value>& values) {
    static_assert(std::endian::native == std::endian::little);
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Value)};
}

inline std::string gzipped(const std::string& bytes, int level = 9) {
    z_stream stream{};
    if (deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        throw std::runtime_error("zlib");
    std::string result(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
    std::string source = bytes;
    stream.next_in = reinterpret_cast<Bytef*>(source.data());
    stream.avail_in = static_cast<uInt>(source.size());
    stream.next_out = reinterpret_cast<Bytef*>(result.data());
    stream.avail_out = static_cast<uInt>(result.size());
    deflate(&stream, Z_FINISH);
    result.resize(stream.total_out);
    deflateEnd(&stream);
    return result;
}

}  // namespace widthwise::test

// SPDX-License-Identifier: Apache-2.0
// IDX bytes and gzip streams.
#pragma once

#include <zlib.h>

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

inline std::string gzipped(const std::string& bytes) {
    z_stream stream{};
    if (deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::runtime_error("zlib");
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

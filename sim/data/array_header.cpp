// SPDX-License-Identifier: Apache-2.0
#include "data/array_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <span>

#include "data/npy_header.h"

namespace widthwise {
namespace {

constexpr int kMaxRank = 4;

struct IdxType {
    std::uint8_t code;
    ElementType element;
};
constexpr std::array<IdxType, 6> kIdxTypes{{{0x08, {ElementKind::unsigned_integer, 1, true}},
                                            {0x09, {ElementKind::signed_integer, 1, true}},
                                            {0x0b, {ElementKind::signed_integer, 2, true}},
                                            {0x0c, {ElementKind::signed_integer, 4, true}},
                                            {0x0d, {ElementKind::real, 4, true}},
                                            {0x0e, {ElementKind::real, 8, true}}}};

/// Type and rank.
int read_idx_magic(const UnpackedFile& file, ArrayHeader& header) {
    std::array<std::uint8_t, 4> magic{};
    const std::size_t count = file.read(0, magic.data(), magic.size());
    if (count == 0) file.fail("the file is empty, expected an IDX or .npy file");
    if (count < magic.size()) file.fail(fmt::format("{} bytes are no IDX header, expected at least 8", count));
    if (magic[0] != 0 || magic[1] != 0) {
        file.fail(
            fmt::format("starts with {:02x}, expected an IDX magic number 00 00 TYPE RANK, or that of a .npy file",
                        fmt::join(magic, " ")));
    }
    const auto* const type = std::find_if(kIdxTypes.begin(), kIdxTypes.end(),
                                          [&](const IdxType& candidate) { return candidate.code == magic[2]; });
    if (type == kIdxTypes.end()) {
        file.fail(
            fmt::format("IDX type 0x{:02x} is not supported, expected 0x08 (unsigned bytes), 0x09 (signed bytes), "
                        "0x0b or 0x0c (int16, int32), 0x0d or 0x0e (float32, float64)",
                        magic[2]));
    }
    if (magic[3] < 1 || magic[3] > kMaxRank) {
        file.fail(fmt::format("IDX rank {} is not supported, expected 1..{}", magic[3], kMaxRank));
    }
    header.element = type->element;
    header.offset = magic.size();
    return magic[3];
}

}  // namespace

std::string ElementType::name() const {
    const char* const prefix = kind == ElementKind::real             ? "float"
                               : kind == ElementKind::signed_integer ? "int"
                                                                     : "uint";
    return fmt::format("{}{}", prefix, 8 * bytes);
}

std::int64_t ArrayHeader::values() const {
    return std::accumulate(dimensions.begin(), dimensions.end(), std::int64_t{1}, std::multiplies<>());
}

std::string ArrayHeader::shape_text() const { return fmt::format("{}", fmt::join(dimensions, " x ")); }

void add_dimension(const UnpackedFile& file, ArrayHeader& header, std::uint64_t extent) {
    if (extent == 0 || extent > 0x7fffffffU) {
        file.fail(fmt::format("dimension {} is {}, expected 1..2147483647", header.dimensions.size(), extent));
    }
    const bool is_too_much = header.values() > kMaxArrayValues / static_cast<std::int64_t>(extent);
    header.dimensions.push_back(static_cast<int>(extent));
    if (!is_too_much) return;
    file.fail(fmt::format("dimensions {} announce more than {} values, the most that is read", header.shape_text(),
                          kMaxArrayValues));
}

ArrayHeader read_idx_header(const UnpackedFile& file) {
    ArrayHeader header;
    const int rank = read_idx_magic(file, header);
    for (int axis = 0; axis < rank; ++axis) {
        std::array<std::uint8_t, 4> bytes{};
        if (file.read(header.offset, bytes.data(), bytes.size()) < bytes.size()) {
            file.fail(fmt::format("the file ends within the header, expected {} dimensions", rank));
        }
        header.offset += static_cast<std::int64_t>(bytes.size());
        add_dimension(file, header,
                      std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 |
                          std::uint32_t{bytes[3]});
    }
    return header;
}

ArrayHeader read_array_header(const UnpackedFile& file) {
    return is_npy(file) ? read_npy_header(file) : read_idx_header(file);
}

bool is_array(const UnpackedFile& file) {
    std::array<std::uint8_t, 2> zeros{1, 1};
    const bool is_idx =
        file.read(0, zeros.data(), zeros.size()) == zeros.size() && zeros == std::array<std::uint8_t, 2>{};
    return is_idx || is_npy(file);
}

}  // namespace widthwise

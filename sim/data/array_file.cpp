// SPDX-License-Identifier: Apache-2.0
#include "data/array_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/md5.h"

namespace widthwise {
namespace {

/// Holds whole values of every type.
constexpr std::int64_t kChunkBytes = std::int64_t{1} << 20;

}  // namespace

ArrayFile::ArrayFile(const std::string& path) : file_(path), header_(read_array_header(file_)) { check_size(); }

void ArrayFile::check_size() const {
    const std::int64_t there = file_.most_bytes() - header_.offset;
    if (there < bytes() && is_packed()) {
        file_.fail(fmt::format("holds at most {} values, expected {} ({}): the file is cut short",
                               there / header_.element.bytes, header_.values(), header_.shape_text()));
    }
    if (there < bytes()) fail_short(there);
    if (there > bytes() && !is_packed()) fail_long();
}

void ArrayFile::fail_short(std::int64_t there) const {
    file_.fail(fmt::format("holds {} values, expected {} ({}): the file is cut short", there / header_.element.bytes,
                           header_.values(), header_.shape_text()));
}

void ArrayFile::fail_long() const {
    file_.fail(fmt::format("bytes follow the {} values ({}), expected the end of the file", header_.values(),
                           header_.shape_text()));
}

std::string ArrayFile::scan(const Taker& take) const {
    Md5 digest;
    std::vector<std::uint8_t> chunk(
        static_cast<std::size_t>(std::max(header_.offset, std::min(kChunkBytes, std::max(bytes(), std::int64_t{1})))));
    digest.update(chunk.data(), file_.read(0, chunk.data(), static_cast<std::size_t>(header_.offset)));
    for (std::int64_t at = 0; at < bytes(); at += kChunkBytes) {
        const auto wanted = static_cast<std::size_t>(std::min(kChunkBytes, bytes() - at));
        const std::size_t count = file_.read(header_.offset + at, chunk.data(), wanted);
        if (count < wanted) fail_short(at + static_cast<std::int64_t>(count));
        digest.update(chunk.data(), count);
        take(at / header_.element.bytes, {chunk.data(), count});
    }
    if (file_.read(header_.offset + bytes(), chunk.data(), 1) != 0) fail_long();
    return digest.finish();
}

void ArrayFile::read(std::int64_t first, std::span<std::uint8_t> bytes) const {
    const std::int64_t at = first * header_.element.bytes;
    const std::size_t count = file_.read(header_.offset + at, bytes.data(), bytes.size());
    if (count < bytes.size()) fail_short(at + static_cast<std::int64_t>(count));
}

IdxTensor read_idx(const std::string& path) {
    const ArrayFile file(path);
    const ArrayHeader& header = file.header();
    if (header.element.bytes != 1) file.fail(fmt::format("holds {} values, expected bytes", header.element.name()));
    if (header.values() > kMaxIdxValues) {
        file.fail(fmt::format("holds {} values ({}), more than {}, the most that is read at once", header.values(),
                              header.shape_text(), kMaxIdxValues));
    }
    IdxTensor tensor;
    tensor.is_signed = header.element.kind == ElementKind::signed_integer;
    tensor.dimensions = header.dimensions;
    tensor.path = path;
    tensor.values.reserve(static_cast<std::size_t>(header.values()));
    tensor.digest = file.scan([&](std::int64_t /*first*/, std::span<const std::uint8_t> bytes) {
        tensor.values.insert(tensor.values.end(), bytes.begin(), bytes.end());
    });
    return tensor;
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "results/npy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/error.h"

namespace widthwise {
namespace {

void write_all(int file, const void* data, std::size_t size, std::int64_t offset, const std::string& path) {
    const auto* bytes = static_cast<const char*>(data);
    while (size > 0) {
        const ssize_t written = pwrite(file, bytes, size, offset);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) throw SimulationError(fmt::format("cannot write '{}': {}", path, std::strerror(errno)));
        bytes += written;
        size -= static_cast<std::size_t>(written);
        offset += written;
    }
}

struct TypeInfo {
    std::string_view name;
    std::string_view description;  ///< byte order, kind and bytes
    int bytes;
};

const TypeInfo& info(NpyType type) {
    static constexpr std::array<TypeInfo, 3> kTypes = {{{"int8", "|i1", 1}, {"uint8", "|u1", 1}, {"int64", "<i8", 8}}};
    return kTypes[static_cast<std::size_t>(type)];
}

}  // namespace

std::string_view npy_type_name(NpyType type) { return info(type).name; }

int npy_bytes(NpyType type) { return info(type).bytes; }

std::string npy_header(NpyType type, const std::vector<std::int64_t>& shape) {
    constexpr std::size_t kPrefix = 10;  // magic, version, length
    constexpr std::size_t kAlignment = 64;
    std::string dictionary = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}",
                                         info(type).description, fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
    const std::size_t unpadded = kPrefix + dictionary.size() + 1;
    dictionary += std::string((kAlignment - unpadded % kAlignment) % kAlignment, ' ') + '\n';
    std::string header("\x93NUMPY\x01\x00", 8);
    header += static_cast<char>(dictionary.size() & 0xff);
    header += static_cast<char>(dictionary.size() >> 8);
    return header + dictionary;
}

NpyFile::NpyFile(const std::string& path, NpyType type, const std::vector<std::int64_t>& shape)
    : path_(path), element_bytes_(npy_bytes(type)) {
    const std::string header = npy_header(type, shape);
    data_offset_ = static_cast<std::int64_t>(header.size());
    std::int64_t size = element_bytes_;
    for (const std::int64_t extent : shape) size *= extent;
    file_ = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file_ < 0) throw SimulationError(fmt::format("cannot write '{}': {}", path_, std::strerror(errno)));
    const int error = posix_fallocate(file_, 0, data_offset_ + size);  // a full disk shows now
    if (error != 0) {
        close(file_);
        throw SimulationError(fmt::format("cannot write '{}': {}", path_, std::strerror(error)));
    }
    write_all(file_, header.data(), header.size(), 0, path_);
}

NpyFile::~NpyFile() {
    if (file_ >= 0) close(file_);
}

NpyFile::NpyFile(NpyFile&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::exchange(other.file_, -1)),
      data_offset_(other.data_offset_),
      element_bytes_(other.element_bytes_) {}

void NpyFile::write(std::int64_t offset, std::span<const std::uint8_t> bytes) const {
    write_all(file_, bytes.data(), bytes.size(), data_offset_ + offset * element_bytes_, path_);
}

}  // namespace widthwise

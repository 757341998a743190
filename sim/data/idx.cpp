// SPDX-License-Identifier: Apache-2.0
// IDX as published with MNIST: two zero bytes, a type byte, the rank, big-endian 32-bit dimensions, the values.
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <string_view>

#include "common/error.h"
#include "data/dataset.h"
#include "data/md5.h"

namespace widthwise {
namespace {

constexpr std::uint8_t kUnsignedBytes = 0x08;
constexpr std::uint8_t kSignedBytes = 0x09;
constexpr int kMaxRank = 4;
constexpr std::int64_t kMaxElements = std::int64_t{1} << 31;
constexpr std::size_t kChunkBytes = std::size_t{1} << 20;

/// A plain or gzip-compressed file, read front to back; digests what it reads.
class ByteSource {
public:
    explicit ByteSource(const std::string& path) : path_(path) {
        std::error_code error;
        const auto status = std::filesystem::status(path, error);
        if (!std::filesystem::exists(status)) fail("no such file");
        if (!std::filesystem::is_regular_file(status)) fail("not a regular file, expected an IDX file (plain or .gz)");
        file_.reset(gzopen(path.c_str(), "rb"));
        if (!file_) fail("cannot be opened for reading");
    }

    /// Up to `size` bytes; fewer only at the end of the file.
    std::size_t read(std::uint8_t* data, std::size_t size) {
        const int count = gzread(file_.get(), data, static_cast<unsigned>(size));
        int code = Z_OK;
        const char* message = gzerror(file_.get(), &code);
        if (code == Z_BUF_ERROR) fail("the gzip stream is cut short");
        if (count < 0 || code < 0) {
            fail(fmt::format("reading failed ({}), expected an intact IDX or gzip file", message));
        }
        digest_.update(data, static_cast<std::size_t>(count));
        return static_cast<std::size_t>(count);
    }

    [[nodiscard]] std::string digest() { return digest_.finish(); }

    [[noreturn]] void fail(std::string_view problem) const { throw InputError(fmt::format("{}: {}", path_, problem)); }

private:
    struct Close {
        void operator()(gzFile_s* file) const { gzclose_r(file); }
    };
    std::string path_;
    std::unique_ptr<gzFile_s, Close> file_;
    Md5 digest_;
};

/// Type byte and rank; sets is_signed.
int read_magic(ByteSource& source, IdxTensor& tensor) {
    std::array<std::uint8_t, 4> magic{};
    const std::size_t count = source.read(magic.data(), magic.size());
    if (count == 0) source.fail("the file is empty, expected an IDX file");
    if (count < magic.size()) source.fail(fmt::format("{} bytes are no IDX header, expected at least 8", count));
    if (magic[0] != 0 || magic[1] != 0) {
        source.fail(
            fmt::format("starts with {:02x}, expected an IDX magic number 00 00 TYPE RANK", fmt::join(magic, " ")));
    }
    if (magic[2] != kUnsignedBytes && magic[2] != kSignedBytes) {
        source.fail(
            fmt::format("IDX type 0x{:02x} is not supported, expected 0x08 (unsigned bytes) or 0x09 (signed "
                        "bytes)",
                        magic[2]));
    }
    if (magic[3] < 1 || magic[3] > kMaxRank) {
        source.fail(fmt::format("IDX rank {} is not supported, expected 1..{}", magic[3], kMaxRank));
    }
    tensor.is_signed = magic[2] == kSignedBytes;
    return magic[3];
}

/// Returns the number of elements that the dimensions announce.
std::int64_t read_dimensions(ByteSource& source, int rank, IdxTensor& tensor) {
    std::int64_t elements = 1;
    for (int axis = 0; axis < rank; ++axis) {
        std::array<std::uint8_t, 4> bytes{};
        if (source.read(bytes.data(), bytes.size()) < bytes.size()) {
            source.fail(fmt::format("the file ends within the header, expected {} dimensions", rank));
        }
        const std::uint32_t extent = std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
                                     std::uint32_t{bytes[2]} << 8 | std::uint32_t{bytes[3]};
        if (extent == 0 || extent > 0x7fffffffU) {
            source.fail(
                fmt::format("dimension {} is {}, expected 1..2147483647", axis, static_cast<std::int32_t>(extent)));
        }
        elements *= extent;
        tensor.dimensions.push_back(static_cast<int>(extent));
        if (elements > kMaxElements) {
            source.fail(fmt::format("dimensions {} announce more than {} values, the most that is read",
                                    fmt::join(tensor.dimensions, " x "), kMaxElements));
        }
    }
    return elements;
}

/// Memory grows with what the file really holds, not with what its header claims.
void read_values(ByteSource& source, std::size_t expected, IdxTensor& tensor) {
    std::vector<std::uint8_t> chunk(std::min(kChunkBytes, expected));
    while (tensor.values.size() < expected) {
        const std::size_t count = source.read(chunk.data(), std::min(chunk.size(), expected - tensor.values.size()));
        if (count == 0) {
            source.fail(fmt::format("holds {} values, expected {} ({}): the file is cut short", tensor.values.size(),
                                    expected, fmt::join(tensor.dimensions, " x ")));
        }
        tensor.values.insert(tensor.values.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(count));
    }
    std::uint8_t extra = 0;
    if (source.read(&extra, 1) != 0) {
        source.fail(fmt::format("bytes follow the {} values ({}), expected the end of the file", expected,
                                fmt::join(tensor.dimensions, " x ")));
    }
}

}  // namespace

IdxTensor read_idx(const std::string& path) {
    ByteSource source(path);
    IdxTensor tensor;
    tensor.path = path;
    const int rank = read_magic(source, tensor);
    const std::int64_t elements = read_dimensions(source, rank, tensor);
    read_values(source, static_cast<std::size_t>(elements), tensor);
    tensor.values.shrink_to_fit();
    tensor.digest = source.digest();
    return tensor;
}

}  // namespace widthwise

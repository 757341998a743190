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
constexpr std::size_t kChunkBytes = std::size_t{1} << 20;
/// DEFLATE makes at most 1032 bytes of one (two bits for a repetition of 258).
constexpr std::int64_t kMostPerPackedByte = 1032;

}  // namespace

/// A plain or gzip-compressed file, read front to back; digests what it reads.
class IdxFile::Source {
public:
    explicit Source(const std::string& path) : path_(path) {
        std::error_code error;
        const auto status = std::filesystem::status(path, error);
        if (!std::filesystem::exists(status)) fail("no such file");
        if (!std::filesystem::is_regular_file(status)) fail("not a regular file, expected an IDX file (plain or .gz)");
        size_ = static_cast<std::int64_t>(std::filesystem::file_size(path, error));
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

    /// The most bytes that can come out of it.
    [[nodiscard]] std::int64_t most_bytes() const {
        return gzdirect(file_.get()) != 0 ? size_ : size_ * kMostPerPackedByte;
    }

    [[nodiscard]] std::string digest() { return digest_.finish(); }

    [[noreturn]] void fail(std::string_view problem) const { throw InputError(fmt::format("{}: {}", path_, problem)); }

private:
    struct Close {
        void operator()(gzFile_s* file) const { gzclose_r(file); }
    };
    std::string path_;
    std::int64_t size_ = 0;
    std::unique_ptr<gzFile_s, Close> file_;
    Md5 digest_;
};

/// Type byte and rank; sets is_signed.
int IdxFile::read_magic() {
    std::array<std::uint8_t, 4> magic{};
    const std::size_t count = source_->read(magic.data(), magic.size());
    if (count == 0) source_->fail("the file is empty, expected an IDX file");
    if (count < magic.size()) source_->fail(fmt::format("{} bytes are no IDX header, expected at least 8", count));
    if (magic[0] != 0 || magic[1] != 0) {
        source_->fail(
            fmt::format("starts with {:02x}, expected an IDX magic number 00 00 TYPE RANK", fmt::join(magic, " ")));
    }
    if (magic[2] != kUnsignedBytes && magic[2] != kSignedBytes) {
        source_->fail(
            fmt::format("IDX type 0x{:02x} is not supported, expected 0x08 (unsigned bytes) or 0x09 (signed "
                        "bytes)",
                        magic[2]));
    }
    if (magic[3] < 1 || magic[3] > kMaxRank) {
        source_->fail(fmt::format("IDX rank {} is not supported, expected 1..{}", magic[3], kMaxRank));
    }
    tensor_.is_signed = magic[2] == kSignedBytes;
    return magic[3];
}

/// Returns the number of elements that the dimensions announce.
std::int64_t IdxFile::read_dimensions(int rank) {
    std::int64_t elements = 1;
    for (int axis = 0; axis < rank; ++axis) {
        std::array<std::uint8_t, 4> bytes{};
        if (source_->read(bytes.data(), bytes.size()) < bytes.size()) {
            source_->fail(fmt::format("the file ends within the header, expected {} dimensions", rank));
        }
        const std::uint32_t extent = std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
                                     std::uint32_t{bytes[2]} << 8 | std::uint32_t{bytes[3]};
        if (extent == 0 || extent > 0x7fffffffU) {
            source_->fail(fmt::format("dimension {} is {}, expected 1..2147483647", axis, extent));
        }
        elements *= extent;
        tensor_.dimensions.push_back(static_cast<int>(extent));
        if (elements > kMaxIdxValues) {
            source_->fail(fmt::format("dimensions {} announce more than {} values, the most that is read",
                                      fmt::join(tensor_.dimensions, " x "), kMaxIdxValues));
        }
    }
    return elements;
}

/// The header has been found to claim no more than a file of this size can hold.
void IdxFile::read_values(std::size_t expected) {
    tensor_.values.reserve(expected);
    std::vector<std::uint8_t> chunk(std::min(kChunkBytes, expected));
    while (tensor_.values.size() < expected) {
        const std::size_t count = source_->read(chunk.data(), std::min(chunk.size(), expected - tensor_.values.size()));
        if (count == 0) {
            source_->fail(fmt::format("holds {} values, expected {} ({}): the file is cut short", tensor_.values.size(),
                                      expected, fmt::join(tensor_.dimensions, " x ")));
        }
        tensor_.values.insert(tensor_.values.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(count));
    }
    std::uint8_t extra = 0;
    if (source_->read(&extra, 1) != 0) {
        source_->fail(fmt::format("bytes follow the {} values ({}), expected the end of the file", expected,
                                  fmt::join(tensor_.dimensions, " x ")));
    }
}

IdxFile::IdxFile(const std::string& path) : source_(std::make_unique<Source>(path)) {
    tensor_.path = path;
    const int rank = read_magic();
    const std::int64_t elements = read_dimensions(rank);
    if (elements <= source_->most_bytes()) return;
    source_->fail(fmt::format("holds at most {} values, expected {} ({}): the file is cut short", source_->most_bytes(),
                              elements, fmt::join(tensor_.dimensions, " x ")));
}

IdxFile::~IdxFile() = default;
IdxFile::IdxFile(IdxFile&&) noexcept = default;
IdxFile& IdxFile::operator=(IdxFile&&) noexcept = default;

IdxTensor IdxFile::read() && {
    std::size_t elements = 1;
    for (const int extent : tensor_.dimensions) elements *= static_cast<std::size_t>(extent);
    read_values(elements);
    tensor_.digest = source_->digest();
    source_.reset();
    return std::move(tensor_);
}

IdxTensor read_idx(const std::string& path) { return IdxFile(path).read(); }

}  // namespace widthwise

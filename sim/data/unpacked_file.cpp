// SPDX-License-Identifier: Apache-2.0
#include "data/unpacked_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <utility>
#include <vector>

#include "common/error.h"
#include "data/gzip_decoder.h"

namespace widthwise {

PlainFile::PlainFile(const std::string& path) : path_(path) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (!std::filesystem::exists(status)) fail("no such file");
    // Before it is opened: opening a pipe waits for its writer.
    if (!std::filesystem::is_regular_file(status)) fail("not a regular file, expected a file of data (plain or .gz)");
    file_ = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat opened {};
    if (file_ < 0 || fstat(file_, &opened) != 0) fail("cannot be opened for reading");
    size_ = opened.st_size;
}

PlainFile::~PlainFile() {
    if (file_ >= 0) close(file_);
}

std::size_t PlainFile::read(std::int64_t offset, std::uint8_t* data, std::size_t size) const {
    std::size_t held = 0;
    while (held < size) {
        const ssize_t count = pread(file_, data + held, size - held, offset + static_cast<std::int64_t>(held));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail(fmt::format("reading failed ({})", std::strerror(errno)));
        if (count == 0) break;
        held += static_cast<std::size_t>(count);
    }
    return held;
}

void PlainFile::fail(std::string_view problem) const { throw InputError(fmt::format("{}: {}", path_, problem)); }

/// Unpacked pieces of one gzip file, the last ones used held, for threads that read at neighbouring places.
class GzipPieces {
public:
    explicit GzipPieces(const PlainFile& file) : decoder_(file) {}

    std::size_t read(std::int64_t offset, std::uint8_t* data, std::size_t size) {
        std::size_t held = 0;
        while (held < size) {
            const std::int64_t at = offset + static_cast<std::int64_t>(held);
            const Bytes bytes = piece(at / kPieceBytes);
            const auto from = static_cast<std::size_t>(at % kPieceBytes);
            if (from >= bytes->size()) break;
            const std::size_t count = std::min(size - held, bytes->size() - from);
            std::memcpy(data + held, bytes->data() + from, count);
            held += count;
        }
        return held;
    }

private:
    using Bytes = std::shared_ptr<const std::vector<std::uint8_t>>;
    static constexpr std::int64_t kPieceBytes = std::int64_t{1} << 20;
    static constexpr std::size_t kHeldPieces = 32;

    Bytes piece(std::int64_t index) {
        const std::lock_guard lock(mutex_);
        const auto known =
            std::find_if(pieces_.begin(), pieces_.end(), [&](const auto& piece) { return piece.first == index; });
        if (known != pieces_.end()) {
            std::rotate(pieces_.begin(), known, known + 1);
            return pieces_.front().second;
        }
        auto bytes = std::make_shared<std::vector<std::uint8_t>>(static_cast<std::size_t>(kPieceBytes));
        const bool is_there = decoder_.seek(index * kPieceBytes);
        bytes->resize(is_there ? decoder_.read(bytes->data(), bytes->size()) : 0);
        if (pieces_.size() == kHeldPieces) pieces_.pop_back();
        pieces_.insert(pieces_.begin(), {index, bytes});
        return bytes;
    }

    std::mutex mutex_;
    GzipDecoder decoder_;
    std::vector<std::pair<std::int64_t, Bytes>> pieces_;  ///< the last used first
};

UnpackedFile::UnpackedFile(const std::string& path) : file_(std::make_unique<PlainFile>(path)) {
    std::array<std::uint8_t, 2> magic{};
    if (file_->read(0, magic.data(), magic.size()) == magic.size() && magic == kGzipMagic) {
        pieces_ = std::make_unique<GzipPieces>(*file_);
    }
}

UnpackedFile::~UnpackedFile() = default;
UnpackedFile::UnpackedFile(UnpackedFile&&) noexcept = default;
UnpackedFile& UnpackedFile::operator=(UnpackedFile&&) noexcept = default;

std::int64_t UnpackedFile::most_bytes() const {
    /// DEFLATE makes at most 1032 bytes of one (two bits for a repetition of 258).
    constexpr std::int64_t kMostPerPackedByte = 1032;
    return is_packed() ? file_->size() * kMostPerPackedByte : file_->size();
}

std::size_t UnpackedFile::read(std::int64_t offset, std::uint8_t* data, std::size_t size) const {
    return is_packed() ? pieces_->read(offset, data, size) : file_->read(offset, data, size);
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// A file of data as it is once unpacked, plain or gzip, read from any place by any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace widthwise {

/// A regular file that is read by position, so that threads and forked processes share it without a common offset.
class PlainFile {
public:
    /// Throws InputError when there is no such file, it is no regular file, or it cannot be opened.
    explicit PlainFile(const std::string& path);
    ~PlainFile();
    PlainFile(const PlainFile&) = delete;
    PlainFile& operator=(const PlainFile&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::int64_t size() const { return size_; }
    /// Up to `size` bytes from `offset` on; fewer only at the end. Throws InputError when reading fails.
    std::size_t read(std::int64_t offset, std::uint8_t* data, std::size_t size) const;
    /// Throws InputError "PATH: PROBLEM".
    [[noreturn]] void fail(std::string_view problem) const;

private:
    std::string path_;
    int file_ = -1;
    std::int64_t size_ = 0;
};

class GzipPieces;

/// Told by its first bytes, not by its name: gzip or plain.
class UnpackedFile {
public:
    /// Throws InputError as PlainFile.
    explicit UnpackedFile(const std::string& path);
    ~UnpackedFile();
    UnpackedFile(UnpackedFile&&) noexcept;
    UnpackedFile& operator=(UnpackedFile&&) noexcept;

    [[nodiscard]] const std::string& path() const { return file_->path(); }
    [[nodiscard]] bool is_packed() const { return pieces_ != nullptr; }
    /// The most bytes that can come out of it; of a plain file those that do.
    [[nodiscard]] std::int64_t most_bytes() const;
    /// Up to `size` bytes from `offset` on; fewer only at the end. Throws InputError when the file is damaged. Reading
    /// on is quick, going back in a packed file costs what lies between the place and the decoder state kept before it.
    std::size_t read(std::int64_t offset, std::uint8_t* data, std::size_t size) const;
    [[noreturn]] void fail(std::string_view problem) const { file_->fail(problem); }

private:
    std::unique_ptr<PlainFile> file_;
    std::unique_ptr<GzipPieces> pieces_;  ///< none: plain
};

}  // namespace widthwise

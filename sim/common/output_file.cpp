// SPDX-License-Identifier: Apache-2.0
#include "common/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "common/error.h"

namespace widthwise {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 16;

[[noreturn]] void fail(const std::string& path, int error) {
    throw SimulationError(fmt::format("cannot write '{}': {}", path, std::strerror(error)));
}

}  // namespace

void throw_unusable(int error, const std::string& message) {
    for (const int machine : {ENOSPC, EDQUOT, EFBIG, EIO, ENOMEM, EMFILE, ENFILE}) {
        if (error == machine) throw SimulationError(message);
    }
    throw InputError(message);
}

void write_fully(int file, const char* bytes, std::size_t count, const std::string& path) {
    while (count > 0) {
        const ssize_t written = ::write(file, bytes, count);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail(path, errno);
        bytes += written;
        count -= static_cast<std::size_t>(written);
    }
}

void sync_file(int file, const std::string& path) {
    if (::fdatasync(file) == 0 || errno == EINVAL || errno == ENOSYS || errno == EROFS || errno == ENOTSUP) return;
    fail(path, errno);
}

OutputFile::OutputFile(std::string path) : path_(std::move(path)) {
    file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file_ < 0) fail(path_, errno);
}

OutputFile::~OutputFile() {
    if (file_ >= 0) ::close(file_);
}

void OutputFile::write(std::string_view text) {
    buffer_ += text;
    if (buffer_.size() >= kBufferBytes) flush();
}

void OutputFile::flush() {
    const std::string text = std::exchange(buffer_, {});
    write_fully(file_, text.data(), text.size(), path_);
}

void OutputFile::close() {
    if (file_ < 0) return;
    flush();
    if (::close(std::exchange(file_, -1)) != 0) fail(path_, errno);
}

void write_file(const std::string& path, std::string_view text) {
    OutputFile file(path);
    file.write(text);
    file.close();
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "common/input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/error.h"

namespace widthwise {
namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& reason) {
    throw InputError(fmt::format("{}: cannot be read ({})", path, reason));
}

const char* name_of_type(mode_t mode) {
    if (S_ISDIR(mode)) return "a folder";
    if (S_ISFIFO(mode)) return "a pipe";
    if (S_ISSOCK(mode)) return "a socket";
    return "a device";
}

/// Size of a regular file; 0 for a pipe.
std::int64_t checked_size(const std::string& path, const struct stat& status, const FileLimit& limit) {
    if (S_ISFIFO(status.st_mode) && limit.allows_pipe) return 0;
    if (!S_ISREG(status.st_mode)) {
        refuse(path, fmt::format("it is {}, not a regular file", name_of_type(status.st_mode)));
    }
    if (status.st_size > limit.bytes) {
        throw InputError(fmt::format("{}: {} bytes are too many for {} (allowed: up to {})", path, status.st_size,
                                     limit.kind, limit.bytes));
    }
    return status.st_size;
}

/// An open file that closes itself.
class Descriptor {
public:
    explicit Descriptor(const std::string& path) : path_(path), file_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
        if (file_ < 0) refuse(path, std::strerror(errno));
    }
    ~Descriptor() { close(file_); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    [[nodiscard]] struct stat status() const {
        struct stat status {};
        if (fstat(file_, &status) != 0) refuse(path_, std::strerror(errno));
        return status;
    }

    /// Up to `size` bytes; 0 at the end.
    [[nodiscard]] std::size_t read(char* data, std::size_t size) const {
        while (true) {
            const ssize_t count = ::read(file_, data, size);
            if (count >= 0) return static_cast<std::size_t>(count);
            if (errno != EINTR) refuse(path_, std::strerror(errno));
        }
    }

private:
    const std::string& path_;
    int file_;
};

}  // namespace

void check_input_file(const std::string& path, const FileLimit& limit) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) refuse(path, std::strerror(errno));
    static_cast<void>(checked_size(path, status, limit));
}

std::string read_input_file(const std::string& path, const FileLimit& limit) {
    check_input_file(path, limit);  // before it is opened: opening a pipe waits for its writer
    const Descriptor file(path);
    constexpr std::int64_t kChunk = 65536;
    const auto most = static_cast<std::size_t>(limit.bytes);
    // One byte beyond the limit shows that there is more; files of /proc hold more than their size says.
    std::size_t room = static_cast<std::size_t>(checked_size(path, file.status(), limit)) + 1;
    std::string text;
    std::size_t held = 0;
    while (true) {
        text.resize(held + room);
        const std::size_t count = file.read(text.data() + held, room);
        held += count;
        if (count == 0) break;
        if (held > most) {
            throw InputError(fmt::format("{}: holds more bytes than {} may have (allowed: up to {})", path, limit.kind,
                                         limit.bytes));
        }
        room = std::min<std::size_t>(kChunk, most + 1 - held);
    }
    text.resize(held);
    return text;
}

}  // namespace widthwise

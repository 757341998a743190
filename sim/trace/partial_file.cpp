// SPDX-License-Identifier: Apache-2.0
#include "trace/partial_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "common/error.h"
#include "common/output_file.h"

namespace widthwise {

namespace {
std::string reason(int error) { return std::generic_category().message(error); }
}  // namespace

PartialFile::PartialFile(std::string path, bool overwrite) : path_(std::move(path)), partial_path_(path_ + ".partial") {
    if (path_.empty()) throw InputError("a file name is needed, not an empty text");
    std::error_code ignored;  // what cannot be looked at will not open either, and then the reason is known
    const std::filesystem::file_status status = std::filesystem::status(path_, ignored);
    if (std::filesystem::is_directory(status)) throw InputError(path_ + ": cannot write: is a directory");
    if (std::filesystem::exists(status)) {
        // Renaming over a device or a pipe would replace it.
        if (!std::filesystem::is_regular_file(status)) throw InputError(path_ + ": cannot write: not a regular file");
        if (!overwrite) throw InputError(path_ + ": exists already");
    }
    descriptor_ = ::open(partial_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    const int error = errno;
    if (descriptor_ < 0) throw_unusable(error, path_ + ": cannot create " + partial_path_ + ": " + reason(error));
}

PartialFile::~PartialFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

void PartialFile::write(const char* bytes, std::size_t count) { write_fully(descriptor_, bytes, count, partial_path_); }

void PartialFile::commit() {
    const int descriptor = std::exchange(descriptor_, -1);
    if (descriptor < 0) return;
    if (::close(descriptor) != 0) throw_failure("cannot write", errno);
    if (std::rename(partial_path_.c_str(), path_.c_str()) != 0) throw_failure("cannot rename", errno);
}

void PartialFile::discard() {
    const int descriptor = std::exchange(descriptor_, -1);
    if (descriptor < 0) return;
    ::close(descriptor);
    ::unlink(partial_path_.c_str());
}

void PartialFile::throw_failure(const char* what, int error) const {
    throw SimulationError(std::string(what) + " '" + partial_path_ + "': " + reason(error));
}

}  // namespace widthwise

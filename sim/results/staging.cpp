// SPDX-License-Identifier: Apache-2.0
#include "results/staging.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>
#include <utility>

#include "common/error.h"
#include "common/output_file.h"

namespace widthwise {
namespace {

namespace fs = std::filesystem;

void remove_quietly(const std::string& path) {
    std::error_code error;
    fs::remove_all(path, error);
}

/// Folders that this process owns. Its threads make no outputs, so nothing guards it.
std::set<std::string>& owned() {
    static std::set<std::string> folders;
    return folders;
}

bool is_unsupported(int error) { return error == EINVAL || error == ENOSYS || error == ENOTSUP; }

/// Whether the open file still is what its name leads to.
bool is_at(int file, const std::string& path) {
    struct stat open {};
    struct stat named {};
    return fstat(file, &open) == 0 && lstat(path.c_str(), &named) == 0 && open.st_dev == named.st_dev &&
           open.st_ino == named.st_ino;
}

}  // namespace

std::string output_path(const std::string& path, const std::string& what) {
    if (path == "-") {
        throw InputError(
            fmt::format("{} '-': outputs go to files, not to standard output; ./- names such a file", what));
    }
    fs::path normal = fs::path(path).lexically_normal();
    if (!normal.has_filename()) normal = normal.parent_path();
    const std::string name = normal.filename().string();
    if (path.empty() || name.empty() || name == "." || name == "..") {
        throw InputError(fmt::format("{} '{}': expects a name that does not exist yet", what, path));
    }
    return normal.string();
}

std::string parent_of(const std::string& path) {
    const std::string parent = fs::path(path).parent_path().string();
    return parent.empty() ? "." : parent;
}

bool entry_exists(const std::string& path) {
    std::error_code error;
    return fs::symlink_status(path, error).type() != fs::file_type::not_found;
}

bool rename_to_free_name(const std::string& from, const std::string& to) {
    if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
    if (!is_unsupported(errno)) return false;
    if (entry_exists(to)) {
        errno = EEXIST;
        return false;
    }
    return std::rename(from.c_str(), to.c_str()) == 0;
}

void sync_tree(const std::string& path) {
    std::error_code error;
    if (fs::is_directory(fs::symlink_status(path, error))) {
        for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) sync_tree(entry.path().string());
    }
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0) return;
    try {
        sync_file(file, path);
    } catch (...) {
        close(file);
        throw;
    }
    close(file);
}

void sync_folder(const std::string& path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (file < 0) return;
    fsync(file);
    close(file);
}

Staging::Staging(std::string path, std::string what, const std::function<void()>& finish, int patience_ms)
    : path_(std::move(path)),
      what_(std::move(what)),
      name_(fs::path(path_).filename().string()),
      folder_(path_ + ".partial") {
    acquire(patience_ms);
    try {
        if (finish) finish();
    } catch (...) {  // the folder stays for another try
        close(lock_);
        owned().erase(folder_);
        throw;
    }
    clear();
}

Staging::~Staging() {
    if (!stays_) {
        remove_quietly(content());
        remove_quietly(old());
        std::error_code error;
        for (const fs::directory_entry& entry : fs::directory_iterator(folder_, error)) {
            if (entry.path() != lock_path()) remove_quietly(entry.path().string());
        }
        unlink(lock_path().c_str());
        rmdir(folder_.c_str());  // not empty when the next owner was quick
    }
    if (lock_ >= 0) close(lock_);
    owned().erase(folder_);
}

void Staging::refuse(const std::string& problem, int error) const {
    throw_unusable(error, fmt::format("{} '{}': {}", what_, path_, problem));
}

void Staging::acquire(int patience_ms) {
    if (owned().count(folder_) > 0) refuse("is another output of this command as well");
    constexpr int kStep_ms = 10;
    for (int waited_ms = 0;; waited_ms += kStep_ms) {
        const bool made = mkdir(folder_.c_str(), 0777) == 0;
        const int error = errno;
        if (!made && error != EEXIST) {
            refuse(fmt::format("cannot write in '{}': {}", parent_of(path_), std::strerror(error)), error);
        }
        if (try_lock(made)) {
            owned().insert(folder_);
            return;
        }
        if (waited_ms >= patience_ms) refuse(fmt::format("is being written, by another process, in '{}'", folder_));
        usleep(1000 * kStep_ms);
    }
}

bool Staging::try_lock(bool made) {
    std::error_code error;
    if (!made) {
        const auto foreign = [&] {
            refuse(fmt::format("'{}' is in the way, and widthwise is not at work in it (move it away)", folder_));
        };
        if (!fs::is_directory(fs::symlink_status(folder_, error))) {
            if (entry_exists(folder_)) foreign();
            return false;  // its owner has just removed it
        }
        // The lock comes first and goes last, so a folder without it is empty, or was never ours.
        if (!entry_exists(lock_path()) && !fs::is_empty(folder_, error) && !error && !entry_exists(lock_path())) {
            foreign();
        }
    }
    lock_ = open(lock_path().c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (lock_ < 0) {
        const int reason = errno;
        if (reason == ENOENT) return false;  // as above
        if (made) rmdir(folder_.c_str());
        refuse(fmt::format("cannot write in '{}': {}", folder_, std::strerror(reason)), reason);
    }
    if (flock(lock_, LOCK_EX | LOCK_NB) == 0) {
        if (is_at(lock_, lock_path())) return true;
    } else if (errno != EWOULDBLOCK && errno != EINTR) {
        // Without locks the dead cannot be told from the living; who has just made the folder owns it all the same.
        if (made) return true;
        close(std::exchange(lock_, -1));
        refuse(fmt::format("'{}' is in the way, and this file system cannot tell whether its owner lives (remove it)",
                           folder_));
    }
    close(std::exchange(lock_, -1));
    return false;
}

void Staging::clear() {
    if (!entry_exists(path_) && entry_exists(old())) {
        // A process died between the two renames of replace_folder(): what it was about to name is complete.
        if (!rename_to_free_name(content(), path_)) rename_to_free_name(old(), path_);
    }
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_, error)) {
        if (entry.path() != lock_path()) remove_quietly(entry.path().string());
    }
}

bool Staging::replace_folder() {
    if (renameat2(AT_FDCWD, content().c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) == 0) return true;
    if (!is_unsupported(errno)) return false;
    if (!rename_to_free_name(path_, old())) return false;
    if (rename_to_free_name(content(), path_)) return true;
    const int reason = errno;
    rename_to_free_name(old(), path_);
    errno = reason;
    return false;
}

void Staging::leave() {
    stays_ = true;
    unlink(lock_path().c_str());
}

void Staging::clear_dead(const std::string& path, const std::string& what) {
    if (entry_exists(path + ".partial")) const Staging cleared(path, what);
}

void Staging::recover(const std::string& path, const std::string& what) {
    const fs::path given = fs::path(path).lexically_normal();
    const std::string plain = (given.has_filename() ? given : given.parent_path()).string();
    const std::string name = fs::path(plain).filename().string();
    if (entry_exists(plain) || !entry_exists(plain + ".partial/" + name + ".old")) return;
    const Staging finished(plain, what);
}

}  // namespace widthwise

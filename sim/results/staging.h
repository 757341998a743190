// SPDX-License-Identifier: Apache-2.0
// The place where an output grows before it has its name.
#pragma once

#include <functional>
#include <string>

namespace widthwise {

/// The folder PATH.partial beside PATH. It belongs to whoever holds the lock in it, a lock that the system takes from a
/// process however it ends; so what a dead process left is told from what a living one writes, whatever their numbers.
///
///   PATH.partial/NAME.lock   locked by the owner; made first and removed last
///   PATH.partial/NAME        the output, NAME being PATH's own name
///   PATH.partial/NAME.old    while an old folder gives way by two renames: see replace_folder()
class Staging {
public:
    /// Makes the folder, or takes over and clears one whose owner is dead; PATH is then what it was before that run, or
    /// what that run was about to make it. While another process owns it, waits `patience_ms`, then refuses. `what` is
    /// what messages call the output. Throws InputError when that is so, when the parent cannot be written, or when
    /// PATH.partial holds no lock and so belongs to somebody else. `finish` is called before the folder is cleared: for
    /// outputs that can be completed from what is in it.
    Staging(std::string path, std::string what, const std::function<void()>& finish = {}, int patience_ms = 2000);
    ~Staging();  ///< removes the folder with all that is in it, unless leave() was called
    Staging(const Staging&) = delete;
    Staging& operator=(const Staging&) = delete;

    [[nodiscard]] const std::string& folder() const { return folder_; }
    [[nodiscard]] std::string content() const { return folder_ + "/" + name_; }

    /// PATH becomes the content, a folder, whatever folder it was. There is no moment without the one or the other
    /// under PATH, but on file systems that cannot exchange two names: there the old folder is NAME.old for a moment,
    /// and the next Staging of PATH finishes what a death at this moment left. False, with errno, when it fails.
    [[nodiscard]] bool replace_folder();

    /// The folder stays, and nobody will take it for a dead process's any more.
    void leave();
    /// The folder stays as if its owner had died.
    void leave_to_next() { stays_ = true; }

    /// Clears what a dead process left of PATH, if it left anything; waits and refuses as the constructor does.
    static void clear_dead(const std::string& path, const std::string& what);

    /// Finishes what replace_folder() of a dead process left under PATH; for those who only read.
    static void recover(const std::string& path, const std::string& what);

private:
    void acquire(int patience_ms);
    /// False: somebody else has it, or had it a moment ago.
    bool try_lock(bool made);
    void clear();
    [[nodiscard]] std::string lock_path() const { return content() + ".lock"; }
    [[nodiscard]] std::string old() const { return content() + ".old"; }
    [[noreturn]] void refuse(const std::string& problem, int error = 0) const;

    std::string path_;
    std::string what_;
    std::string name_;
    std::string folder_;
    int lock_ = -1;
    bool stays_ = false;
};

/// Without a trailing slash, so that siblings can be named. Throws InputError for what names no entry of a folder, and
/// for "-".
std::string output_path(const std::string& path, const std::string& what);

/// The folder that holds `path`; "." for a bare name.
std::string parent_of(const std::string& path);

/// Something is there, be it a link to nothing.
bool entry_exists(const std::string& path);

/// rename() that never replaces; falls back to the plain one on file systems that cannot promise that.
bool rename_to_free_name(const std::string& from, const std::string& to);

/// Asks the disk to hold a file, or a folder with all that is in it. Throws SimulationError when it cannot.
void sync_tree(const std::string& path);
/// Asks the disk to hold the names in a folder; a disk that does not is none of the output's failures any more.
void sync_folder(const std::string& path);

}  // namespace widthwise

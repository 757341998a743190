// SPDX-License-Identifier: Apache-2.0
// Values that were computed already, kept across interruptions.
//
// One line per entry (journal_line.h): a line that was cut short, or damaged, shows and is left out. The digest names
// everything that decides the values, so that an entry can be trusted whatever sweep it was made for.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "explore/value_evaluation.h"

namespace widthwise {

class Journal {
public:
    /// Kept in memory only.
    Journal() = default;
    /// Reads `path`, or makes it, and keeps it open for add(). Throws InputError when it is not a journal, cannot be
    /// written, is in use by another process, or has an entry whose sum is right and whose content cannot be.
    explicit Journal(const std::string& path);
    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    /// Adds the entries of another journal file, which stays as it is. Throws InputError when it cannot be read or
    /// contradicts what is here.
    void take_over(const std::string& path);

    [[nodiscard]] const ValueOutcome* find(const std::string& digest) const;
    /// "journal 'results/journal', line 7": where an entry that find() knows was read; for messages.
    [[nodiscard]] std::string place(const std::string& digest) const;
    /// On the disk when it returns. Throws SimulationError when the disk does not take it; the file then ends with the
    /// entry before.
    void add(const std::string& digest, const ValueOutcome& outcome);
    /// Another journal file, with these entries only, in this order.
    void write(const std::string& path, std::span<const std::string> digests) const;

    /// What the entries in the file were computed from, JSON; "" in files that do not say.
    [[nodiscard]] const std::string& about() const { return about_; }
    /// Said in the file from its next entry on. The journal does not look into it.
    void set_about(const std::string& json);

    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] bool has(const std::string& digest) const { return entries_.contains(digest); }
    /// Lines left out because they were incomplete or damaged.
    [[nodiscard]] std::size_t damaged() const { return damaged_; }

    /// A file that holds no entry yet.
    static bool is_blank(const std::string& path);

private:
    struct Entry {
        ValueOutcome outcome;
        std::string path;      ///< "": not read
        std::size_t line = 0;  ///< from 1
    };
    void open_file();
    void read(const std::string& path, const std::string& text);
    void read_line(const std::string& path, std::size_t number, std::string_view line);

    std::string path_;  ///< empty: in memory only
    int file_ = -1;
    std::map<std::string, Entry> entries_;
    std::string about_;
    bool about_is_written_ = true;
    std::size_t damaged_ = 0;
};

}  // namespace widthwise

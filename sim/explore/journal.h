// SPDX-License-Identifier: Apache-2.0
// Values that were computed already, kept across interruptions.
//
// One line per entry, "MD5-OF-THE-REST DIGEST JSON": a line that was cut short, or damaged, shows and is left out. The
// digest names everything that decides the values, so that an entry can be trusted whatever sweep it was made for.
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
    /// written or is in use by another process.
    explicit Journal(const std::string& path);
    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    /// Adds the entries of another journal file, which stays as it is. Throws InputError when it cannot be read or
    /// contradicts what is here.
    void take_over(const std::string& path);

    [[nodiscard]] const ValueOutcome* find(const std::string& digest) const;
    /// On the disk when it returns. Throws SimulationError when the disk does not take it.
    void add(const std::string& digest, const ValueOutcome& outcome);
    /// Leaves these entries only, in this order.
    void rewrite(std::span<const std::string> digests);

    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    /// Lines left out because they were incomplete or damaged.
    [[nodiscard]] std::size_t damaged() const { return damaged_; }

private:
    void read(const std::string& path, const std::string& text);

    std::string path_;  ///< empty: in memory only
    int file_ = -1;
    std::map<std::string, ValueOutcome> entries_;
    std::size_t damaged_ = 0;
};

}  // namespace widthwise

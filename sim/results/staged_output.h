// SPDX-License-Identifier: Apache-2.0
// Outputs that appear under their name whole or not at all.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "results/staging.h"

namespace widthwise {

/// A file or a folder that grows in PATH.partial (see Staging) and gets its own name at commit(). Without commit() it
/// vanishes with the object. Wherever the process dies, PATH is whole, the old one or the new one; what it left is
/// cleared by the next output of that name.
class StagedOutput {
public:
    enum class Kind { file, folder };

    /// `what` is what messages call it ("result folder"). An existing PATH is refused unless `replace` is given; then
    /// it is replaced at commit(), but only by its like: a file by a file, a folder by a folder, and the old folder
    /// must be empty or hold a file named one of `markers`, so that a slip does not delete somebody's work. Creates the
    /// folder; the file is made by whoever writes it. Throws InputError when PATH is refused, its parent is missing or
    /// cannot be written, or another process writes PATH.
    StagedOutput(const std::string& path, Kind kind, bool replace, std::string what,
                 const std::vector<std::string>& markers = {});
    StagedOutput(const StagedOutput&) = delete;
    StagedOutput& operator=(const StagedOutput&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    /// Where to write until commit().
    [[nodiscard]] std::string partial() const { return staging_->content(); }

    /// Gives the output its name. When that fails (somebody else took the name meanwhile) the output gets another name,
    /// and the SimulationError says which.
    void commit();

private:
    void check_parent() const;
    void check_existing(const std::vector<std::string>& markers) const;
    [[nodiscard]] bool take_name();
    [[nodiscard]] std::string keep_elsewhere();

    std::string path_;
    std::string what_;
    Kind kind_;
    bool replace_;
    std::optional<Staging> staging_;
};

/// A folder of result files.
class ResultFolder {
public:
    ResultFolder(const std::string& path, bool replace);

    /// Writes one file. Throws SimulationError when the disk does not take it.
    void write(const std::string& name, std::string_view text);
    void commit() { output_.commit(); }
    [[nodiscard]] const std::string& path() const { return output_.path(); }

private:
    StagedOutput output_;
};

}  // namespace widthwise

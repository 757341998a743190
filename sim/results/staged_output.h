// SPDX-License-Identifier: Apache-2.0
// Outputs that appear under their name whole or not at all.
#pragma once

#include <string>
#include <vector>

namespace widthwise {

/// A folder that grows under a sibling name, PATH.partial-<process>, or a file that grows in a sibling folder of that
/// name; it gets its own name at commit(). Without commit() it vanishes with the object.
class StagedOutput {
public:
    enum class Kind { file, folder };

    /// `what` is what messages call it ("result folder"). An existing PATH is refused unless `replace` is given; then
    /// it is replaced at commit(), but only by its like: a file by a file, a folder by a folder, and the old folder
    /// must be empty or hold a file named one of `markers`, so that a slip does not delete somebody's work. Creates the
    /// folder; the file is made by whoever writes it. Throws InputError when PATH is refused or its parent is missing
    /// or cannot be written.
    StagedOutput(const std::string& path, Kind kind, bool replace, std::string what,
                 std::vector<std::string> markers = {});
    ~StagedOutput();
    StagedOutput(const StagedOutput&) = delete;
    StagedOutput& operator=(const StagedOutput&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    /// Where to write until commit().
    [[nodiscard]] std::string partial() const;

    /// Gives the output its name. When that fails (somebody else took the name meanwhile) the partial output stays, and
    /// the SimulationError says where.
    void commit();

private:
    void check_parent() const;
    void check_existing(const std::vector<std::string>& markers) const;

    std::string path_;
    std::string folder_;  ///< PATH.partial-<process>
    std::string what_;
    Kind kind_;
    bool replace_;
    bool done_ = false;
};

/// A folder of result files.
class ResultFolder {
public:
    ResultFolder(const std::string& path, bool replace);

    /// Writes one file. Throws SimulationError when the disk does not take it.
    void write(const std::string& name, const std::string& text);
    void commit() { output_.commit(); }
    [[nodiscard]] const std::string& path() const { return output_.path(); }

private:
    StagedOutput output_;
};

/// Writes a whole file. Throws SimulationError when the disk does not take it.
void write_file(const std::string& path, const std::string& text);

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// Files of one folder that are replaced together.
#pragma once

#include <string>

#include "results/staging.h"

namespace widthwise {

/// Grows in FOLDER/results.partial (see Staging), which keeps other processes from replacing files there meanwhile.
/// commit() first makes the set whole under one name, results.partial/results.ready, and then moves the files to their
/// places. A process that dies before that leaves the old files, one that dies later leaves the new ones to be moved by
/// the next StagedFiles of that folder or by finish(). Other files of the folder are left alone.
class StagedFiles {
public:
    /// `marker` is the file that says that all are there: the old one goes first and the new one comes last. `what` is
    /// what messages call the folder. Throws InputError when the folder cannot be written or another process is at it.
    StagedFiles(std::string folder, std::string marker, const std::string& what);

    /// Where to write the file of this name until commit().
    [[nodiscard]] std::string partial(const std::string& name) const { return staging_.content() + "/" + name; }
    /// Throws SimulationError; then the folder has the old files.
    void commit();

    /// Moves what a dead process's commit() has not moved; for those who only read.
    static void finish(const std::string& folder, const std::string& marker, const std::string& what);

private:
    std::string folder_;
    std::string marker_;
    Staging staging_;
};

}  // namespace widthwise

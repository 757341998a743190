// SPDX-License-Identifier: Apache-2.0
// Whether a sweep may go on in a folder that another one began, and what that replaces.
#pragma once

#include <string>
#include <vector>

#include "explore/journal.h"
#include "explore/sweep.h"

namespace widthwise {

/// What the values and the tables of a sweep come from, as JSON for Journal::set_about(): the tool, images and labels,
/// every key of the accelerator file, axes, energy tables.
std::string sweep_about(const Sweep& sweep);

/// Throws InputError when `journal`, found in `folder`, holds values and none of them is of this sweep's images, or of
/// its points: then they would all be lost. Otherwise returns what going on replaces, a sentence each: entries that
/// belong to no point any more, and settings with which the tables in the folder were made.
std::vector<std::string> replaced_by_resuming(const Sweep& sweep, const Journal& journal, const std::string& folder);

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace widthwise {

/// Git commit that the tool was built from, "-dirty" behind it if files had changes; "unknown" outside a clone.
const char* build_commit();

}  // namespace widthwise

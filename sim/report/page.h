// SPDX-License-Identifier: Apache-2.0
// One HTML page that needs nothing but itself.
#pragma once

#include <string>
#include <vector>

#include "report/section.h"

namespace widthwise {

/// What the page shows: {title, version, folders: [{folder, kind, facts, figures, configuration, sections}], sections}.
ReportJson report_json(const std::vector<ResultSet>& sets, const std::string& version);

/// The page with style, Chart.js, script and data inside. Texts in the data cannot become markup.
std::string report_page(const ReportJson& report);

}  // namespace widthwise

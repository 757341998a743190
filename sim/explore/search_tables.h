// SPDX-License-Identifier: Apache-2.0
// A search's results as files and on the screen.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "explore/search.h"
#include "results/run_report.h"

namespace widthwise {

/// `setup`: what was searched; its configuration's own widths do not count.
nlohmann::ordered_json search_json(const SearchResult& result, const SearchRequest& request, const RunSetup& setup);
/// Every combination computed on all images, one row each, in the order of the search.
std::string evaluations_csv(const SearchResult& result, const RunSetup& setup);
/// Those of them that no other beats in accuracy without costing more energy.
std::string pareto_csv(const SearchResult& result, const RunSetup& setup);
/// Lines of 100 columns at most.
std::string search_text(const SearchResult& result, const SearchRequest& request, const RunSetup& setup);

/// "c1=18,c3=16,...", as --accumulator takes it.
std::string widths_option(const SearchResult& result, const SearchPoint& point);

}  // namespace widthwise

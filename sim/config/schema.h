// SPDX-License-Identifier: Apache-2.0
// What there is to know about the keys of accelerator files, for editors and for people. Both texts ship, and
// `widthwise schema` prints them.
#pragma once

#include <string>

namespace widthwise {

/// JSON Schema (draft 7), with its last line feed: configs/schema.json.
std::string config_schema();

/// A Markdown table with a row for each key: part of configs/README.md.
std::string config_table();

}  // namespace widthwise

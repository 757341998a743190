// SPDX-License-Identifier: Apache-2.0
// What the page shows of a results folder, whatever command wrote it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/json_node.h"

namespace widthwise {

/// A name and a value; of energies by component, counts by cause and lines of text about a run.
template <typename Value>
using Named = std::vector<std::pair<std::string, Value>>;

/// One setting of the hardware over all images.
struct Point {
    std::string series;                ///< everything but the width: network, accelerator, settings that vary
    int bits = 0;                      ///< accumulator width of all layers; 0: they differ
    std::string widths;                ///< as text, "18" or "c1=18,c3=16"
    std::optional<double> accuracy;    ///< percent
    std::optional<double> overflowed;  ///< percent of the outputs; none of shapes only
    double cycles = 0;                 ///< of one inference
    double energy = 0;                 ///< of one inference, in `unit`
    Named<double> components;          ///< of that energy
    std::string unit;                  ///< "pJ", "relative"
    std::string energy_table;
};

/// Finished psums from `low` to `high`, both included.
struct PsumBucket {
    std::int64_t low = 0;
    std::int64_t high = 0;
    std::uint64_t count = 0;
};

/// One layer of one run, or loading and storing around the layers; sums over all images.
struct LayerFigures {
    std::string name;
    std::string kind;
    double cycles = 0;
    double compute = 0;
    Named<double> stalls;
    Named<double> energy;
    double utilisation = 0;  ///< 0..1
    int bits = 0;            ///< accumulator; 0: the layer has none
    int bits_needed = 0;
    int l1_bound = 0;
    int type_bound = 0;
    double outputs = 0, transient = 0, persistent = 0;
    std::optional<std::pair<std::int64_t, std::int64_t>> psums;  ///< least and greatest
    std::vector<PsumBucket> histogram;                           ///< empty unless the run counted one
    std::size_t columns = 0;                                     ///< of the array; 0: no busy cycles are known
    std::vector<std::uint64_t> busy;  ///< cycles in which each element of the array multiplied, row by row
};

struct RunFigures {
    double images = 1;
    std::string unit;
    std::string energy_table;
    std::vector<LayerFigures> layers;
};

/// A combination of widths that a search evaluated on all images.
struct Candidate {
    std::string widths;
    double accuracy = 0;  ///< percent
    double loss = 0;      ///< points
    double energy = 0;    ///< of one inference
    double saving = 0;    ///< percent, against the widest
    bool on_front = false;
};

struct SearchFigures {
    std::string unit;
    std::string energy_table;
    std::vector<Candidate> candidates;
    Candidate best, widest;
    std::optional<Candidate> uniform;
    bool exact = true;
    std::string judged_by = "accuracy";  ///< or "agreement", with the classes of the widest
};

/// A point of a sweep that the hardware cannot run.
struct RefusedPoint {
    std::int64_t point = 0;
    std::string setting;  ///< what tells it from the others
    std::string reason;
};

struct ResultSet {
    std::string folder;
    std::string kind;  ///< the command that wrote it
    Named<std::string> facts;
    std::vector<Point> points;
    std::optional<RunFigures> run;
    std::optional<SearchFigures> search;
    std::string configuration;  ///< text; empty: the folder holds none
    std::vector<RefusedPoint> refused = {};
};

/// Reads what run, compare, sweep or search wrote. Throws InputError with the file and the place in it for a folder
/// that is missing or holds no results and for files that are broken or lack something.
ResultSet read_results(const std::string& folder);

}  // namespace widthwise

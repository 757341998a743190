// SPDX-License-Identifier: Apache-2.0
// A sweep: every point of a sweep file with what it found. Values are computed once for all points with the same
// arithmetic; cycles come from the schedule model and energies from counts.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/key_settings.h"
#include "config/run_config.h"
#include "data/dataset.h"
#include "energy/energy_table.h"
#include "explore/journal.h"
#include "explore/layer_variants.h"
#include "explore/sweep_file.h"
#include "network/network.h"
#include "results/run_report.h"

namespace widthwise {

/// Part `index` of `count`, 1..count: every count-th point.
struct Shard {
    int index = 1;
    int count = 1;
    [[nodiscard]] bool holds(std::size_t point) const {
        return point % static_cast<std::size_t>(count) == static_cast<std::size_t>(index - 1);
    }
};

/// What of a sweep is asked for, beside its file.
struct SweepRequest {
    Shard shard = {};
    std::vector<KeySetting> settings = {};  ///< changes of the accelerator file, by an option that is called `option`
    std::string option = "--set";
    bool strict = false;  ///< a point that the hardware cannot run ends the sweep before anything is computed
};

struct LayerResult {
    std::string name;
    std::string kind;
    int bits = 0;  ///< 0: no accumulators
    WorstCaseBits bounds;
    OverflowCounts overflow;
    PsumStats psums;
    double cycles = 0;  ///< per inference, as energy
    double energy = 0;
};

/// How good a point's outputs are without labels.
struct OutputQuality {
    std::uint64_t agreeing = 0;  ///< images of the same class as with exact sums
    MapQuality output;
};

struct PointResult {
    std::size_t point = 0;
    std::string refusal;  ///< why the hardware cannot run it; nothing else counts then
    std::optional<Accuracy> accuracy;
    std::optional<OutputQuality> output;  ///< against the same point with exact sums; none in journals without it
    OverflowCounts overflow;              ///< of all layers
    double cycles = 0;                    ///< per inference, as the next two and energy
    double microseconds = 0;
    double utilisation = 0;
    std::array<double, kComponentCount> energy{};
    double total_energy = 0;
    std::vector<LayerResult> layers;
};

class Sweep {
public:
    /// Reads everything that the sweep file names, checks every axis and plans the shard's points; the other points
    /// cost nothing and are not checked together. Throws InputError, also when the hardware can run no point at all.
    /// `data_root` holds the shipped energy tables; `version` is the tool's.
    Sweep(const std::string& path, const std::string& data_root, const std::string& version,
          const SweepRequest& request = {});
    Sweep(const Sweep&) = delete;
    Sweep& operator=(const Sweep&) = delete;

    struct Table {
        EnergyTable table;
        std::string digest;
    };
    struct Point {
        std::size_t number = 0;  ///< among all points
        RunConfig config;
        std::string
            refusal;  ///< why the hardware cannot run it; what stands below is not known then, but for the table
        std::size_t network = 0;
        std::size_t variants = 0;  ///< of its layers
        std::size_t table = 0;
        std::size_t data = 0;  ///< what is made of the images
        std::size_t timing = 0;
        ValuePath path;
        ValuePath reference;  ///< the same with accumulators that no sum leaves
        std::string digest;   ///< of everything that decides its values
    };

    [[nodiscard]] const SweepFile& file() const { return file_; }
    [[nodiscard]] const RunConfig& base() const { return base_; }
    [[nodiscard]] const Dataset& dataset() const { return dataset_; }
    [[nodiscard]] const std::deque<Network>& networks() const { return networks_; }
    [[nodiscard]] const std::deque<Table>& tables() const { return tables_; }
    [[nodiscard]] const Shard& shard() const { return request_.shard; }
    /// The shard's.
    [[nodiscard]] const std::vector<Point>& points() const { return points_; }
    /// The energy table of the one of this number.
    [[nodiscard]] const EnergyTable& table_of(std::size_t number) const { return tables_[point(number).table].table; }
    /// How many of them the hardware cannot run.
    [[nodiscard]] std::size_t refused() const { return refused_; }
    /// The one of this number among all; the shard must hold it.
    [[nodiscard]] const Point& point(std::size_t number) const {
        return points_[number / static_cast<std::size_t>(request_.shard.count)];
    }
    /// Of the preprocessing, without effect in any network.
    [[nodiscard]] const std::vector<UnusedKey>& unused_data_keys() const { return unused_data_keys_; }
    [[nodiscard]] const std::string& version() const { return version_; }
    [[nodiscard]] int first_image() const { return first_; }
    [[nodiscard]] int end_image() const { return end_; }

    /// Digests that the points need, each once, in their order.
    [[nodiscard]] std::vector<std::string> digests() const;
    /// How many of them the journal does not have.
    [[nodiscard]] std::size_t missing(const Journal& journal) const;
    /// Throws InputError when an entry for one of the points cannot be of this network and these images.
    void check(const Journal& journal) const;
    /// Computes those, adding them to the journal. `report` counts images, missing() times the images in all.
    void compute(Journal& journal, int threads, const std::function<void(std::size_t)>& report) const;
    /// Throws InputError naming a point whose values the journal does not have.
    [[nodiscard]] std::vector<PointResult> results(const Journal& journal, int threads) const;

private:
    struct Timing {
        RunRecord batch;
        RunRecord rest;
    };
    /// What is made of the images before a network takes them.
    struct Data {
        Preprocessing given;
        Preprocessing resolved;  ///< the scale is known, unless networks differ in it
        std::string digest;      ///< with the images
    };
    void refuse_keys_set_twice() const;
    void choose_images(int available);
    void check_axes(const std::string& data_root);
    void check_layer_names() const;
    void read_images(DatasetFiles files);
    void check_labels(const Network& network) const;
    void find_unused_data_keys();
    void plan(std::size_t point);
    void plan_values(Point& planned, const Schedule& schedule);
    void refuse(Point& point, const std::string& reason);
    [[nodiscard]] std::string about_point(std::size_t point) const;
    std::size_t network_index(const RunConfig& config);
    std::size_t variants_index(std::size_t network, const Schedule& schedule);
    std::size_t table_index(const std::string& name, const std::string& data_root);
    std::size_t data_index(const Preprocessing& given);
    std::size_t timing_index(const Point& point, const Schedule& schedule);
    void check_prices(const EnergyTable& table, const Schedule& schedule);
    [[nodiscard]] Timing timing(const Point& point) const;
    [[nodiscard]] std::string data_digest(const Preprocessing& preprocessing) const;
    void check_outcome(const Point& point, const ValueOutcome& outcome, const std::string& place) const;
    /// Of one network and data.
    void compute(Journal& journal, const std::vector<const Point*>& points, int threads,
                 const std::function<void(std::size_t)>& report) const;
    [[nodiscard]] PointResult result(const Point& point, const ValueOutcome& values, const Timing& timing) const;

    SweepRequest request_;
    std::string version_;
    SweepFile file_;
    RunConfig base_;
    Dataset dataset_;
    std::vector<UnusedKey> unused_data_keys_;
    int first_ = 0;
    int end_ = 0;
    std::deque<Network> networks_;
    std::vector<std::string> network_names_;  ///< of each its path and output
    /// Of each network and list of its layers: where a pool is a layer of its own in some points, their layers are others.
    std::deque<LayerVariants> variants_;
    std::map<std::pair<std::size_t, std::vector<int>>, std::size_t> variants_of_;
    std::deque<Table> tables_;
    std::map<std::string, std::size_t> table_names_;
    std::deque<Data> data_;
    std::map<std::string, std::size_t> timings_;
    std::set<std::string> priced_;
    std::vector<std::size_t> timing_points_;  ///< of each timing the place of a point in points_
    std::vector<Point> points_;
    std::size_t refused_ = 0;
};

}  // namespace widthwise

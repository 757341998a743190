// SPDX-License-Identifier: Apache-2.0
#include "report/result_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>

#include "common/error.h"
#include "common/input_file.h"
#include "config/yaml_reader.h"
#include "report/csv_reader.h"
#include "report/run_figures.h"
#include "results/staged_files.h"
#include "text/list_text.h"

namespace widthwise {
namespace {

namespace fs = std::filesystem;

/// "lenet5" of "models/lenet5.onnx"
std::string stem(const std::string& path) { return fs::path(path).stem().string(); }

std::string file_and_digest(const JsonNode& file) {
    return fmt::format("{} (MD5 {})", file["file"].text(), file["md5"].text());
}

std::string table_text(const JsonNode& table) {
    return fmt::format("{}: unit {}, node {}; {}", table["name"].text(), table["unit"].text(), table["node"].text(),
                       table["source"].text());
}

/// What all commands say about themselves.
void add_facts(const JsonNode& json, ResultSet& set) {
    const auto add = [&](const std::string& name, const std::string& value) { set.facts.emplace_back(name, value); };
    add("command", json["command"].text());
    add("accelerator", json["accelerator"].text());
    if (json.has("network")) add("network", file_and_digest(json["network"]));
    if (json.has("networks")) {
        for (const JsonNode& network : json["networks"].items()) add("network", file_and_digest(network));
    }
    const JsonNode data = json["data"];
    const JsonNode images = json["images"];
    add("images", data.has("images") ? fmt::format("{}:{} of {}", images["first"].integer(), images["end"].integer(),
                                                   file_and_digest(data["images"]))
                                     : fmt::format("none: a batch of {} by its shapes", images["count"].integer()));
    if (data.has("labels")) add("labels", file_and_digest(data["labels"]));
    if (json.has("energy_table")) add("energy table", table_text(json["energy_table"]));
    if (json.has("energy_tables")) {
        for (const JsonNode& table : json["energy_tables"].items()) add("energy table", table_text(table));
    }
    add("clock", fmt::format("{} MHz", json["clock_mhz"].number()));
    add("engine", json["engine"].text());
    add("tool", fmt::format("widthwise {}", json["tool"]["version"].text()));
}

Named<double> components_of(const JsonNode& energy) {
    Named<double> components;
    for (const auto& [name, value] : energy.members()) {
        if (name != "total") components.emplace_back(name, value.number());
    }
    return components;
}

double overflowed_percent(const JsonNode& overflow) {
    const double outputs = overflow["outputs"].number();
    const double bad = overflow["transient"].number() + overflow["persistent"].number();
    return outputs == 0 ? 0 : 100 * bad / outputs;
}

/// A run, or one width of a comparison; `json` has accuracy, per_inference, total and layers.
Point point_of(const JsonNode& json, const JsonNode& provenance) {
    Point point;
    point.series = fmt::format("{}, {}", stem(provenance["network"]["file"].text()), provenance["accelerator"].text());
    if (json.has("accuracy")) point.accuracy = json["accuracy"]["percent"].number();
    const JsonNode inference = json["per_inference"];
    point.cycles = inference["cycles"].number();
    point.energy = inference["energy"]["total"].number();
    point.components = components_of(inference["energy"]);
    point.unit = provenance["energy_table"]["unit"].text();
    point.energy_table = provenance["energy_table"]["name"].text();
    double outputs = 0, bad = 0;
    const bool known = !json.has("shapes_only");
    std::set<std::int64_t> widths;
    std::vector<std::string> texts;
    for (const JsonNode& layer : json["layers"].items()) {
        if (!layer.has("accumulator")) continue;
        const JsonNode accumulator = layer["accumulator"];
        widths.insert(accumulator["bits"].integer());
        texts.push_back(named_part_text(layer["name"].text(), static_cast<int>(accumulator["bits"].integer())));
        if (!accumulator.has("overflow")) continue;
        outputs += accumulator["overflow"]["outputs"].number();
        bad += accumulator["overflow"]["transient"].number() + accumulator["overflow"]["persistent"].number();
    }
    if (known) point.overflowed = outputs == 0 ? 0 : 100 * bad / outputs;
    if (widths.size() == 1) point.bits = static_cast<int>(*widths.begin());
    point.widths = point.bits > 0 ? fmt::format("{}", point.bits) : fmt::format("{}", fmt::join(texts, ","));
    return point;
}

void read_run(const JsonNode& json, ResultSet& set) {
    set.points.push_back(point_of(json, json));
    set.run = read_run_figures(set.folder, json);
}

void read_comparison(const JsonNode& json, ResultSet& set) {
    for (const JsonNode& width : json["widths"].items()) set.points.push_back(point_of(width, json));
}

int width_of(const JsonNode& text) {
    const std::string digits = text.text();
    int value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size()) text.refuse("is no width in bits");
    return value;
}

/// What tells a point of a sweep from the others, widths and energy table aside.
std::string series_of(const JsonNode& settings, const std::set<std::string>& varying, const std::string& accelerator) {
    std::string series = fmt::format("{}, {}", stem(settings["network"].text()), accelerator);
    for (const std::string& name : varying) {
        if (name == "accumulator_bits" || name == "layer_accumulators" || name == "energy_table" || name == "network") {
            continue;
        }
        std::string spaced = name;
        std::replace(spaced.begin(), spaced.end(), '_', ' ');
        series += fmt::format(", {} {}", spaced, settings[name].text());
    }
    return series;
}

/// "accumulator_bits 18, array_rows 4"
std::string setting_of(const JsonNode& settings, const std::set<std::string>& varying) {
    std::vector<std::string> parts;
    parts.reserve(varying.size());
    for (const std::string& name : varying) parts.push_back(fmt::format("{} {}", name, settings[name].text()));
    return fmt::format("{}", fmt::join(parts, ", "));
}

void read_sweep(const JsonNode& json, ResultSet& set) {
    std::set<std::string> varying;
    const std::vector<JsonNode> points = json["points"].items();
    for (const JsonNode& point : points) {
        for (const auto& [name, value] : point["settings"].members()) {
            if (value.text() != points.front()["settings"][name].text()) varying.insert(name);
        }
    }
    for (const JsonNode& at : points) {
        const JsonNode settings = at["settings"];
        if (at.has("cannot_run")) {
            set.refused.push_back({at["point"].integer(), setting_of(settings, varying), at["cannot_run"].text()});
            continue;
        }
        Point point;
        point.series = series_of(settings, varying, json["accelerator"].text());
        const std::string exceptions = settings["layer_accumulators"].text();
        point.widths = settings["accumulator_bits"].text();
        if (exceptions.empty()) point.bits = width_of(settings["accumulator_bits"]);
        else point.widths += "," + exceptions;
        if (at.has("accuracy")) point.accuracy = at["accuracy"]["percent"].number();
        point.overflowed = overflowed_percent(at["overflow"]);
        point.cycles = at["per_inference"]["cycles"].number();
        point.energy = at["energy_per_inference"]["total"].number();
        point.components = components_of(at["energy_per_inference"]);
        point.unit = at["energy_unit"].text();
        point.energy_table = settings["energy_table"].text();
        set.points.push_back(std::move(point));
    }
    std::string& text = set.configuration;
    text = fmt::format("sweep: {}\nconfig: {}\naxes:\n", json["sweep"].text(), json["config"].text());
    for (const JsonNode& axis : json["axes"].items()) {
        std::vector<std::string> values;
        for (const JsonNode& value : axis["values"].items()) values.push_back(value.text());
        text += fmt::format("  {}: {}\n", axis["name"].text(), fmt::join(values, ", "));
    }
}

Candidate candidate_of(const JsonNode& json) {
    return {json["accumulator"].text(),      json["accuracy_percent"].number(),
            json["loss_points"].number(),    json["energy_per_inference"].number(),
            json["saving_percent"].number(), true};
}

std::vector<Candidate> candidates(const std::string& path) {
    const CsvTable table = CsvTable::read(path);
    const std::size_t accuracy = table.column("accuracy_percent"), loss = table.column("loss_points"),
                      energy = table.column("energy_per_inference"), saving = table.column("saving_percent"),
                      front = table.column("pareto");
    std::vector<Candidate> candidates;
    for (std::size_t row = 0; row < table.rows(); ++row) {
        std::vector<std::string> widths;
        for (std::size_t c = 0; c < table.header().size(); ++c) {
            constexpr std::string_view kPrefix = "bits_";
            const std::string& name = table.header()[c];
            if (name.starts_with(kPrefix)) {
                widths.push_back(named_part_text(name.substr(kPrefix.size()), static_cast<int>(table.integer(row, c))));
            }
        }
        candidates.push_back({fmt::format("{}", fmt::join(widths, ",")), table.number(row, accuracy),
                              table.number(row, loss), table.number(row, energy), table.number(row, saving),
                              table.text(row, front) == "true"});
    }
    return candidates;
}

void read_search(const JsonNode& json, ResultSet& set) {
    SearchFigures& search = set.search.emplace();
    search.unit = json["energy_unit"].text();
    search.energy_table = json["energy_table"]["name"].text();
    search.best = candidate_of(json["best"]);
    search.widest = candidate_of(json["widest"]);
    if (json.has("uniform")) search.uniform = candidate_of(json["uniform"]);
    search.exact = json["exact"].truth();
    if (json.has("judged_by") && json["judged_by"].text() == "agreement") search.judged_by = "agreement";
    search.candidates = candidates(set.folder + "/evaluations.csv");
    const JsonNode request = json["request"];
    set.facts.emplace_back(
        "search", fmt::format("least {}, widths {} to {}, at most {} points of {} lost", request["minimise"].text(),
                              request["from"].integer(), request["to"].integer(), request["max_loss_points"].number(),
                              search.judged_by));
}

struct Kind {
    const char* file;
    const char* command;
    void (*read)(const JsonNode&, ResultSet&);
};
constexpr Kind kKinds[] = {{"summary.json", "run", read_run},
                           {"comparison.json", "compare", read_comparison},
                           {"sweep.json", "sweep", read_sweep},
                           {"search.json", "search", read_search}};

void read_configuration(const std::string& path, std::string& text) {
    std::error_code error;
    if (fs::exists(path, error)) text = read_input_file(path, kYamlFile);
}

}  // namespace

ResultSet read_results(const std::string& folder) {
    Staging::recover(folder, "result folder");
    StagedFiles::finish(folder, "sweep.json", "result folder");
    std::error_code error;
    const fs::file_status status = fs::status(folder, error);
    if (status.type() == fs::file_type::not_found) throw InputError(fmt::format("{}: there is no such folder", folder));
    if (!fs::is_directory(status)) throw InputError(fmt::format("{}: is not a folder", folder));
    for (const Kind& kind : kKinds) {
        const std::string path = (fs::path(folder) / kind.file).string();
        if (!fs::exists(path, error)) continue;
        ResultSet set;
        set.folder = folder;
        set.kind = kind.command;
        const JsonNode::Json json = JsonNode::read(path);
        const JsonNode root(json, path);
        add_facts(root, set);
        read_configuration((fs::path(folder) / "config.yaml").string(), set.configuration);
        kind.read(root, set);
        return set;
    }
    if (fs::exists(fs::path(folder) / "journal", error)) {
        throw InputError(fmt::format(
            "{}: its sweep is not complete; finish it with widthwise sweep ... --out {} --resume", folder, folder));
    }
    throw InputError(
        fmt::format("{}: is no results folder: it holds none of summary.json (run), comparison.json "
                    "(compare), sweep.json (sweep), search.json (search)",
                    folder));
}

}  // namespace widthwise

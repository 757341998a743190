// SPDX-License-Identifier: Apache-2.0
// widthwise report: results folders as one HTML page.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <filesystem>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/run_options.h"
#include "common/output_file.h"
#include "report/page.h"
#include "report/result_set.h"
#include "results/run_files.h"
#include "results/staged_output.h"
#include "text/printable.h"

namespace widthwise {
namespace {

/// What is on the page, for scripts.
nlohmann::ordered_json contents(const ReportJson& report, const std::string& path, std::size_t bytes) {
    nlohmann::ordered_json json = {{"page", path}, {"bytes", bytes}, {"charts", nlohmann::ordered_json::array()}};
    const auto add = [&](const ReportJson& sections) {
        for (const ReportJson& section : sections) {
            for (const ReportJson& chart : section["charts"]) {
                json["charts"].push_back({{"section", section["id"]}, {"kind", chart["kind"]}});
            }
        }
    };
    add(report["sections"]);
    for (const ReportJson& folder : report["folders"]) add(folder["sections"]);
    return json;
}

void make_report(const ParsedOptions& options) {
    const std::string path =
        options.text("out", (std::filesystem::path(options.argument) / "report.html").lexically_normal().string());
    std::vector<ResultSet> sets;
    for (const std::string& folder : options.arguments) sets.push_back(read_results(folder));
    const ReportJson report = report_json(sets, tool_version());
    const std::string page = report_page(report);
    {
        const InterruptGuard guard;
        StagedOutput output(path, StagedOutput::Kind::file, options.has("force"), "report");
        write_file(output.partial(), page);
        InterruptGuard::check();
        output.commit();
    }
    const nlohmann::ordered_json json = contents(report, path, page.size());
    if (options.has("json")) print_text(json_text(json));
    else if (!options.has("quiet"))
        print_text(fmt::format("{}: {} charts, {} kB\n", printable(path), json["charts"].size(), page.size() / 1000));
}

}  // namespace

Command report_command() {
    CommandSpec spec;
    spec.name = "report";
    spec.argument = "DIR";
    spec.repeats_argument = true;
    spec.summary = "Turn results folders into one HTML page with charts that needs no network.";
    spec.details =
        "DIR is what run, compare, sweep or search wrote with --out. Several folders share one page; their\n"
        "accuracies and energies come into the same charts.";
    spec.options = {{"out", "FILE", "Page to write (default: report.html in the first DIR)."}, force_option()};
    spec.preparations = {
        "mkdir -p results",
        "{} run configs/widthwise-8x8.yaml --images 0:20 --histogram --out results/report-run --force"};
    spec.examples = {"results/report-run --force"};
    return {spec, make_report};
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "explore/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "common/error.h"

namespace widthwise {
namespace {

/// Never costs more, whatever is gated. Of equals the narrower one is kept, which comes first.
bool costs_no_more(const WidthOption& a, const WidthOption& b, Minimise minimise) {
    if (minimise == Minimise::bits) return a.bits <= b.bits;
    return a.energy <= b.energy && a.energy_gated <= b.energy_gated;
}

/// Options of one layer but those that compute the same as a cheaper one.
std::vector<int> distinct_options(const WidthLayer& layer, Minimise minimise) {
    std::vector<int> kept;
    const auto at = [&](int option) -> const WidthOption& { return layer.options[static_cast<std::size_t>(option)]; };
    for (int o = 0; o < static_cast<int>(layer.options.size()); ++o) {
        const auto replaces = [&](int a, int b) {
            return at(a).variant == at(b).variant && costs_no_more(at(a), at(b), minimise);
        };
        if (std::any_of(kept.begin(), kept.end(), [&](int other) { return replaces(other, o); })) continue;
        std::erase_if(kept, [&](int other) { return replaces(o, other); });
        kept.push_back(o);
    }
    return kept;
}

}  // namespace

int SearchPoint::total_bits() const { return std::accumulate(bits.begin(), bits.end(), 0); }

double SearchResult::percent(const SearchPoint& point) const {
    return 100.0 * static_cast<double>(point.correct) / static_cast<double>(labelled);
}

double SearchResult::loss(const SearchPoint& point) const {
    const auto lost = static_cast<std::int64_t>(points[widest].correct) - static_cast<std::int64_t>(point.correct);
    return 100.0 * static_cast<double>(lost) / static_cast<double>(labelled);
}

std::vector<std::size_t> SearchResult::pareto() const {
    std::vector<std::size_t> order(points.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
        const SearchPoint& left = points[a];
        const SearchPoint& right = points[b];
        if (left.energy != right.energy) return left.energy < right.energy;
        if (left.correct != right.correct) return left.correct > right.correct;
        return left.bits < right.bits;
    });
    std::vector<std::size_t> front;
    for (const std::size_t p : order) {
        if (front.empty() || points[p].correct > points[front.back()].correct) front.push_back(p);
    }
    return front;
}

WidthSearch::WidthSearch(const WidthCosts& costs, ImageBlocks blocks, SearchRequest request)
    : costs_(costs), blocks_(std::move(blocks)), request_(std::move(request)) {
    result_.images = blocks_.images().size();
    result_.labelled = blocks_.labelled();
    if (result_.labelled == 0) throw InputError("a search needs labels: accuracy is not known without them");
    if (costs.layers().empty()) throw InputError("the network has no layer with an accumulator");
    result_.combinations = 1;
    for (const WidthLayer& layer : costs.layers()) {
        result_.layers.push_back(layer.name);
        widest_.push_back(static_cast<int>(layer.options.size()) - 1);
        distinct_.push_back(distinct_options(layer, request_.minimise));
        result_.combinations *= static_cast<double>(distinct_.back().size());
    }
}

SearchResult WidthSearch::run() {
    survey();
    narrow_alone();
    Choice choice = start();
    repair(choice);
    descend(choice);
    prove(choice);
    result_.best = evaluate({choice}, "proof").front();
    result_.evaluations += outcomes_.size();
    return result_;
}

void WidthSearch::say(const std::string& stage) const {
    if (request_.report) request_.report(stage);
}

std::vector<std::size_t> WidthSearch::evaluate(const std::vector<Choice>& choices, const std::string& origin) {
    std::vector<ValuePath> unknown;
    for (const Choice& choice : choices) {
        ValuePath path = costs_.path(choice);
        if (outcomes_.contains(path) || std::find(unknown.begin(), unknown.end(), path) != unknown.end()) continue;
        unknown.push_back(std::move(path));
    }
    if (!unknown.empty()) {
        std::map<int, std::vector<std::size_t>> wrong;  // an entry per image, so that threads do not meet
        for (const int image : blocks_.images()) wrong[image];
        const auto report = [&](std::size_t) { say(origin); };
        const std::vector<ValueOutcome> found =
            widthwise::evaluate(costs_.variants(), blocks_, unknown, request_.threads, report,
                                [&](int image, std::size_t path) { wrong.at(image).push_back(path); });
        for (const auto& [image, paths] : wrong) {
            for (const std::size_t path : paths) missed_[image].push_back(found[path].correct);
        }
        for (std::size_t i = 0; i < unknown.size(); ++i) outcomes_[unknown[i]] = found[i];
    }
    std::vector<std::size_t> points;
    for (const Choice& choice : choices) {
        SearchPoint point;
        for (std::size_t l = 0; l < choice.size(); ++l) {
            point.bits.push_back(costs_.layers()[l].options[static_cast<std::size_t>(choice[l])].bits);
        }
        const auto [place, is_new] = known_.emplace(point.bits, result_.points.size());
        points.push_back(place->second);
        if (!is_new) continue;
        const ValueOutcome& outcome = outcomes_.at(costs_.path(choice));
        point.origin = origin;
        point.correct = outcome.correct;
        point.energy = costs_.energy(choice, outcome.layers).value() / static_cast<double>(result_.images);
        result_.points.push_back(std::move(point));
    }
    return points;
}

double WidthSearch::cost(std::size_t point) const {
    const SearchPoint& p = result_.points[point];
    return request_.minimise == Minimise::bits ? p.total_bits() : p.energy;
}

bool WidthSearch::better(std::size_t a, std::size_t b) const {
    if (cost(a) != cost(b)) return cost(a) < cost(b);
    const SearchPoint& left = result_.points[a];
    const SearchPoint& right = result_.points[b];
    if (left.correct != right.correct) return left.correct > right.correct;
    if (left.energy != right.energy) return left.energy < right.energy;
    return left.bits < right.bits;
}

WidthSearch::Choice WidthSearch::choice_of(std::size_t point) const {
    Choice choice;
    for (const int bits : result_.points[point].bits) choice.push_back(bits - request_.from);
    return choice;
}

/// Uniform widths say what the bound means in images, and which images are hard.
void WidthSearch::survey() {
    std::vector<Choice> choices;
    for (int o = 0; o <= widest_.front(); ++o) choices.emplace_back(widest_.size(), o);
    const std::vector<std::size_t> points = evaluate(choices, "uniform");
    result_.widest = points.back();
    const auto widest_correct = static_cast<double>(result_.points[result_.widest].correct);
    const double may_lose = request_.max_loss * static_cast<double>(result_.labelled) / 100.0;
    constexpr double kRounding = 1e-9;  // so that 0.1 points of 10,000 images are ten images
    const double needed = std::ceil(widest_correct - may_lose - kRounding);
    result_.needed_correct = static_cast<std::uint64_t>(std::max(0.0, needed));
    for (std::size_t i = points.size(); i-- > 0 && result_.good_enough(result_.points[points[i]]);) {
        result_.uniform = points[i];
    }
}

/// Only whether each is good enough is asked, so bad ones need not see all images.
void WidthSearch::narrow_alone() {
    sort_images();
    std::vector<ValuePath> paths;
    for (std::size_t l = 0; l < widest_.size(); ++l) {
        for (const int option : distinct_[l]) {
            Choice choice = widest_;
            choice[l] = option;
            paths.push_back(costs_.path(choice));
        }
    }
    Rejecter rejecter(costs_.variants(), blocks_, request_.threads);
    const auto verdicts = judge(rejecter, paths, "each layer alone");
    std::size_t next = 0;
    for (std::size_t l = 0; l < widest_.size(); ++l) {
        const std::size_t first = next;
        next += distinct_[l].size();
        int narrowest = costs_.layers()[l].options.back().bits;
        for (std::size_t i = next; i-- > first && !verdicts[i].rejected;) {
            narrowest = costs_.layers()[l].options[static_cast<std::size_t>(distinct_[l][i - first])].bits;
        }
        result_.alone.push_back(narrowest);
    }
    for (const Rejecter::Verdict& verdict : verdicts) result_.evaluations += verdict.rejected ? 0 : 1;
}

std::vector<Rejecter::Verdict> WidthSearch::judge(Rejecter& rejecter, const std::vector<ValuePath>& paths,
                                                  const std::string& stage) {
    const auto report = [&](std::size_t) { say(stage); };
    auto verdicts = rejecter.judge(paths, result_.labelled - result_.needed_correct, report);
    for (const Rejecter::Verdict& verdict : verdicts) {
        if (!verdict.rejected) continue;
        ++result_.rejected;
        result_.rejected_blocks += verdict.blocks;
    }
    return verdicts;
}

WidthSearch::Choice WidthSearch::start() {
    Choice choice;
    for (const int bits : result_.alone) choice.push_back(bits - request_.from);
    evaluate({choice}, "start");
    return choice;
}

/// Widens one layer after the other, the one that helps most first, until the bound holds; at the widest it does.
void WidthSearch::repair(Choice& choice) {
    while (!result_.good_enough(result_.points[evaluate({choice}, "repair").front()])) {
        std::vector<Choice> wider;
        for (std::size_t l = 0; l < choice.size(); ++l) {
            if (choice[l] == widest_[l]) continue;
            wider.push_back(choice);
            ++wider.back()[l];
        }
        const std::vector<std::size_t> points = evaluate(wider, "repair");
        const auto first = std::min_element(points.begin(), points.end(), [this](std::size_t a, std::size_t b) {
            const bool good = result_.good_enough(result_.points[a]);
            if (good != result_.good_enough(result_.points[b])) return good;
            if (!good && result_.points[a].correct != result_.points[b].correct) {
                return result_.points[a].correct > result_.points[b].correct;
            }
            return better(a, b);
        });
        choice = choice_of(*first);
    }
}

/// Narrows one layer after the other, the one that saves most first, while the bound holds.
void WidthSearch::descend(Choice& choice) {
    std::size_t best = evaluate({choice}, "descent").front();
    if (result_.uniform && better(*result_.uniform, best)) best = *result_.uniform;
    while (true) {
        choice = choice_of(best);
        std::vector<Choice> narrower;
        for (std::size_t l = 0; l < choice.size(); ++l) {
            if (choice[l] == 0) continue;
            narrower.push_back(choice);
            --narrower.back()[l];
        }
        const std::size_t before = best;
        for (const std::size_t point : evaluate(narrower, "descent")) {
            if (result_.good_enough(result_.points[point]) && better(point, best)) best = point;
        }
        if (best == before) return;
    }
}

/// The images that almost good combinations miss most often come first, then those that any combination misses.
void WidthSearch::sort_images() {
    constexpr std::uint64_t kAlmost = 20;  // loses a twentieth of the images
    const std::uint64_t almost = result_.needed_correct - result_.needed_correct / kAlmost;
    std::vector<std::pair<std::pair<std::size_t, std::size_t>, int>> hardness;
    for (const int image : blocks_.images()) {
        const std::vector<std::uint64_t>& by = missed_[image];
        const auto close = static_cast<std::size_t>(
            std::count_if(by.begin(), by.end(), [&](std::uint64_t correct) { return correct >= almost; }));
        hardness.push_back({{close, by.size()}, image});
    }
    std::sort(hardness.begin(), hardness.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    std::vector<int> order;
    order.reserve(hardness.size());
    for (const auto& [hard, image] : hardness) order.push_back(image);
    blocks_ = blocks_.in_order(std::move(order));
}

void WidthSearch::prove(Choice& choice) {
    sort_images();
    const double images = request_.minimise == Minimise::bits ? 1 : static_cast<double>(result_.images);
    const double fixed = request_.minimise == Minimise::bits ? 0 : costs_.fixed_energy().value();
    std::vector<std::vector<double>> least(distinct_.size());
    for (std::size_t l = 0; l < distinct_.size(); ++l) {
        for (const int option : distinct_[l]) {
            const WidthOption& o = costs_.layers()[l].options[static_cast<std::size_t>(option)];
            least[l].push_back(request_.minimise == Minimise::bits ? o.bits
                                                                   : std::min(o.energy, o.energy_gated).value());
        }
    }
    CheapestFirst combinations(least);
    Rejecter rejecter(costs_.variants(), blocks_, request_.threads);
    std::size_t best = evaluate({choice}, "proof").front();
    // The same sums in another order may differ in their last bits; and each of four energies that gating changes is
    // rounded to a millionth, so that a layer can come to a little less than both its bounds.
    const double slack = 4e-6 * static_cast<double>(distinct_.size()) / images;
    const auto in_question = [&] {
        return !combinations.empty() && (fixed + combinations.cost()) / images <= cost(best) * (1 + 1e-12) + slack;
    };
    std::uint64_t judged = 0;
    std::size_t portion = 256;
    while (in_question() && judged < request_.limit) {
        std::vector<Choice> choices;
        std::vector<ValuePath> paths;
        while (choices.size() < portion && judged < request_.limit && in_question()) {
            Choice next = combinations.take();
            for (std::size_t l = 0; l < next.size(); ++l) next[l] = distinct_[l][static_cast<std::size_t>(next[l])];
            ++judged;
            paths.push_back(costs_.path(next));
            choices.push_back(std::move(next));
        }
        const auto verdicts = judge(rejecter, paths, "proof");
        std::vector<Choice> passed;
        for (std::size_t i = 0; i < verdicts.size(); ++i) {
            if (!verdicts[i].rejected) passed.push_back(choices[i]);
        }
        for (const std::size_t point : evaluate(passed, "proof")) {
            if (!result_.good_enough(result_.points[point])) {
                throw SimulationError("search: a combination that was not rejected is not good enough");
            }
            if (better(point, best)) best = point;
        }
        constexpr std::size_t kLargest = 8192;
        portion = std::min(2 * portion, kLargest);
    }
    result_.exact = !in_question();
    result_.lower_bound = result_.exact ? cost(best) : (fixed + combinations.cost()) / images;
    choice = choice_of(best);
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// The cheapest accumulator width of each layer whose accuracy loses no more than a bound.
//
// 1. All uniform widths on all images, and which widths each layer bears alone, the others at the widest.
// 2. A start from the narrowest widths that each layer bears alone, widened until the bound holds, then narrowed
//    layer by layer while it holds.
// 3. Proof: all cheaper combinations in order of cost, each rejected as soon as it has too many images wrong, the
//    hardest images first. The first that is not rejected is the cheapest. When the proof would take more
//    combinations than allowed, the result of 2 stands, with the cost below which there is nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "explore/image_blocks.h"
#include "explore/search_proof.h"
#include "explore/validation.h"
#include "explore/value_evaluation.h"
#include "explore/width_costs.h"

namespace widthwise {

enum class Minimise : std::uint8_t { energy, bits };

struct SearchRequest {
    int from = 8;         ///< widths in question, 2..48
    int to = 32;          ///< also the reference
    double max_loss = 0;  ///< percentage points
    Minimise minimise = Minimise::energy;
    std::uint64_t limit = 500000;  ///< combinations that the proof may judge
    bool agreement = false;        ///< the images' labels are the classes that the widest gives them
    int threads = 1;
    /// Called now and then with what is going on, from the calling thread; may throw to end the search.
    std::function<void(const std::string& stage)> report;
};

/// A combination of widths with its accuracy over all images.
struct SearchPoint {
    std::vector<int> bits;  ///< of each layer with an accumulator
    std::string origin;     ///< which step looked at it
    std::uint64_t correct = 0;
    double energy = 0;  ///< of one inference
    [[nodiscard]] int total_bits() const;
};

struct SearchResult {
    std::vector<std::string> layers;
    std::uint64_t images = 0;
    std::uint64_t labelled = 0;
    std::vector<SearchPoint> points;     ///< all that were computed on all images, each once
    std::size_t widest = 0;              ///< into points: the reference
    std::size_t best = 0;                ///< into points
    std::optional<std::size_t> uniform;  ///< into points: the narrowest uniform width from which on all are good enough
    std::vector<int>
        alone;  ///< of each layer: the narrowest width from which on all are good enough, others at the widest
    std::uint64_t needed_correct = 0;
    bool exact = false;      ///< nothing cheaper is good enough
    double lower_bound = 0;  ///< cost (energy of one inference, or bits) below which there is nothing good enough
    std::uint64_t evaluations = 0;      ///< combinations computed on all images
    std::uint64_t rejected = 0;         ///< combinations rejected on some images
    std::uint64_t rejected_blocks = 0;  ///< blocks of images that took
    double combinations = 0;            ///< there are, widths that cannot differ counted once
    int validated_first = 0;            ///< images [first, end) of the validation
    int validated_end = 0;
    std::vector<ValidatedPoint> validation;  ///< widest, uniform if there is one, chosen; none if not asked for

    [[nodiscard]] double percent(const SearchPoint& point) const;
    /// Percentage points below the reference; negative when it is better.
    [[nodiscard]] double loss(const SearchPoint& point) const;
    [[nodiscard]] bool good_enough(const SearchPoint& point) const { return point.correct >= needed_correct; }
    /// Points that no other beats in accuracy without costing more energy; ascending energy.
    [[nodiscard]] std::vector<std::size_t> pareto() const;
};

class WidthSearch {
public:
    /// `costs` made with from..to of the request and as many images as there are in the blocks. Throws InputError when
    /// no image has a label.
    WidthSearch(const WidthCosts& costs, ImageBlocks blocks, SearchRequest request);

    SearchResult run();

private:
    /// An option of each layer, by its number in WidthCosts::layers().
    using Choice = std::vector<int>;

    void survey();
    void narrow_alone();
    Choice start();
    void repair(Choice& choice);
    void descend(Choice& choice);
    void prove(Choice& choice);
    void sort_images();
    std::vector<Rejecter::Verdict> judge(Rejecter& rejecter, const std::vector<ValuePath>& paths,
                                         const std::string& stage);

    /// Points of these choices; those not known yet are evaluated together.
    std::vector<std::size_t> evaluate(const std::vector<Choice>& choices, const std::string& origin);
    [[nodiscard]] double cost(std::size_t point) const;
    /// Whether `a` is to be preferred to `b`, both good enough: cost, then accuracy, then energy, then widths.
    [[nodiscard]] bool better(std::size_t a, std::size_t b) const;
    [[nodiscard]] Choice choice_of(std::size_t point) const;
    void say(const std::string& stage) const;

    const WidthCosts& costs_;
    ImageBlocks blocks_;
    SearchRequest request_;
    SearchResult result_;
    Choice widest_;
    std::vector<std::vector<int>>
        distinct_;  ///< of each layer: options that differ in values, the cheapest of equal ones
    std::map<ValuePath, ValueOutcome> outcomes_;
    std::map<std::vector<int>, std::size_t> known_;  ///< points by widths
    std::map<int, std::vector<std::uint64_t>>
        missed_;  ///< by image: how many images each path that missed it got right
};

}  // namespace widthwise

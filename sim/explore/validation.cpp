// SPDX-License-Identifier: Apache-2.0
#include "explore/validation.h"

#include <boost/math/distributions/binomial.hpp>

#include "engine/fast/fast_engine.h"
#include "results/classifier.h"

namespace widthwise {

std::vector<int> classes_of(const Network& network, const HardwareParams& hardware, int first, int end, int threads,
                            const ImageSource& source, const std::function<void(int)>& report) {
    FastEngine engine(network, hardware, threads);
    const Classifier classify(network);
    std::vector<int> classes;
    engine.run(first, end, source, [&](int, std::span<const std::uint8_t> output) {
        classes.push_back(classify(output));
        report(1);
    });
    return classes;
}

std::vector<ValidatedPoint> validate(const Network& network, const std::vector<WidthSetting>& candidates, int first,
                                     int end, int threads, const ImageSource& source, const LabelSource& label,
                                     const std::function<void(int)>& report) {
    std::vector<ValidatedPoint> points;
    std::vector<int> reference;
    for (const WidthSetting& candidate : candidates) {
        const std::vector<int> classes = classes_of(network, candidate.hardware, first, end, threads, source, report);
        if (points.empty()) reference = classes;
        ValidatedPoint& point = points.emplace_back();
        point.name = candidate.name;
        point.images = classes.size();
        for (std::size_t i = 0; i < classes.size(); ++i) {
            const int known = label(first + static_cast<int>(i));
            point.labelled += known >= 0 ? 1U : 0U;
            point.correct += known >= 0 && known == classes[i] ? 1U : 0U;
            point.changed += classes[i] != reference[i] ? 1U : 0U;
        }
        point.changed_below = changed_below(point.changed, point.images);
    }
    return points;
}

double changed_below(std::uint64_t changed, std::uint64_t images) {
    if (changed == images) return 1;
    constexpr double kDoubt = 0.05;
    return boost::math::binomial_distribution<>::find_upper_bound_on_p(static_cast<double>(images),
                                                                       static_cast<double>(changed), kDoubt);
}

}  // namespace widthwise

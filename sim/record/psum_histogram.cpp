// SPDX-License-Identifier: Apache-2.0
#include "record/psum_histogram.h"

#include <utility>

namespace widthwise {
namespace {

void add_counts(std::vector<std::uint64_t>& counts, const std::vector<std::uint64_t>& others) {
    if (counts.size() < others.size()) counts.resize(others.size(), 0);
    for (std::size_t i = 0; i < others.size(); ++i) counts[i] += others[i];
}

}  // namespace

PsumHistogram& PsumHistogram::operator+=(const PsumHistogram& other) {
    add_counts(positive_, other.positive_);
    add_counts(negative_, other.negative_);
    return *this;
}

std::int64_t PsumHistogram::first_of(std::size_t index) {
    if (index < kPerOctave) return static_cast<std::int64_t>(index);
    const std::size_t shift = index / kPerOctave - 1;
    return static_cast<std::int64_t>((kPerOctave + index % kPerOctave) << shift);
}

std::vector<PsumHistogram::Bucket> PsumHistogram::buckets() const {
    std::vector<Bucket> buckets;
    for (std::size_t i = negative_.size(); i-- > 0;) {
        if (negative_[i] > 0) buckets.push_back({-first_of(i + 1), -first_of(i) - 1, negative_[i]});
    }
    for (std::size_t i = 0; i < positive_.size(); ++i) {
        if (positive_[i] > 0) buckets.push_back({first_of(i), first_of(i + 1) - 1, positive_[i]});
    }
    return buckets;
}

PsumHistogram PsumHistogram::from_counts(std::vector<std::uint64_t> positive, std::vector<std::uint64_t> negative) {
    PsumHistogram histogram;
    histogram.positive_ = std::move(positive);
    histogram.negative_ = std::move(negative);
    return histogram;
}

}  // namespace widthwise

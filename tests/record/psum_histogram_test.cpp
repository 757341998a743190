// SPDX-License-Identifier: Apache-2.0
#include "record/psum_histogram.h"

#include <gmock/gmock.h>

#include <limits>
#include <numeric>
#include <random>

namespace widthwise {
namespace {

using Bucket = PsumHistogram::Bucket;

PsumHistogram histogram_of(const std::vector<std::int64_t>& psums) {
    PsumHistogram histogram;
    for (const std::int64_t psum : psums) histogram.add(psum);
    return histogram;
}

TEST(PsumHistogram, SmallMagnitudesHaveABucketEach) {
    EXPECT_THAT(histogram_of({0, 15, -1, 7, -16, 7}).buckets(),
                testing::ElementsAre(Bucket{-16, -16, 1}, Bucket{-1, -1, 1}, Bucket{0, 0, 1}, Bucket{7, 7, 2},
                                     Bucket{15, 15, 1}));
}

TEST(PsumHistogram, EightBucketsAnOctave) {
    EXPECT_THAT(
        histogram_of({16, 17, 18, 1023, 1024, 1151, 1152, -1025, -1024}).buckets(),
        testing::ElementsAre(Bucket{-1152, -1025, 1}, Bucket{-1024, -961, 1}, Bucket{16, 17, 2}, Bucket{18, 19, 1},
                             Bucket{960, 1023, 1}, Bucket{1024, 1151, 2}, Bucket{1152, 1279, 1}));
}

TEST(PsumHistogram, NoBucketSpansTheLimitOfARegister) {
    for (int bits = 2; bits <= 48; ++bits) {
        const std::int64_t max = (std::int64_t{1} << (bits - 1)) - 1;
        const std::vector<Bucket> buckets = histogram_of({-max - 2, -max - 1, max, max + 1}).buckets();
        ASSERT_EQ(buckets.size(), 4U) << bits;
        EXPECT_EQ(buckets[0].high, -max - 2);
        EXPECT_EQ(buckets[1].low, -max - 1);
        EXPECT_EQ(buckets[2].high, max);
        EXPECT_EQ(buckets[3].low, max + 1);
    }
}

TEST(PsumHistogram, EveryPsumIsInABucketThatHoldsIt) {
    std::mt19937_64 random(1);
    for (int i = 0; i < 2000; ++i) {
        const auto psum = static_cast<std::int64_t>(random()) >> (2 + random() % 61);
        const std::vector<Bucket> buckets = histogram_of({psum}).buckets();
        ASSERT_EQ(buckets.size(), 1U);
        EXPECT_LE(buckets[0].low, psum);
        EXPECT_GE(buckets[0].high, psum);
    }
}

TEST(PsumHistogram, PartsAddUpToTheWhole) {
    std::vector<std::int64_t> psums(500);
    std::iota(psums.begin(), psums.end(), -240);
    PsumHistogram sum = histogram_of({psums.begin(), psums.begin() + 100});
    sum += histogram_of({psums.begin() + 100, psums.end()});
    EXPECT_EQ(sum, histogram_of(psums));
    EXPECT_EQ(PsumHistogram::from_counts(sum.positive(), sum.negative()), sum);
    std::uint64_t count = 0;
    for (const Bucket& bucket : sum.buckets()) count += bucket.count;
    EXPECT_EQ(count, psums.size());
}

}  // namespace
}  // namespace widthwise

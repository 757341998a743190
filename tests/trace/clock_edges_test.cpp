// SPDX-License-Identifier: Apache-2.0
#include "trace/clock_edges.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "common/error.h"

namespace widthwise::test {
namespace {

TEST(ClockEdges, WholePeriods) {
    const ClockEdges edges(500);
    EXPECT_EQ(edges.rise(0), 0U);
    EXPECT_EQ(edges.fall(0), 1000000U);
    EXPECT_EQ(edges.rise(3), 6000000U);
    EXPECT_EQ(edges.period_fs(), 2e6);
}

/// By Python's fractions: round(n * 10**15 / Fraction(f)), f in Hz as the configuration spells it.
TEST(ClockEdges, AreTheNearestFemtosecond) {
    struct Case {
        double mhz;
        std::uint64_t n, time;
    };
    for (const Case& c : {Case{0.001, 1, 1000000000000},
                          Case{0.001, 247515, 247515000000000000},
                          Case{0.001, 3544252, 3544252000000000000},
                          Case{0.0012345678901234567, 1, 810000007290},
                          Case{0.0012345678901234567, 108178, 87624180788617633},
                          Case{0.0012345678901234567, 7644754, 6192250795730257614},
                          Case{0.3, 1, 3333333333},
                          Case{0.3, 502141, 1673803333333333},
                          Case{0.3, 666600858, 2222002860000000000},
                          Case{3.0, 1, 333333333},
                          Case{3.0, 94477, 31492333333333},
                          Case{3.0, 286680177, 95560059000000000},
                          Case{7.0, 1, 142857143},
                          Case{7.0, 421099, 60157000000000},
                          Case{7.0, 62490205094, 8927172156285714286},
                          Case{123.456, 1, 8100052},
                          Case{123.456, 303433, 2457823030067},
                          Case{123.456, 132136367256, 1070311424766718507},
                          Case{333.3, 1, 3000300},
                          Case{333.3, 232709, 698196819682},
                          Case{333.3, 2360172885655, 7081226779642964296},
                          Case{333.33333333333331, 1, 3000000},
                          Case{333.33333333333331, 377745, 1133235000000},
                          Case{333.33333333333331, 1151508289102, 3454524867306000345},
                          Case{666.667, 1, 1499999},
                          Case{666.667, 224816, 337223831388},
                          Case{666.667, 1701975196958, 2552961518956240522},
                          Case{7000.0, 1, 142857},
                          Case{7000.0, 172825, 24689285714},
                          Case{7000.0, 5095163008480, 727880429782857143},
                          Case{9999.999999999998, 1, 100000},
                          Case{9999.999999999998, 657432, 65743200000},
                          Case{9999.999999999998, 1526313806259, 152631380625900031},
                          Case{10000.0, 1, 100000},
                          Case{10000.0, 885826, 88582600000},
                          Case{10000.0, 5938247917108, 593824791710800000},
                          Case{0.065537, 1, 15258556235},
                          Case{0.065537, 704331, 10747074171841860},
                          Case{0.065537, 417538651, 6371036986740314631}}) {
        EXPECT_EQ(ClockEdges(c.mhz).rise(c.n), c.time) << c.mhz << " MHz, edge " << c.n;
    }
}

TEST(ClockEdges, HalvesAreRoundedUp) { EXPECT_EQ(ClockEdges(0.065536).rise(1), 15258789063U); }

TEST(ClockEdges, NoClockDrifts) {
    for (const double mhz : {0.001, 0.3, 3.0, 7.0, 333.3, 999.999, 7000.0, 9973.0, 10000.0, 1e6}) {
        const ClockEdges edges(mhz);
        for (const std::uint64_t n : {1ULL, 2ULL, 999ULL, 1000003ULL, 9000000ULL}) {
            const long double exact = static_cast<long double>(n) * 1e9L / static_cast<long double>(mhz);
            EXPECT_LE(std::abs(static_cast<long double>(edges.rise(n)) - exact), 0.5L + exact * 1e-15L) << mhz;
            EXPECT_GT(edges.fall(n), edges.rise(n));
            EXPECT_LT(edges.fall(n), edges.rise(n + 1));
        }
    }
}

TEST(ClockEdges, RefusesWhatHasNoTimes) {
    for (const double mhz : {0.0, -1.0, 1e-320, 0.00099, 1.1e6, std::numeric_limits<double>::infinity(),
                             std::numeric_limits<double>::quiet_NaN()}) {
        EXPECT_THROW(ClockEdges{mhz}, InputError) << mhz;
    }
}

TEST(ClockEdges, RefusesTimesThatNoViewerHolds) {
    const ClockEdges slow(0.001), fast(500);
    EXPECT_EQ(slow.rise(9223372), 9223372000000000000U);
    EXPECT_THAT([&] { static_cast<void>(slow.rise(9223373)); },
                testing::ThrowsMessage<InputError>(testing::HasSubstr("cycle 9223373 at 0.001 MHz comes after")));
    EXPECT_THROW(static_cast<void>(fast.rise(std::numeric_limits<std::uint64_t>::max())), InputError);
}

}  // namespace
}  // namespace widthwise::test

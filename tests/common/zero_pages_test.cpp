// SPDX-License-Identifier: Apache-2.0
#include "common/zero_pages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace widthwise {
namespace {

/// Of this process, in kibibytes.
long resident() {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
        if (word != "VmRSS:") continue;
        long kibibytes = 0;
        status >> kibibytes;
        return kibibytes;
    }
    return 0;
}

TEST(ZeroPages, ReadAsZeroAndKeepWhatIsWritten) {
    ZeroBytes bytes(100000);
    EXPECT_EQ(std::count(bytes.begin(), bytes.end(), 0), 100000);
    bytes[99999] = 7;
    EXPECT_EQ(bytes[99999], 7);
    EXPECT_EQ(ZeroBytes(3, 5), (ZeroBytes{5, 5, 5}));
}

TEST(ZeroPages, TakeMemoryOnlyWhereTheyAreWritten) {
    const long before = resident();
    ZeroBytes bytes(std::size_t{1} << 28);
    bytes[bytes.size() / 2] = 1;
    EXPECT_LT(resident() - before, 65536);
}

}  // namespace
}  // namespace widthwise

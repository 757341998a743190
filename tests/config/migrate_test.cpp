// SPDX-License-Identifier: Apache-2.0
#include "config/migrate.h"

#include <gtest/gtest.h>

#include "kit/refusal.h"

namespace widthwise {
namespace {

using test::refusal;

std::string migrated(const std::string& text) { return with_memory_rows("network: n\nimages: i\n" + text, "f.yaml"); }

const std::string kHead = "network: n\nimages: i\n";
const std::string kDram = "  - {name: dram, keeps: [weights, inputs, outputs]}\n";
const std::string kWeights = "  - {name: weight_buffer, keeps: [weights]}\n";
const std::string kMaps = "  - {name: activation_buffer, keeps: [inputs, outputs]}\n";
const std::string kLines = "  - {name: line_buffer, keeps: [inputs]}\n";

TEST(Migrate, LeavesFilesWithoutSectionsAsTheyAre) {
    const std::string plain = "batch: 2   # two\n\n\narray: {rows: 4}";
    EXPECT_EQ(migrated(plain), kHead + plain);
    const std::string list = "memories:\n" + kDram + kWeights + kMaps + kLines;
    EXPECT_EQ(migrated(list), kHead + list);
}

TEST(Migrate, TurnsBracesIntoRows) {
    EXPECT_EQ(
        migrated("line_buffer: {rows: 2, bytes: 99}  # small\nbatch: 2\ndram: { latency: 7 }\nweight_buffer: {}\n"),
        kHead + "memories:\n  - {name: dram, keeps: [weights, inputs, outputs], latency: 7 }\n" + kWeights + kMaps +
            "  - {name: line_buffer, keeps: [inputs], rows: 2, bytes: 99}  # small\nbatch: 2\n");
}

TEST(Migrate, TurnsBlocksIntoRowsWithTheirComments) {
    EXPECT_EQ(
        migrated("# between\n\n# of lines\n# indeed\nline_buffer: # here\n    rows: 2      # two\n    # then\n    "
                 "bytes: 99\n"
                 "    # at the end\n\n# of the batch\nbatch: 2\n\nactivation_buffer:\n  ports: 1\n\n# last\n"),
        kHead + "# between\n\nmemories:\n" + kDram + kWeights +
            "  - name: activation_buffer\n    keeps: [inputs, outputs]\n    ports: 1\n"
            "  # of lines\n  # indeed\n  # here\n  - name: line_buffer\n    keeps: [inputs]\n    rows: 2      # two\n"
            "    # then\n    bytes: 99\n    # at the end\n\n# of the batch\nbatch: 2\n\n# last\n");
}

TEST(Migrate, KeepsNames) {
    EXPECT_EQ(migrated("line_buffer: {name: lb, rows: 2}\nweight_buffer:\n  bytes: 7\n  name: wb\n"),
              kHead + "memories:\n" + kDram + "  - keeps: [weights]\n    bytes: 7\n    name: wb\n" + kMaps +
                  "  - {keeps: [inputs], name: lb, rows: 2}\n");
}

TEST(Migrate, TakesBracesOverSeveralLines) {
    EXPECT_EQ(migrated("dram: {latency: 7,\n       bytes_per_cycle: 2}\nbatch: 3\n"),
              kHead +
                  "memories:\n  - {name: dram, keeps: [weights, inputs, outputs], latency: 7,\n"
                  "           bytes_per_cycle: 2}\n" +
                  kWeights + kMaps + kLines + "batch: 3\n");
}

TEST(Migrate, KeepsTheLineEnds) {
    EXPECT_EQ(
        with_memory_rows("network: n\r\nimages: i\r\ndram:\r\n  latency: 7\r\n", "f.yaml"),
        "network: n\r\nimages: i\r\nmemories:\r\n  - name: dram\r\n    keeps: [weights, inputs, outputs]\r\n"
        "    latency: 7\r\n  - {name: weight_buffer, keeps: [weights]}\r\n"
        "  - {name: activation_buffer, keeps: [inputs, outputs]}\r\n  - {name: line_buffer, keeps: [inputs]}\r\n");
}

TEST(Migrate, OfAFileThatHasBothFillsNothingIn) {
    // Refused as the file is: a memory would be given twice.
    EXPECT_NE(refusal([] { migrated("memories:\n" + kDram + kWeights + kMaps + kLines + "dram: {latency: 7}\n"); }),
              "");
}

TEST(Migrate, RefusesWhatItCannotRewrite) {
    const std::string cannot =
        "f.yaml: cannot be rewritten line by line (are there braces around the whole file, anchors, a value on the "
        "line "
        "behind its key?); write the list 'memories' by hand";
    EXPECT_EQ(refusal([] { with_memory_rows("{network: n, images: i, dram: {latency: 7}}\n", "f.yaml"); }), cannot);
    EXPECT_EQ(refusal([] { migrated("line_buffer: &a {bytes: 9}\nweight_buffer: *a\n"); }), cannot);
}

TEST(Migrate, RefusesWhatIsNoAcceleratorFile) {
    EXPECT_EQ(refusal([] { migrated("dram: {latency: 0}\n"); }),
              "f.yaml:3:17: dram.latency: 0 is out of range (allowed: 1..100000)");
    EXPECT_NE(refusal([] { with_memory_rows("a: [", "f.yaml"); }), "");
    EXPECT_NE(refusal([] { with_memory_rows("", "f.yaml"); }), "");
}

}  // namespace
}  // namespace widthwise

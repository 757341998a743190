// SPDX-License-Identifier: Apache-2.0
#include "common/output_file.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "common/error.h"
#include "kit/file_text.h"
#include "kit/temporary_files.h"

namespace widthwise {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class OutputFileTest : public testing::Test {
protected:
    [[nodiscard]] std::string path() const { return folder_.path("file"); }
    [[nodiscard]] std::string content() const { return test::read_file(path()); }
    test::TemporaryFolder folder_;
};

TEST_F(OutputFileTest, HoldsWhatWasWrittenHoweverLong) {
    const std::string piece(10007, 'x');
    OutputFile file(path());
    for (int i = 0; i < 20; ++i) file.write(piece);
    file.close();
    file.close();
    EXPECT_EQ(content(), std::string(20 * piece.size(), 'x'));
    write_file(path(), "short");
    EXPECT_EQ(content(), "short");
}

TEST_F(OutputFileTest, SaysWhyItCannotBeMade) {
    EXPECT_THAT([&] { write_file(folder_.path("no/file"), ""); },
                ThrowsMessage<SimulationError>(HasSubstr("/no/file': No such file or directory")));
}

TEST_F(OutputFileTest, AFullDiskShowsAtOnceOrWhenItIsClosed) {
    EXPECT_THAT([&] { write_file("/dev/full", "text"); },
                ThrowsMessage<SimulationError>(testing::StrEq("cannot write '/dev/full': No space left on device")));
    OutputFile file("/dev/full");
    EXPECT_THROW(
        {
            for (int i = 0; i < 100; ++i) file.write(std::string(10000, 'x'));
        },
        SimulationError);
}

TEST_F(OutputFileTest, ALimitOfFileSizesIsAFailedWrite) {
    std::signal(SIGXFSZ, SIG_IGN);  // as the tool does
    const rlimit limit{1000, RLIM_INFINITY};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    EXPECT_THAT([&] { write_file(path(), std::string(2000, 'x')); },
                ThrowsMessage<SimulationError>(HasSubstr("File too large")));
}

}  // namespace
}  // namespace widthwise

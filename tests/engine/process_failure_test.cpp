// SPDX-License-Identifier: Apache-2.0
// What is thrown inside the clocked model arrives as it was thrown, without SystemC's wrapping.
#include "accelerator/link/process_failure.h"

#include <gmock/gmock.h>

#include <new>

#include "common/error.h"
#include "engine/systemc_engine.h"
#include "system/simulation.h"
#include "trace/wave_writer.h"

namespace widthwise::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StrEq;
using testing::ThrowsMessage;

/// Throws in the middle of a run.
template <typename Failure>
class Failing : public WaveWriter {
public:
    explicit Failing(Failure failure) : failure_(std::move(failure)) {}
    void begin(const WaveList& /*list*/, const ClockEdges& /*edges*/) override {}
    void sample(std::uint64_t cycle) override {
        if (cycle >= 100) throw failure_;
    }
    [[nodiscard]] bool finished() const override { return false; }

private:
    Failure failure_;
};

template <typename Failure>
void run_with(Failure failure) {
    Workload workload("widthwise-8x8.yaml");
    Failing<Failure> writer(std::move(failure));
    SystemcEngine engine(workload.network, workload.hardware());
    engine.record_waveform(writer);
    engine.run(0, 1, workload.source(), [](int, std::span<const std::uint8_t>) {});
}

TEST(ProcessFailure, OfTheMachine) {
    EXPECT_THAT([] { run_with(SimulationError("w.vcd: no space")); },
                ThrowsMessage<SimulationError>(StrEq("w.vcd: no space")));
}

TEST(ProcessFailure, OfTheInput) {
    EXPECT_THAT([] { run_with(InputError("key: wrong")); }, ThrowsMessage<InputError>(StrEq("key: wrong")));
}

TEST(ProcessFailure, OfMemory) { EXPECT_THROW(run_with(std::bad_alloc()), std::bad_alloc); }

struct Unguarded : sc_core::sc_module {
    explicit Unguarded(const sc_core::sc_module_name& name) : sc_module(name) {
        SC_HAS_PROCESS(Unguarded);
        SC_METHOD(fail);
    }
    void fail() { throw std::runtime_error("text"); }
};

TEST(ProcessFailure, OfAProcessThatIsNotGuardedKeepsItsText) {
    const Unguarded module("module");
    EXPECT_THAT([] { ProcessFailure::run([] { sc_core::sc_start(); }); },
                ThrowsMessage<SimulationError>(StrEq("text")));
}

TEST(ProcessFailure, OfSystemcNamesTheComplaint) {
    const auto report = [] { SC_REPORT_ERROR("link", "has no reader"); };
    EXPECT_THAT([&] { ProcessFailure::run(report); },
                ThrowsMessage<SimulationError>(AllOf(HasSubstr("link: has no reader"), Not(HasSubstr("\n")))));
}

}  // namespace
}  // namespace widthwise::test

// SPDX-License-Identifier: Apache-2.0
#include "engine/systemc_engine.h"

#include <algorithm>
#include <optional>
#include <systemc>
#include <utility>
#include <vector>

#include "accelerator/accelerator.h"
#include "accelerator/link/clock.h"
#include "accelerator/link/process_failure.h"
#include "common/error.h"
#include "schedule/compile.h"
#include "trace/wave_writer.h"

namespace widthwise {

namespace {

/// SystemC's time only counts edges. It is the same for all clocks, which so neither round nor overflow it. A period
/// must have halves. What waveforms show of time is theirs to compute (trace/clock_edges.h).
sc_core::sc_time clock_period() { return {2, sc_core::SC_PS}; }

/// Hands the registers to a waveform writer halfway through each cycle, when they are settled.
class WaveSampler : public sc_core::sc_module {
public:
    sc_core::sc_in<bool> clk{"clk"};
    WaveSampler(const sc_core::sc_module_name& name, WaveWriter& writer, const sc_core::sc_time& period,
                const RunRecord& record, std::int64_t& overflow_events)
        : sc_module(name), writer_(writer), period_(period), record_(record), overflow_events_(overflow_events) {
        SC_HAS_PROCESS(WaveSampler);
        SC_METHOD(sample);
        sensitive << clk.neg();
        dont_initialize();
    }

    /// From this cycle on, before which there were so many overflow events.
    void begin_at(std::uint64_t cycle, std::uint64_t overflow_events) {
        first_cycle_ = cycle;
        events_before_ = overflow_events;
    }

private:
    void sample() {
        ProcessFailure::guard([this] { take_sample(); });
    }

    void take_sample() {
        const std::uint64_t cycle = sc_core::sc_time_stamp().value() / period_.value();
        if (cycle < first_cycle_) return;
        if (writer_.finished()) {
            next_trigger(never_);
            return;
        }
        std::uint64_t events = events_before_;
        for (const LayerRecord& layer : record_.layers) events += layer.overflow.events;
        overflow_events_ = static_cast<std::int64_t>(events);
        writer_.sample(cycle);
    }

    WaveWriter& writer_;
    sc_core::sc_time period_;
    const RunRecord& record_;
    std::uint64_t events_before_ = 0;
    std::int64_t& overflow_events_;
    std::uint64_t first_cycle_ = 0;
    sc_core::sc_event never_;
};

/// Answers from the units; what of it the engine alone knows is read from its variables.
class UnitActivity : public Activity {
public:
    UnitActivity(const Accelerator& accelerator, const std::int32_t& batch_first, const std::int64_t& overflow_events)
        : accelerator_(accelerator), batch_first_(batch_first), overflow_events_(overflow_events) {}

    [[nodiscard]] std::string_view phase() const override { return accelerator_.sequencer.phase(); }
    [[nodiscard]] std::optional<std::int32_t> layer() const override { return accelerator_.sequencer.layer(); }
    [[nodiscard]] std::optional<std::int32_t> batch() const override {
        return accelerator_.sequencer.works_on_batch() ? std::optional(batch_first_) : std::nullopt;
    }
    [[nodiscard]] bool computes() const override { return accelerator_.pe_array.issued(); }
    [[nodiscard]] std::string_view stall() const override {
        const std::optional<Stall> stall = accelerator_.pe_array.stall();
        return stall ? stall_name(*stall) : std::string_view();
    }
    [[nodiscard]] std::int64_t elements() const override { return accelerator_.pe_array.elements(); }
    [[nodiscard]] bool drains() const override { return accelerator_.pe_array.drains(); }
    [[nodiscard]] bool fills() const override { return accelerator_.fills(); }
    [[nodiscard]] std::string_view transfer() const override { return accelerator_.dma.transfer(); }
    [[nodiscard]] std::int64_t overflow_events() const override { return overflow_events_; }

private:
    const Accelerator& accelerator_;
    const std::int32_t& batch_first_;
    const std::int64_t& overflow_events_;
};

}  // namespace

struct SystemcEngine::Implementation {
    Implementation(const Network& network, Schedule schedule)
        : full(std::move(schedule)),
          network_(network),
          period(clock_period()),
          clock("clock", period),
          accelerator("accelerator", full.hardware, period, record) {
        accelerator.clk(clock);
        accelerator.reset(reset);
        record.layers.resize(full.layers.size());
        accelerator.install(full);
    }

    /// The schedule of a batch of `images`; a last, smaller batch has one of its own.
    const Schedule& schedule(int images) {
        if (images == full.images) return full;
        if (!rest || rest->images != images) rest = compile(network_, full.hardware, images);
        return *rest;
    }

    void power_up() {
        if (powered_) return;
        powered_ = true;
        reset.write(true);
        ProcessFailure::run([this] { sc_core::sc_start(2 * period); });
        reset.write(false);
    }

    /// `first`: the first cycle after reset, which has passed. No time is simulated before it.
    void power_up_at(std::uint64_t first) {
        powered_ = true;
        clock.begin_at(sc_core::sc_time::from_value((first - kResetEdges) * period.value()));
        reset.write(true);
        // Beyond the last edge under reset: one at the very end of sc_start() would come with the next.
        const sc_core::sc_time end = sc_core::sc_time::from_value((first - 1) * period.value()) + period / 2.0;
        ProcessFailure::run([&] { sc_core::sc_start(end); });
        reset.write(false);
    }

    /// Returns when the accelerator says that it has done what start() begins.
    template <typename Start>
    void run_until_done(Start start) {
        bool done = false;
        start([&done] {
            done = true;
            sc_core::sc_pause();
        });
        ProcessFailure::run([] { sc_core::sc_start(); });
        if (!done) throw SimulationError("the accelerator stopped before it was done");
    }

    /// Under reset, the one at the end of power_up() among them.
    static constexpr std::uint64_t kResetEdges = 3;

    Schedule full;
    std::optional<Schedule> rest;
    const Network& network_;
    sc_core::sc_time period;
    RunRecord record;
    Clock clock;
    sc_core::sc_signal<bool> reset{"reset"};
    Accelerator accelerator;
    std::unique_ptr<WaveSampler> sampler;
    bool histograms = false;
    std::int64_t overflow_events = 0;  ///< so far, of all layers; for waveforms
    std::int32_t batch_first = 0;      ///< image index of the running batch's first image
    UnitActivity activity{accelerator, batch_first, overflow_events};

private:
    bool powered_ = false;
};

SystemcEngine::SystemcEngine(const Network& network, const HardwareParams& hardware)
    : SystemcEngine(network, compile(network, hardware, hardware.batch)) {}

SystemcEngine::SystemcEngine(const Network& network, Schedule schedule) {
    ProcessFailure::run([&] { implementation_ = std::make_unique<Implementation>(network, std::move(schedule)); });
}

SystemcEngine::~SystemcEngine() = default;

void SystemcEngine::record_waveform(WaveWriter& writer) {
    Implementation& i = *implementation_;
    WaveList list;
    const auto& layers = i.full.layers;
    const bool wide = std::any_of(layers.begin(), layers.end(),
                                  [](const LayerSchedule& layer) { return layer.has_weight_zero_points(); });
    i.accelerator.add_waves(list, wide ? 9 : 8);
    const std::string top = i.accelerator.name();
    list.add(top + ".sequencer", "image", i.batch_first, 32);
    list.add(top + ".pe_array", "overflow_events", i.overflow_events, 48);
    list.follow(i.activity);
    writer.begin(list, ClockEdges(i.full.hardware.clock_mhz));
    i.sampler = std::make_unique<WaveSampler>("wave_sampler", writer, i.period, i.record, i.overflow_events);
    i.sampler->clk(i.clock);
}

void SystemcEngine::report_values(ValueSink sink) {
    Implementation& i = *implementation_;
    i.accelerator.set_probe(
        [&i, sink = std::move(sink)](int op, int image, int channel, int pixel, std::int64_t value) {
            sink(op, i.batch_first + image, channel, pixel, value);
        });
}

void SystemcEngine::collect_histograms() { implementation_->histograms = true; }

RunRecord SystemcEngine::run(int first, int end, const ImageSource& source, const OutputSink& sink) {
    Implementation& i = *implementation_;
    i.record = RunRecord{};
    i.record.layers.resize(i.full.layers.size());
    if (i.histograms) i.record.histograms.resize(i.full.layers.size());
    i.power_up();
    std::vector<std::uint8_t> inputs;
    for (int image = first; image < end; image += i.full.images) {
        const Schedule& schedule = i.schedule(std::min(i.full.images, end - image));
        inputs.clear();
        for (int k = 0; k < schedule.images; ++k) {
            const std::vector<std::uint8_t> bytes = source(image + k);
            inputs.insert(inputs.end(), bytes.begin(), bytes.end());
        }
        i.batch_first = image;
        i.run_until_done(
            [&](std::function<void()> on_done) { i.accelerator.start(schedule, inputs, std::move(on_done)); });
        const std::vector<std::uint8_t> outputs = i.accelerator.outputs(schedule);
        const std::size_t bytes = outputs.size() / static_cast<std::size_t>(schedule.images);
        for (int k = 0; k < schedule.images; ++k)
            sink(image + k, std::span(outputs).subspan(static_cast<std::size_t>(k) * bytes, bytes));
    }
    return i.record;
}

namespace {

/// Parts of weights that a batch fetches.
std::int64_t weight_parts(const Schedule& schedule) {
    std::int64_t parts = 0;
    if (schedule.hardware.weight_buffer.storage == WeightStorage::resident) return parts;
    for (WeightFetchCursor fetch(schedule.layers); !fetch.at_end(); fetch.next()) ++parts;
    return parts;
}

}  // namespace

const Schedule& SystemcEngine::schedule(int images) { return implementation_->schedule(images); }

PartRecord SystemcEngine::run_part(const ClockedPart& part, const PartStart& start, const LayerMaps& maps) {
    Implementation& i = *implementation_;
    i.record = RunRecord{};
    i.record.layers.resize(i.full.layers.size());
    const Schedule& schedule = i.schedule(start.images);
    const PartTiming timing = time_part(schedule, part);
    // A batch begins at the edge behind the one at which the batch before it was done.
    const std::uint64_t batch_cycle = Implementation::kResetEdges + start.setup_cycles + start.batch_cycles +
                                      static_cast<std::uint64_t>(start.batches);
    const auto cycle_of = [&](Edge edge) { return batch_cycle + static_cast<std::uint64_t>(edge); };
    i.batch_first = start.first_image;
    if (i.sampler) i.sampler->begin_at(cycle_of(timing.begin), start.overflow_events);
    i.power_up_at(cycle_of(timing.transfers.since));
    i.run_until_done([&](std::function<void()> on_done) {
        const BatchStart batch{batch_cycle, weight_parts(i.full) * start.batches};
        i.accelerator.start_part(schedule, part, timing, maps, batch, std::move(on_done));
    });
    PartRecord record;
    record.begin_cycle = cycle_of(timing.begin);
    record.end_cycle = sc_core::sc_time_stamp().value() / i.period.value();
    record.timing = timing;
    record.layer = i.record.layers[part.layer];
    record.stored_as_expected = i.accelerator.has_stored(schedule, part, maps);
    return record;
}

}  // namespace widthwise

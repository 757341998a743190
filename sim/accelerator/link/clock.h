// SPDX-License-Identifier: Apache-2.0
// The clock of the simulation, cheaper than sc_clock: one timed event a cycle, and falling edges only if somebody waits
// for them (the waveform sampler does). sc_clock spends two timed events and two signal updates on every cycle.
#pragma once

#include <systemc>

namespace widthwise {

/// Rising edges at 0, period, 2 * period, ..., or from begin_at() on. Binds to any sc_in<bool>. Its value is high from
/// the rising edge on; without falling edges it stays high, and only the events matter.
class Clock : public sc_core::sc_module, public sc_core::sc_signal_in_if<bool> {
public:
    Clock(const sc_core::sc_module_name& name, const sc_core::sc_time& period) : sc_module(name), period_(period) {
        SC_HAS_PROCESS(Clock);
        SC_METHOD(tick);
        sensitive << posedge_;
        dont_initialize();
    }

    /// The first edge: a multiple of the period. Before the simulation starts. Time up to there costs nothing.
    void begin_at(const sc_core::sc_time& first) { first_ = first; }

    const bool& read() const override { return high_; }
    const bool& get_data_ref() const override { return high_; }
    bool event() const override { return posedge_.triggered(); }
    bool posedge() const override { return posedge_.triggered(); }
    bool negedge() const override { return negedge_.triggered(); }
    const sc_core::sc_event& default_event() const override { return posedge_; }
    const sc_core::sc_event& value_changed_event() const override { return posedge_; }
    const sc_core::sc_event& posedge_event() const override { return posedge_; }
    /// Asking for it turns falling edges on.
    const sc_core::sc_event& negedge_event() const override {
        falling_ = true;
        return negedge_;
    }

private:
    void start_of_simulation() override { posedge_.notify(first_); }
    void tick() {
        high_ = true;
        posedge_.notify(period_);
        if (falling_) negedge_.notify(period_ / 2.0);
    }

    sc_core::sc_time period_;
    sc_core::sc_time first_ = sc_core::SC_ZERO_TIME;
    sc_core::sc_event posedge_{"posedge"};
    sc_core::sc_event negedge_{"negedge"};
    mutable bool falling_ = false;
    bool high_ = false;
};

}  // namespace widthwise

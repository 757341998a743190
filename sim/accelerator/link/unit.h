// SPDX-License-Identifier: Apache-2.0
// The skeleton of every unit: clock, synchronous reset, one clocked process that costs nothing while the unit is idle.
#pragma once

#include <systemc>

#include "accelerator/link/process_failure.h"

namespace widthwise {

class Unit : public sc_core::sc_module {
public:
    sc_core::sc_in<bool> clk{"clk"};
    sc_core::sc_in<bool> reset{"reset"};

protected:
    explicit Unit(const sc_core::sc_module_name& name) : sc_module(name) {
        SC_HAS_PROCESS(Unit);
        SC_METHOD(on_clock);
        sensitive << clk.pos();
        dont_initialize();
    }

    /// Returns every register to its initial value; producers lower their `valid`.
    virtual void do_reset() = 0;
    /// One rising edge.
    virtual void step() = 0;
    /// After step(): nothing can happen at coming edges until one of wake_events() occurs. An input whose `valid` was
    /// high at this edge forbids idling: it may stay high with the next payload, and then raises no event.
    [[nodiscard]] virtual bool idle() const = 0;
    /// Called once: the events that end idleness (rising `valid` of the inputs, `ready` of the outputs).
    virtual void wake_events(sc_core::sc_event_or_list& events) const = 0;

    void start_of_simulation() override {
        wake_ |= reset.value_changed_event();
        wake_events(wake_);
    }

private:
    void on_clock() {
        ProcessFailure::guard([this] { clocked(); });
    }

    void clocked() {
        if (asleep_) {  // woken between two edges: the next edge does the work
            asleep_ = false;
            return;
        }
        if (reset.read()) {
            do_reset();
            return;
        }
        step();
        if (idle()) {
            asleep_ = true;
            next_trigger(wake_);
        }
    }

    sc_core::sc_event_or_list wake_;
    bool asleep_ = false;
};

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// The skeleton of every unit: clock, synchronous reset, one clocked process that costs nothing while the unit is idle.
// A unit knows the ends of its links: they are reset with it, tell whether it can sleep and wake it up.
#pragma once

#include <algorithm>
#include <string>
#include <systemc>
#include <vector>

#include "accelerator/link/process_failure.h"
#include "trace/wave.h"

namespace widthwise {

/// A unit's end of a link (link.h).
class LinkEnd {
public:
    LinkEnd() = default;
    LinkEnd(const LinkEnd&) = delete;
    LinkEnd& operator=(const LinkEnd&) = delete;
    virtual ~LinkEnd() = default;

    /// To its initial value; a producer lowers `valid`.
    virtual void reset() = 0;
    /// After an edge: nothing can happen on it at coming edges until one of wake_events() occurs. An input whose
    /// `valid` was high at this edge is not quiet: it may stay high with the next payload, and then raises no event.
    [[nodiscard]] virtual bool quiet() const = 0;
    virtual void wake_events(sc_core::sc_event_or_list& events) const = 0;
};

class Unit : public sc_core::sc_module {
public:
    sc_core::sc_in<bool> clk{"clk"};
    sc_core::sc_in<bool> reset{"reset"};

    /// By the ends themselves, as they are made.
    void add_end(LinkEnd& end) { ends_.push_back(&end); }
    /// The unit's registers, in this scope and below it.
    virtual void add_waves(WaveList& wave, const std::string& scope) const = 0;

protected:
    explicit Unit(const sc_core::sc_module_name& name) : sc_module(name) {
        SC_HAS_PROCESS(Unit);
        SC_METHOD(on_clock);
        sensitive << clk.pos();
        dont_initialize();
    }

    /// Returns every register to its initial value, but for those of the links.
    virtual void do_reset() = 0;
    /// One rising edge.
    virtual void step() = 0;
    /// After step(): the registers alone make something happen at the next edge. Else the unit sleeps while its links
    /// are quiet.
    [[nodiscard]] virtual bool works() const = 0;
    /// Called once: what else ends the sleep.
    virtual void add_wake_events(sc_core::sc_event_or_list& /*events*/) const {}

    void start_of_simulation() override {
        wake_ |= reset.value_changed_event();
        for (const LinkEnd* end : ends_) end->wake_events(wake_);
        add_wake_events(wake_);
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
            for (LinkEnd* end : ends_) end->reset();
            do_reset();
            return;
        }
        step();
        if (!works() && std::ranges::all_of(ends_, [](const LinkEnd* end) { return end->quiet(); })) {
            asleep_ = true;
            next_trigger(wake_);
        }
    }

    std::vector<LinkEnd*> ends_;
    sc_core::sc_event_or_list wake_;
    bool asleep_ = false;
};

}  // namespace widthwise

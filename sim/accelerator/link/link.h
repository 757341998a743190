// SPDX-License-Identifier: Apache-2.0
// The one handshake between units.
//
// Contract. A transfer happens at a rising clock edge at which both `valid` and `ready` are high. A producer that has
// raised `valid` keeps `valid` and `data` until the transfer. `valid` never depends on `ready`; `ready` may depend
// combinationally on anything, other links' `valid` included. Under reset nothing is transferred: producers lower
// `valid`.
#pragma once

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <string>
#include <systemc>

#include "accelerator/link/unit.h"
#include "trace/traced_link.h"
#include "trace/wave.h"

namespace widthwise {

/// The register behind a link's data. It shows what was written after the edge, as sc_signal does; nobody waits for it
/// to change, so that values are neither compared nor announced.
template <typename T>
class DataRegister : public sc_core::sc_prim_channel {
public:
    explicit DataRegister(const std::string& name) : sc_prim_channel(name.c_str()) {}
    [[nodiscard]] const T& read() const { return now_; }
    void write(const T& value) {
        next_ = value;
        request_update();
    }

private:
    void update() override { now_ = next_; }

    T now_{};
    T next_{};
};

/// The wires of a link; its name says which two units it joins, as in "line_buffer2pe_array".
template <typename T>
struct Link : TracedLink {
    explicit Link(const std::string& link_name)
        : name(link_name), data(name + "_data"), valid((name + "_valid").c_str()), ready((name + "_ready").c_str()) {}
    std::string name;
    DataRegister<T> data;
    sc_core::sc_signal<bool> valid;
    sc_core::sc_signal<bool> ready;

    void add_waves(WaveList& wave, const std::string& scope) const {
        wave.add(scope, "valid", valid.read());
        wave.add(scope, "ready", ready.read());
        data.read().add_waves(wave, scope);
    }

    [[nodiscard]] const std::string& traced_name() const override { return name; }
    [[nodiscard]] bool is_valid() const override { return valid.read(); }
    [[nodiscard]] bool is_ready() const override { return ready.read(); }
    [[nodiscard]] std::string data_text() const override { return fmt::format("{}", fmt::streamed(data.read())); }
};

/// A port that reads without a virtual call: the kernel keeps a signal's current value in one place.
template <typename Port>
class Sampled : public Port {
public:
    using Port::Port;
    [[nodiscard]] const typename Port::data_type& now() const { return *value_; }

private:
    void end_of_elaboration() override {  // everything is bound now
        Port::end_of_elaboration();
        value_ = &this->read();
    }
    const typename Port::data_type* value_ = nullptr;
};

/// A producer's end. One register: load() fills it, the consumer empties it.
template <typename T>
class LinkOut : public LinkEnd {
public:
    /// Of a unit, which resets it and wakes up by it.
    LinkOut(Unit& unit, const std::string& name) : LinkOut(name) { unit.add_end(*this); }
    explicit LinkOut(const std::string& name) : valid_((name + "_valid").c_str()), ready_((name + "_ready").c_str()) {}

    void operator()(Link<T>& link) {
        data_ = &link.data;
        valid_(link.valid);
        ready_(link.ready);
    }

    [[nodiscard]] bool valid() const { return valid_.now(); }
    [[nodiscard]] bool ready() const { return ready_.now(); }
    /// At a clock edge: a transfer happens.
    [[nodiscard]] bool transferring() const { return valid() && ready(); }
    /// At a clock edge: the register is empty or is being emptied at this very edge.
    [[nodiscard]] bool can_load() const { return !valid() || ready(); }
    void load(const T& payload) {
        data_->write(payload);
        drive(true);
    }
    void clear() { drive(false); }

    void reset() override { clear(); }
    [[nodiscard]] bool quiet() const override { return !last_ || (valid() && !ready()); }
    void wake_events(sc_core::sc_event_or_list& events) const override { events |= ready_.posedge_event(); }

    /// For a sensitivity list.
    [[nodiscard]] sc_core::sc_event_finder& valid_changed() const { return valid_.value_changed(); }
    /// For a sensitivity list.
    [[nodiscard]] sc_core::sc_event_finder& ready_changed() const { return ready_.value_changed(); }

private:
    /// Writing an unchanged value costs a kernel call, so it is left out.
    void drive(bool valid) {
        if (driven_ && valid == last_) return;
        driven_ = true;
        last_ = valid;
        valid_.write(valid);
    }

    DataRegister<T>* data_ = nullptr;
    Sampled<sc_core::sc_out<bool>> valid_;
    Sampled<sc_core::sc_in<bool>> ready_;
    bool driven_ = false;
    bool last_ = false;
};

/// How an input's `ready` is driven.
enum class Ready : std::uint8_t {
    registered,    ///< at edges; high after reset
    withheld,      ///< at edges; low after reset
    combinational  ///< by a process of the unit
};

/// A consumer's end.
template <typename T>
class LinkIn : public LinkEnd {
public:
    /// Of a unit, which resets it and wakes up by it.
    LinkIn(Unit& unit, const std::string& name, Ready ready = Ready::registered) : LinkIn(name) {
        ready_kind_ = ready;
        unit.add_end(*this);
    }
    explicit LinkIn(const std::string& name) : valid_((name + "_valid").c_str()), ready_((name + "_ready").c_str()) {}

    void operator()(Link<T>& link) {
        data_ = &link.data.read();
        valid_(link.valid);
        ready_(link.ready);
    }

    [[nodiscard]] const T& data() const { return *data_; }
    [[nodiscard]] bool valid() const { return valid_.now(); }
    [[nodiscard]] bool ready() const { return ready_.now(); }
    [[nodiscard]] bool transferring() const { return valid() && ready(); }
    void drive_ready(bool ready) {
        if (driven_ && ready == last_) return;
        driven_ = true;
        last_ = ready;
        ready_.write(ready);
    }

    void reset() override {
        if (ready_kind_ != Ready::combinational) drive_ready(ready_kind_ == Ready::registered);
    }
    [[nodiscard]] bool quiet() const override { return !valid(); }
    void wake_events(sc_core::sc_event_or_list& events) const override { events |= valid_.posedge_event(); }

    /// For a sensitivity list.
    [[nodiscard]] sc_core::sc_event_finder& valid_changed() const { return valid_.value_changed(); }

private:
    const T* data_ = nullptr;
    Sampled<sc_core::sc_in<bool>> valid_;
    Sampled<sc_core::sc_out<bool>> ready_;
    Ready ready_kind_ = Ready::registered;
    bool driven_ = false;
    bool last_ = false;
};

}  // namespace widthwise

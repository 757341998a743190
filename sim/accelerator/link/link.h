// SPDX-License-Identifier: Apache-2.0
// The one handshake between units.
//
// Contract. A transfer happens at a rising clock edge at which both `valid` and `ready` are high. A producer that has
// raised `valid` keeps `valid` and `data` until the transfer. `valid` never depends on `ready`; `ready` may depend
// combinationally on anything, other links' `valid` included. Under reset nothing is transferred: producers lower
// `valid`.
#pragma once

#include <string>
#include <systemc>

#include "trace/wave.h"

namespace widthwise {

/// The wires of a link; its name says which two units it joins, as in "line_buffer2pe_array".
template <typename T>
struct Link {
    explicit Link(const std::string& link_name)
        : name(link_name),
          data((name + "_data").c_str()),
          valid((name + "_valid").c_str()),
          ready((name + "_ready").c_str()) {}
    std::string name;
    sc_core::sc_signal<T> data;
    sc_core::sc_signal<bool> valid;
    sc_core::sc_signal<bool> ready;

    void add_waves(WaveList& wave, const std::string& scope) const {
        wave.add(scope, "valid", valid.read());
        wave.add(scope, "ready", ready.read());
        data.read().add_waves(wave, scope);
    }
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
class LinkOut {
public:
    explicit LinkOut(const std::string& name)
        : data_((name + "_data").c_str()), valid_((name + "_valid").c_str()), ready_((name + "_ready").c_str()) {}

    void operator()(Link<T>& link) {
        data_(link.data);
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
        data_.write(payload);
        drive(true);
    }
    void clear() { drive(false); }

    /// For a sensitivity list.
    [[nodiscard]] sc_core::sc_event_finder& valid_changed() const { return valid_.value_changed(); }
    /// For a sensitivity list.
    [[nodiscard]] sc_core::sc_event_finder& ready_changed() const { return ready_.value_changed(); }
    [[nodiscard]] const sc_core::sc_event& valid_rises() const { return valid_.posedge_event(); }
    [[nodiscard]] const sc_core::sc_event& ready_rises() const { return ready_.posedge_event(); }

private:
    /// Writing an unchanged value costs a kernel call, so it is left out.
    void drive(bool valid) {
        if (driven_ && valid == last_) return;
        driven_ = true;
        last_ = valid;
        valid_.write(valid);
    }

    sc_core::sc_out<T> data_;
    Sampled<sc_core::sc_out<bool>> valid_;
    Sampled<sc_core::sc_in<bool>> ready_;
    bool driven_ = false;
    bool last_ = false;
};

/// A consumer's end.
template <typename T>
class LinkIn {
public:
    explicit LinkIn(const std::string& name)
        : data_((name + "_data").c_str()), valid_((name + "_valid").c_str()), ready_((name + "_ready").c_str()) {}

    void operator()(Link<T>& link) {
        data_(link.data);
        valid_(link.valid);
        ready_(link.ready);
    }

    [[nodiscard]] const T& data() const { return data_.now(); }
    [[nodiscard]] bool valid() const { return valid_.now(); }
    [[nodiscard]] bool ready() const { return ready_.now(); }
    [[nodiscard]] bool transferring() const { return valid() && ready(); }
    void drive_ready(bool ready) {
        if (driven_ && ready == last_) return;
        driven_ = true;
        last_ = ready;
        ready_.write(ready);
    }

    /// For a sensitivity list.
    [[nodiscard]] sc_core::sc_event_finder& valid_changed() const { return valid_.value_changed(); }
    [[nodiscard]] const sc_core::sc_event& valid_rises() const { return valid_.posedge_event(); }

private:
    Sampled<sc_core::sc_in<T>> data_;
    Sampled<sc_core::sc_in<bool>> valid_;
    Sampled<sc_core::sc_out<bool>> ready_;
    bool driven_ = false;
    bool last_ = false;
};

}  // namespace widthwise

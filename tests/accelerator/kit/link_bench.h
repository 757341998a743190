// SPDX-License-Identifier: Apache-2.0
// Both ends of a link as benches play them, and the witness that the contract of link.h is kept on it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <systemc>
#include <utility>
#include <vector>

#include "accelerator/kit/bench.h"
#include "accelerator/kit/stalls.h"
#include "accelerator/link/link.h"
#include "accelerator/link/payloads.h"
#include "schedule/timing_rules.h"

namespace widthwise::test {

/// The wires of a link, to be looked at.
template <typename T>
struct LinkWires {
    LinkWires(const Link<T>& link)
        : data(link.data), valid(link.valid), ready(link.ready) {}  // NOLINT(*explicit*): the same
    /// Those of a link whose owner keeps it to itself, by its full name.
    static LinkWires find(const std::string& link) {
        return {found<DataRegister<T>>(link + "_data"), found<Signal>(link + "_valid"), found<Signal>(link + "_ready")};
    }
    /// The producer offers a payload.
    [[nodiscard]] bool offered() const { return valid.read(); }
    /// It does, and nobody takes it.
    [[nodiscard]] bool held() const { return valid.read() && !ready.read(); }

    using Signal = sc_core::sc_signal<bool>;
    const DataRegister<T>& data;
    const Signal& valid;
    const Signal& ready;

private:
    LinkWires(const DataRegister<T>& the_data, const Signal& the_valid, const Signal& the_ready)
        : data(the_data), valid(the_valid), ready(the_ready) {}

    template <typename Object>
    static const Object& found(const std::string& name) {
        const auto* object = dynamic_cast<const Object*>(sc_core::sc_find_object(name.c_str()));
        if (object == nullptr) throw std::runtime_error("there is no " + name);
        return *object;
    }
};

/// Watches one link: valid and data held until the transfer, no valid under reset. Keeps every transfer with its edge.
template <typename T>
class LinkMonitor : public sc_core::sc_module {
public:
    LinkMonitor(const sc_core::sc_module_name& module_name, Bench& bench, const LinkWires<T>& link)
        : sc_module(module_name), bench_(bench), link_(link) {
        SC_HAS_PROCESS(LinkMonitor);
        SC_METHOD(watch);
        sensitive << bench.clock.posedge_event();
        dont_initialize();
        bench.on_restart([this] {
            data.clear();
            cycles.clear();
            loaded.clear();
        });
    }

    std::vector<T> data;                ///< of each transfer since the last reset
    std::vector<std::uint64_t> cycles;  ///< its edge
    /// The edge at which its payload came into the link's register; also of one that is still there.
    std::vector<std::uint64_t> loaded;

    [[nodiscard]] std::size_t count() const { return data.size(); }
    [[nodiscard]] bool offered() const { return link_.offered(); }
    [[nodiscard]] bool held() const { return link_.held(); }

private:
    void watch() {
        const bool reset = bench_.reset.read();
        const bool valid = link_.valid.read();
        if (reset) {
            if (in_reset_ && valid) ADD_FAILURE() << name() << ": valid under reset at cycle " << bench_.cycle();
            in_reset_ = true;
            pending_ = false;
            return;
        }
        in_reset_ = false;
        if (pending_) {
            if (!valid) {
                ADD_FAILURE() << name() << ": valid fell before the transfer at cycle " << bench_.cycle();
            } else if (!(link_.data.read() == held_)) {
                ADD_FAILURE() << name() << ": data changed before the transfer at cycle " << bench_.cycle();
            }
        }
        if (valid && !pending_) loaded.push_back(bench_.cycle() - 1);
        pending_ = valid && !link_.ready.read();
        if (pending_) held_ = link_.data.read();
        if (valid && !pending_) {
            data.push_back(link_.data.read());
            cycles.push_back(bench_.cycle());
        }
    }

    Bench& bench_;
    LinkWires<T> link_;
    bool in_reset_ = false;
    bool pending_ = false;
    T held_;
};

/// A producer: sends `payloads` in order, with random pauses. `allow(i)` may hold payload i back until something has
/// happened elsewhere.
template <typename T>
class LinkSource : public sc_core::sc_module {
public:
    LinkOut<T> out{"out"};
    std::vector<T> payloads;
    std::function<bool(std::size_t)> allow;

    LinkSource(const sc_core::sc_module_name& module_name, Bench& bench)
        : sc_module(module_name), bench_(bench), stalls_(bench.seed, name()) {
        SC_HAS_PROCESS(LinkSource);
        SC_METHOD(drive);
        sensitive << bench.clock.posedge_event();
        dont_initialize();
    }

    [[nodiscard]] bool done() const { return next_ == payloads.size() && !out.valid(); }

private:
    void drive() {
        if (bench_.reset.read()) {
            next_ = 0;
            out.clear();
            return;
        }
        const bool hold = stalls_.hold();
        if (!out.can_load()) return;
        if (next_ < payloads.size() && !hold && (!allow || allow(next_))) out.load(payloads[next_++]);
        else out.clear();
    }

    Bench& bench_;
    Stalls stalls_;
    std::size_t next_ = 0;
};

/// A consumer with random pauses. Every third seed it is shy: ready only rises once valid has been seen, and falls
/// after each transfer, so that a producer waiting for ready would wait for ever.
template <typename T>
class LinkSink : public sc_core::sc_module {
public:
    LinkIn<T> in{"in"};
    std::function<bool()> allow;  ///< may hold ready low; asked once a cycle

    LinkSink(const sc_core::sc_module_name& module_name, Bench& bench)
        : sc_module(module_name),
          bench_(bench),
          stalls_(bench.seed, name()),
          shy_(bench.seed != 0 && bench.seed % 3 == 0) {
        SC_HAS_PROCESS(LinkSink);
        SC_METHOD(drive);
        sensitive << bench.clock.posedge_event();
        dont_initialize();
    }

private:
    void drive() {
        const bool hold = stalls_.hold() || (allow && !allow());
        in.drive_ready(!bench_.reset.read() && !hold && (!shy_ || (in.valid() && !in.ready())));
    }

    Bench& bench_;
    Stalls stalls_;
    bool shy_;
};

/// A link into the unit under test.
template <typename T>
struct DrivenLink {
    DrivenLink(const std::string& name, Bench& bench)
        : link(name), source((name + "_source").c_str(), bench), monitor((name + "_monitor").c_str(), bench, link) {
        source.out(link);
    }
    Link<T> link;
    LinkSource<T> source;
    LinkMonitor<T> monitor;
};

/// A link out of the unit under test.
template <typename T>
struct DrainedLink {
    DrainedLink(const std::string& name, Bench& bench)
        : link(name), sink((name + "_sink").c_str(), bench), monitor((name + "_monitor").c_str(), bench, link) {
        sink.in(link);
    }
    Link<T> link;
    LinkSink<T> sink;
    LinkMonitor<T> monitor;
};

/// Compares lists element by element and names the first that differs.
template <typename T>
void expect_same(const std::vector<T>& actual, const std::vector<T>& expected, const std::string& what) {
    EXPECT_EQ(actual.size(), expected.size()) << what;
    for (std::size_t i = 0; i < std::min(actual.size(), expected.size()); ++i) {
        if (actual[i] == expected[i]) continue;
        ADD_FAILURE() << what << ' ' << i << ": " << actual[i] << ", expected " << expected[i];
        return;
    }
}

/// Of each pair of transfers the second comes no earlier after the first than the rule says; `stalled` false: just
/// then.
inline void expect_rule(Rule rule, const std::vector<std::uint64_t>& from, const std::vector<std::uint64_t>& to,
                        bool stalled) {
    ASSERT_EQ(from.size(), to.size());
    const std::string what =
        std::string(kTimingRules[static_cast<std::size_t>(rule)].name) + (stalled ? ", with stalls" : "");
    for (std::size_t i = 0; i < from.size(); ++i) {
        const std::uint64_t least = from[i] + static_cast<std::uint64_t>(edges(rule));
        if (to[i] < least || (!stalled && to[i] != least)) {
            ADD_FAILURE() << "rule " << what << ", transfer " << i << ": from edge " << from[i] << " to " << to[i]
                          << ", expected " << least;
            return;
        }
    }
}

}  // namespace widthwise::test

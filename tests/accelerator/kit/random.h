// SPDX-License-Identifier: Apache-2.0
// Random numbers of the benches: the same on every machine, from a seed alone.
#pragma once

#include <cstdint>
#include <string_view>

namespace widthwise::bench {

/// SplitMix64 (Steele, Lea, Flood 2014).
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    /// One stream per seed and name.
    Random(std::uint64_t seed, std::string_view name) : state_(seed) {
        for (const char c : name) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    }
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return z ^ (z >> 31);
    }
    /// low..high, both included.
    int in(int low, int high) {
        return low + static_cast<int>(next() % static_cast<std::uint64_t>(std::int64_t{high} - low + 1));
    }
    bool percent(int p) { return in(0, 99) < p; }

private:
    std::uint64_t state_;
};

/// When one end of a link holds back. Seed 0: never. Otherwise seed and link decide how often and for how long, up to
/// links that nearly stand still and pauses that let units fall asleep.
class Stalls {
public:
    Stalls(std::uint64_t seed, std::string_view link) : never_(seed == 0), random_(seed, link) {
        static constexpr int kPercent[] = {0, 10, 30, 50, 80};
        percent_ = kPercent[random_.in(0, 4)];
    }
    /// Asked once a cycle.
    bool hold() {
        if (never_) return false;
        if (left_ > 0) {
            --left_;
            return true;
        }
        if (!random_.percent(percent_)) return false;
        left_ = random_.percent(10) ? random_.in(5, 20) : random_.in(0, 2);
        return true;
    }

private:
    bool never_;
    Random random_;
    int percent_ = 0;
    int left_ = 0;
};

}  // namespace widthwise::bench

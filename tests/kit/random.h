// SPDX-License-Identifier: Apache-2.0
// Random numbers of the tests, from a seed alone: a failing case is made again by its seed, and seeds that once failed
// stand in tests. So the numbers of a seed must stay as they are.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <string_view>

namespace widthwise::test {

class Random {
public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}
    /// One stream per seed and name.
    Random(std::uint64_t seed, std::string_view name) : engine_(mixed(seed, name)) {}

    std::uint64_t next() { return engine_(); }
    /// low..high, both included.
    int in(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine_); }
    bool percent(int p) { return in(1, 100) <= p; }
    template <typename T>
    T one_of(std::initializer_list<T> values) {
        return *(values.begin() + in(0, static_cast<int>(values.size()) - 1));
    }
    /// Any order of the values is as likely as any other.
    template <typename Values>
    void shuffle(Values& values) {
        std::shuffle(values.begin(), values.end(), engine_);
    }

private:
    /// As FNV-1a goes on from byte to byte.
    static std::uint64_t mixed(std::uint64_t seed, std::string_view name) {
        constexpr std::uint64_t kPrime = 0x100000001b3ULL;
        for (const char c : name) seed = (seed ^ static_cast<unsigned char>(c)) * kPrime;
        return seed;
    }

    std::mt19937_64 engine_;
};

}  // namespace widthwise::test

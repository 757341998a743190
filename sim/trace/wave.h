// SPDX-License-Identifier: Apache-2.0
// What a unit shows in a waveform: pointers to its registers, declared once, sampled every cycle by a writer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trace/activity.h"
#include "trace/traced_link.h"

namespace widthwise {

/// How a traced register is stored in the simulator.
enum class WaveStorage : std::uint8_t { boolean, uint8, int16, int32, int64, text };

struct WaveVariable {
    std::string scope;  ///< dotted: "accelerator.pe_array.row0.pe3"
    std::string name;
    const void* value = nullptr;
    WaveStorage storage = WaveStorage::boolean;
    int bits = 1;                             ///< shown, two's complement
    std::span<const std::string_view> words;  ///< text: what each value of the uint8 register means
};

/// Collects the variables of the module tree. Registers must stay where they are while a writer uses the list.
/// Two variables with the same `value`, storage and bits are one net under two names.
class WaveList {
public:
    void add(const std::string& scope, const std::string& name, const bool& value) {
        variables_.push_back({scope, name, &value, WaveStorage::boolean, 1, {}});
    }
    void add(const std::string& scope, const std::string& name, const std::uint8_t& value, int bits) {
        variables_.push_back({scope, name, &value, WaveStorage::uint8, bits, {}});
    }
    void add(const std::string& scope, const std::string& name, const std::int16_t& value, int bits) {
        variables_.push_back({scope, name, &value, WaveStorage::int16, bits, {}});
    }
    void add(const std::string& scope, const std::string& name, const std::int32_t& value, int bits) {
        variables_.push_back({scope, name, &value, WaveStorage::int32, bits, {}});
    }
    void add(const std::string& scope, const std::string& name, const std::int64_t& value, int bits) {
        variables_.push_back({scope, name, &value, WaveStorage::int64, bits, {}});
    }
    /// A register that reads as a word: words[value]. The enumeration must have std::uint8_t underneath.
    template <typename Enum>
    void add_words(const std::string& scope, const std::string& name, const Enum& value,
                   std::span<const std::string_view> words) {
        static_assert(sizeof(Enum) == 1);
        variables_.push_back({scope, name, &value, WaveStorage::text, 8, words});
    }
    [[nodiscard]] const std::vector<WaveVariable>& variables() const { return variables_; }

    /// For a trace of links, in the order of the calls. `link` must live as long as a writer uses the list.
    void follow(const TracedLink& link) { links_.push_back(&link); }
    [[nodiscard]] const std::vector<const TracedLink*>& links() const { return links_; }

    /// `activity` must live as long as a writer uses the list.
    void follow(const Activity& activity) { activity_ = &activity; }
    /// What the model tells of its work; null for one that tells nothing.
    [[nodiscard]] const Activity* activity() const { return activity_; }

private:
    std::vector<WaveVariable> variables_;
    std::vector<const TracedLink*> links_;
    const Activity* activity_ = nullptr;
};

}  // namespace widthwise

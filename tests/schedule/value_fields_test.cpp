// SPDX-License-Identifier: Apache-2.0
// Each field of a layer, down to the last of its parts, is changed by itself: the digest of what decides values changes
// with exactly those that do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>

#include "kit/network_builder.h"
#include "layer/value_digest.h"
#include "schedule/compile.h"

namespace widthwise {
namespace {

using test::NetworkBuilder;
using test::square_window;

/// Walks over the parts of a layer and changes one of them.
class Change {
public:
    explicit Change(int target) : target_(target) {}

    template <typename Value>
    void walk(Value& value, const std::string& path, Role role) {
        if constexpr (std::is_same_v<Value, bool>) here(path, role, [&] { value = !value; });
        else if constexpr (std::is_enum_v<Value>)
            here(path, role, [&] { value = static_cast<Value>(static_cast<int>(value) == 0 ? 1 : 0); });
        else if constexpr (std::is_arithmetic_v<Value>)
            here(path, role, [&] { value = static_cast<Value>(value + 1); });
        else {
            visit_fields(value, [&](const char* name, auto& field, Role own) {
                walk(field, path + "." + name, own == Role::values ? role : own);
            });
        }
    }
    void walk(std::string& text, const std::string& path, Role role) {
        here(path, role, [&] { text += "!"; });
    }
    template <typename Value>
    void walk(std::vector<Value>& values, const std::string& path, Role role) {
        here(path + ".size", role, [&] { values.emplace_back(); });
        if (!values.empty()) walk(values.front(), path + "[0]", role);
    }
    template <typename Value>
    void walk(std::optional<Value>& value, const std::string& path, Role role) {
        if (value) walk(*value, path, role);
        here(path + " is there", role, [&] { value ? value.reset() : void(value.emplace()); });
    }

    [[nodiscard]] bool changed() const { return !path_.empty(); }
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] Role role() const { return role_; }

private:
    template <typename Function>
    void here(const std::string& path, Role role, Function&& function) {
        if (found_++ != target_) return;
        path_ = path;
        role_ = role;
        function();
    }

    int target_;
    int found_ = 0;
    std::string path_;
    Role role_ = Role::values;
};

std::string digest_of(const LayerSchedule& layer) { return ValueDigest(layer.fully_connected).add(layer).finish(); }

/// The paths that were changed; `elsewhere` takes those that decide no value.
std::set<std::string> change_each(const LayerSchedule& layer, std::set<std::string>& elsewhere) {
    std::set<std::string> paths;
    const std::string before = digest_of(layer);
    for (int target = 0;; ++target) {
        LayerSchedule changed = layer;
        Change change(target);
        change.walk(changed, "layer", Role::values);
        if (!change.changed()) return paths;
        paths.insert(change.path());
        if (change.path() == "layer.fully_connected") continue;  // another kind of layer, digested in another way
        const bool decides =
            change.role() == Role::values || (change.role() == Role::map_values && !layer.fully_connected);
        EXPECT_EQ(digest_of(changed) != before, decides) << change.path();
        if (!decides) elsewhere.insert(change.path());
    }
}

TEST(ValueFields, DigestChangesWithWhatDecidesValues) {
    NetworkBuilder builder({2, 8, 8});
    builder.convolution("c", 2, square_window(3, 1, 1))
        .addition("a", 0)
        .pool("p", OperatorKind::average_pool, square_window(2, 2))
        .fully_connected("f", 3);
    const Schedule schedule = compile(builder.network(), {}, 1);
    ASSERT_EQ(schedule.layers.size(), 2U);
    std::set<std::string> elsewhere, of_vectors;
    const std::set<std::string> paths = change_each(schedule.layers[0], elsewhere);
    for (const char* path :
         {"layer.computation.weights[0]", "layer.computation.bias.size", "layer.requantization.format.clamp_high",
          "layer.requantization.scales[0].shift", "layer.addition.format.b.multiplier", "layer.pooling.window.pad_left",
          "layer.pooling.scales[0].multiplier", "layer.taps[0].column", "layer.kernel_height", "layer.name",
          "layer.requantization is there"}) {
        EXPECT_TRUE(paths.contains(path)) << path;
    }
    // Names, places, times, and what follows from other fields. Whoever adds to this list says that no value depends on
    // it.
    EXPECT_THAT(elsewhere, ::testing::UnorderedElementsAreArray({"layer.array_columns",
                                                                 "layer.array_rows",
                                                                 "layer.block_lines",
                                                                 "layer.buffer_blocks",
                                                                 "layer.computation.has_bias",
                                                                 "layer.computation.overflow_possible",
                                                                 "layer.computation.weight_zero_points.size",
                                                                 "layer.computation.worst_case_bits",
                                                                 "layer.fill_word_bytes",
                                                                 "layer.first_weight_tile",
                                                                 "layer.image_columns",
                                                                 "layer.image_groups",
                                                                 "layer.images",
                                                                 "layer.index",
                                                                 "layer.input_quantization.scale",
                                                                 "layer.line_bytes",
                                                                 "layer.line_channels",
                                                                 "layer.line_stride",
                                                                 "layer.map_height",
                                                                 "layer.name",
                                                                 "layer.prefetches",
                                                                 "layer.row_position.size",
                                                                 "layer.row_position[0]",
                                                                 "layer.strips_address",
                                                                 "layer.strips_room",
                                                                 "layer.tap_count",
                                                                 "layer.tile_window.size",
                                                                 "layer.tile_window[0]",
                                                                 "layer.value_bytes",
                                                                 "layer.weight_address",
                                                                 "layer.weight_beats_per_tap",
                                                                 "layer.line_beats_per_tap",
                                                                 "layer.weight_part_taps"}));
    change_each(schedule.layers[1], of_vectors);
    std::vector<std::string> more;
    std::set_difference(of_vectors.begin(), of_vectors.end(), elsewhere.begin(), elsewhere.end(),
                        std::back_inserter(more));
    EXPECT_THAT(more,
                ::testing::UnorderedElementsAre("layer.kernel_height", "layer.kernel_width", "layer.taps[0].channel",
                                                "layer.taps[0].column", "layer.taps[0].row"))
        << "a vector's values lie in words of the fill port";
}

TEST(ValueFields, TheWidthIsNotAmongThem) {
    NetworkBuilder builder({2, 8, 8});
    builder.convolution("c", 2, square_window(3, 1, 1));
    LayerSchedule layer = compile(builder.network(), {}, 1).layers[0];
    const std::string before = digest_of(layer);
    layer.computation->accumulator.bits = 9;
    EXPECT_EQ(digest_of(layer), before);
}

}  // namespace
}  // namespace widthwise

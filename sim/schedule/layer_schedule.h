// SPDX-License-Identifier: Apache-2.0
// One layer of the compiled schedule.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/hardware.h"
#include "layer/layer.h"
#include "mapping/dataflows/output_stationary.h"
#include "mapping/loop_nest.h"
#include "network/network.h"
#include "record/events.h"
#include "schedule/residence.h"
#include "schedule/strip.h"
#include "schedule/tiles.h"

namespace widthwise {

/// Where a feature map lies in the activation buffer; image i of the batch at address + i * bytes_per_image.
struct Placement {
    std::int64_t address = 0;
    std::int64_t bytes_per_image = 0;
    [[nodiscard]] std::int64_t image(int i) const { return address + i * bytes_per_image; }
};

/// Parameter bytes beside the weights of each output channel: the bias, the multiplier (4) and shift (1) of layers that
/// are requantized, and the zero point of weights that have one.
inline constexpr int kBiasBytes = 4;
inline constexpr int kFactorBytes = 5;
inline constexpr int kWeightZeroPointBytes = 1;
inline constexpr int kConstantBytes = 1;  ///< that is added

/// The taps of a kernel of height x width.
struct KernelTaps {
    int height = 1;
    int width = 1;
};

/// Everything the units need to know of one layer: what it does (layer/layer.h), and when and where the hardware does
/// it.
struct LayerSchedule {
    int index = 0;                           ///< position in Schedule::layers
    std::string name;                        ///< of the operator with the weights, or else of the first
    std::optional<Computation> computation;  ///< none: pixels pass the array unchanged
    std::optional<Requantization> requantization;
    std::optional<Addition> addition;
    std::optional<Pooling> pooling;
    bool fully_connected = false;
    bool image_columns = false;  ///< array columns = images of the batch

    int images = 1;  ///< batch
    Shape input;     ///< of one image; as the network has it
    Shape sums;      ///< of one image: what the array computes
    Shape output;    ///< of one image: what is stored, after pooling
    /// Of each stored value: 1, or of sums that leave the bytes that hold the accumulator, two's complement, least
    /// significant byte first. Values lie one after the other in CHW order.
    int value_bytes = 1;
    Quantization input_quantization;
    bool input_may_be_negative = true;  ///< false: unsigned, or signed behind a ReLU; padding never is then either
    Placement input_placement;
    Placement output_placement;
    int input_layer = -1;        ///< the layer whose output this one reads; -1: the network's input
    Placement addend_placement;  ///< with an addition
    /// In DRAM, instead: the layer is worked on in strips, of these extents.
    MapPlace input_place, addend_place, output_place;
    StripExtents extents;
    KernelTaps kernel_taps;

    // The input as the line buffer sees it: `lines` of line_bytes; a row has one line per channel and image.
    int map_height = 0;
    int groups = 1;         ///< of channels, each with tiles of its own; without weights one channel each
    int line_channels = 0;  ///< channels of a pass: those of one group
    int line_bytes = 0;
    int stride_height = 1, stride_width = 1, pad_top = 0, pad_left = 0;
    int kernel_height = 1, kernel_width = 1;  ///< pixels that the (dilated) kernel spans
    int buffer_blocks = 0;                    ///< that the line buffer holds in this layer
    int block_lines = 1;                      ///< of one image, in the largest block
    int line_stride = 0;                      ///< bytes from one line to the next in the line buffer
    int fill_word_bytes = 8;                  ///< one a cycle

    LoopNest nest;
    std::vector<ChannelTile> channel_tiles;  ///< in the order of the nest
    std::vector<ColumnTile> tiles;           ///< of one map, in the order of the nest
    std::vector<LinePass> line_passes;       ///< of one channel tile and image group, in that order
    std::vector<int> row_position;           ///< of each feature-map row among those that a tap reads, or -1
    std::vector<LineWindow> windows;
    std::vector<int> tile_window;  ///< index into windows of each tile
    std::vector<TapPart> parts;    ///< of the taps
    LineFit line_fit;              ///< how maps pass the line buffer; of a vector the parts say it
    std::vector<Tap> taps;         ///< in order of accumulation
    std::vector<RowStrip> row_strips;
    std::vector<Strip> strips;              ///< in order; one, if all maps lie in the activation buffer
    std::vector<Transfer> fetches, stores;  ///< of the strips, in their order
    /// While a strip is worked on, the next one's input and operand are fetched; its results have a place of their own.
    bool prefetches = false;
    std::int64_t strips_address = 0;  ///< of what they hold in the activation buffer
    std::int64_t strips_room = 0;     ///< bytes that are free for it there
    int tap_count = 0;                ///< how many those are, known before they are listed
    int array_rows = 1;               ///< rows used by a full channel tile
    int array_columns = 1;            ///< columns used by a full column tile or image group
    int image_groups = 1;

    std::int64_t weight_address = 0;  ///< resident: of the layer's first tile in the weight buffer
    int weight_beats_per_tap = 1;     ///< cycles the weight buffer needs for one tap's weights
    int line_beats_per_tap = 1;       ///< and the line buffer for its activations
    /// Streamed: taps whose weights are fetched together. Less than all: again for every column tile.
    int weight_part_taps = 1;
    int first_weight_tile = 0;  ///< number of channel tiles in the layers before this one
    EventAttributes attributes;

    /// The network's last layer: sums go out as they are.
    [[nodiscard]] bool sums_leave() const { return computation && !requantization; }
    /// The ResidualUnit reads another map.
    [[nodiscard]] bool adds_map() const { return addition && addition->adds_map(); }
    [[nodiscard]] bool adds_constant() const { return addition && !addition->adds_map(); }
    /// It has a part in the weight memory: weights and their channels' parameters, or the constants of an addition.
    [[nodiscard]] bool has_parameters() const { return computation || adds_constant(); }
    /// What the accumulators start from comes with the weights.
    [[nodiscard]] bool preloads_bias() const { return computation && computation->bias_preload; }
    /// The RequantUnit, or the ResidualUnit behind it, needs parameters of each channel from the weight memory.
    [[nodiscard]] bool requantizes_by_channel() const {
        return (computation && (requantization || !computation->bias_preload)) || adds_constant();
    }
    /// Weights of 9 bits, each stored as a byte that holds it plus its channel's zero point.
    [[nodiscard]] bool has_weight_zero_points() const { return computation && computation->weights_have_zero_points; }
    /// Into Network::operators: what reads the layer's input, and what makes its output.
    [[nodiscard]] int first_operator() const {
        return computation      ? computation->operator_index
               : requantization ? requantization->operator_index
               : addition       ? addition->operator_index
                                : pooling->operator_index;
    }
    [[nodiscard]] int last_operator() const {
        return pooling          ? pooling->operator_index
               : addition       ? addition->operator_index
               : requantization ? requantization->operator_index
                                : computation->operator_index;
    }
    [[nodiscard]] std::int64_t tile_count() const {
        return std::int64_t{channel_tile_count()} * image_groups * static_cast<std::int64_t>(tiles.size());
    }
    /// Of blocks in the line buffer.
    [[nodiscard]] Places block_places() const {
        return {buffer_blocks, std::int64_t{block_lines} * line_stride * (image_columns ? array_columns : 1)};
    }
    /// Strips whose input and operand, or whose results, the activation buffer has room for at a time.
    [[nodiscard]] int strip_places() const { return prefetches ? 2 : 1; }
    [[nodiscard]] int channel_tile_count() const { return static_cast<int>(channel_tiles.size()); }
    /// `channel_tile` may be one past the last.
    [[nodiscard]] int first_channel(int channel_tile) const {
        return channel_tile == channel_tile_count() ? sums.channels : channel_tiles[channel_tile].first;
    }
    [[nodiscard]] int channels_in_tile(int channel_tile) const { return channel_tiles[channel_tile].count; }
    /// First input channel that the tile reads.
    [[nodiscard]] int first_line_channel(int channel_tile) const {
        return channel_tiles[channel_tile].group * line_channels;
    }
    /// Of the batch; `group` may be one past the last.
    [[nodiscard]] int first_image(int group) const {
        if (!image_columns) return group;
        return group == image_groups ? images : group * array_columns;
    }
    [[nodiscard]] int images_in_group(int group) const { return first_image(group + 1) - first_image(group); }
    /// Stored bytes of one image's output.
    [[nodiscard]] std::int64_t output_bytes() const { return output.elements() * value_bytes; }
    /// Of each output channel, beside its weights.
    [[nodiscard]] int parameter_bytes() const {
        return (computation ? kBiasBytes + (sums_leave() ? 0 : kFactorBytes) : 0) +
               (has_weight_zero_points() ? kWeightZeroPointBytes : 0) + (adds_constant() ? kConstantBytes : 0);
    }
    /// Of each output channel.
    [[nodiscard]] int stored_weights() const { return computation ? tap_count : 0; }
    /// Bytes of one channel tile in the weight buffer: its weights and its channels' parameters.
    [[nodiscard]] std::int64_t weight_tile_bytes(int channel_tile) const;
    /// Parts in which a streamed tile's weights are fetched; the parameters come with the first.
    [[nodiscard]] int weight_parts() const { return (tap_count + weight_part_taps - 1) / weight_part_taps; }
    /// Taps [first, end) of a part.
    [[nodiscard]] int first_weight_tap(int part) const { return part * weight_part_taps; }
    [[nodiscard]] int end_weight_tap(int part) const {
        return part + 1 == weight_parts() ? tap_count : (part + 1) * weight_part_taps;
    }
    [[nodiscard]] std::int64_t weight_part_bytes(int channel_tile, int part) const;
    /// How often the weights of one channel tile are fetched for the strip, streamed.
    [[nodiscard]] std::int64_t weight_fetches(const Strip& strip) const {
        if (weight_parts() > 1)
            return std::int64_t{strip.end_group - strip.first_group} * (strip.end_tile - strip.first_tile);
        return strip.fetches_weights ? 1 : 0;
    }
    /// Bytes of the channel tiles before, in the weight buffer or in DRAM.
    [[nodiscard]] std::int64_t weight_offset(int channel_tile) const {
        return first_channel(channel_tile) * (std::int64_t{stored_weights()} + parameter_bytes());
    }
    /// Address of a line of one image: feature-map row `y` (or fill word) of channel `c`, for the strip.
    [[nodiscard]] std::int64_t line_address(const Strip& strip, int image, int c, int y) const {
        return strip.input.at(image, c, strip.input.ring_rows > 0 ? row_position[y] : y);
    }
    [[nodiscard]] bool in_strips() const { return input_place.in_dram || addend_place.in_dram || output_place.in_dram; }
    /// Real bytes of that line (the last fill word of a vector may be short).
    [[nodiscard]] int bytes_of_line(int y) const;
    /// Fill words of each of the block's lines.
    [[nodiscard]] int words_of_line(const LineBlock& block) const {
        return (block.bytes + fill_word_bytes - 1) / fill_word_bytes;
    }
};

/// What a computation is made of is its taps in their order; how the array is filled with them is not.
template <FieldsOf<LayerSchedule> Self, typename Visitor>
void visit_fields(Self& self, Visitor&& visit) {
    auto& [index, name, computation, requantization, addition, pooling, fully_connected, image_columns, images, input,
           sums, output, value_bytes, input_quantization, input_may_be_negative, input_placement, output_placement,
           input_layer, addend_placement, input_place, addend_place, output_place, extents, kernel_taps, map_height,
           groups, line_channels, line_bytes, stride_height, stride_width, pad_top, pad_left, kernel_height,
           kernel_width, buffer_blocks, block_lines, line_stride, fill_word_bytes, nest, channel_tiles, tiles,
           line_passes, row_position, windows, tile_window, parts, line_fit, taps, row_strips, strips, fetches, stores,
           prefetches, strips_address, strips_room, tap_count, array_rows, array_columns, image_groups, weight_address,
           weight_beats_per_tap, line_beats_per_tap, weight_part_taps, first_weight_tile, attributes] = self;
    visit("computation", computation, Role::values);
    visit("requantization", requantization, Role::values);
    visit("addition", addition, Role::values);
    visit("pooling", pooling, Role::values);
    visit("fully_connected", fully_connected, Role::values);
    visit("input", input, Role::values);
    visit("sums", sums, Role::values);
    visit("output", output, Role::values);
    visit("input_quantization", input_quantization, Role::values);
    visit("input_may_be_negative", input_may_be_negative, Role::values);
    visit("input_layer", input_layer, Role::values);
    visit("groups", groups, Role::values);
    visit("stride_height", stride_height, Role::values);
    visit("stride_width", stride_width, Role::values);
    visit("pad_top", pad_top, Role::values);
    visit("pad_left", pad_left, Role::values);
    visit("kernel_height", kernel_height, Role::map_values);
    visit("kernel_width", kernel_width, Role::map_values);
    visit("taps", taps, Role::values);
    visit("index", index, Role::elsewhere);
    visit("name", name, Role::elsewhere);
    visit("image_columns", image_columns, Role::elsewhere);
    visit("images", images, Role::elsewhere);
    visit("value_bytes", value_bytes, Role::elsewhere);  // of equal sums in more or fewer bytes
    visit("map_height", map_height, Role::elsewhere);
    visit("line_channels", line_channels, Role::elsewhere);
    visit("line_bytes", line_bytes, Role::elsewhere);
    visit("buffer_blocks", buffer_blocks, Role::elsewhere);
    visit("block_lines", block_lines, Role::elsewhere);
    visit("line_stride", line_stride, Role::elsewhere);
    visit("fill_word_bytes", fill_word_bytes, Role::elsewhere);
    visit("row_position", row_position, Role::elsewhere);
    visit("tile_window", tile_window, Role::elsewhere);
    visit("tap_count", tap_count, Role::elsewhere);
    visit("prefetches", prefetches, Role::elsewhere);
    visit("strips_address", strips_address, Role::elsewhere);
    visit("strips_room", strips_room, Role::elsewhere);
    visit("array_rows", array_rows, Role::elsewhere);
    visit("array_columns", array_columns, Role::elsewhere);
    visit("image_groups", image_groups, Role::elsewhere);
    visit("weight_address", weight_address, Role::elsewhere);
    visit("weight_beats_per_tap", weight_beats_per_tap, Role::elsewhere);
    visit("line_beats_per_tap", line_beats_per_tap, Role::elsewhere);
    visit("weight_part_taps", weight_part_taps, Role::elsewhere);
    visit("first_weight_tile", first_weight_tile, Role::elsewhere);
    // Structures of places, times and prices.
    static_cast<void>(input_placement), static_cast<void>(output_placement), static_cast<void>(addend_placement);
    static_cast<void>(nest), static_cast<void>(windows), static_cast<void>(tiles), static_cast<void>(channel_tiles);
    static_cast<void>(line_passes), static_cast<void>(parts), static_cast<void>(strips);
    static_cast<void>(row_strips), static_cast<void>(fetches), static_cast<void>(stores);
    static_cast<void>(attributes), static_cast<void>(input_place), static_cast<void>(addend_place),
        static_cast<void>(output_place);
    static_cast<void>(line_fit), static_cast<void>(extents),
        static_cast<void>(kernel_taps);  // those follow from the taps
}

/// Pooled pixels that one beat of results can complete.
inline constexpr int kMaxPooledPixels = 256;

/// Bytes in which a value of `bits` bits is stored.
constexpr int bytes_of_bits(int bits) { return (bits + 7) / 8; }

/// Array columns at work on this tile.
inline int tile_columns(const LayerSchedule& layer, const TileIndex& index) {
    return layer.image_columns ? layer.images_in_group(index.image_group) : layer.tiles[index.tile].count;
}

/// Lines of the pass (in the order of filling, one line per row, channel and image) that must have arrived before a tap
/// of the part can be issued; 0 when the tap reads padding only.
int lines_needed(const LayerSchedule& layer, const LinePass& pass, const TileIndex& index, int part, const Tap& tap);

/// Beat b of a tile's drain; number of beats.
int drain_beats(const LayerSchedule& layer, int rows, int columns, int lanes);
DrainBeat drain_beat(const LayerSchedule& layer, int rows, int columns, int lanes, int b);

}  // namespace widthwise

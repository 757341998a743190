// SPDX-License-Identifier: Apache-2.0
// What travels on the links, one struct a kind.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <ostream>
#include <string>
#include <systemc>

#include "accelerator/link/command_word.h"
#include "accelerator/weight_layout.h"
#include "schedule/layer_schedule.h"
#include "trace/wave.h"

namespace widthwise {

inline constexpr int kMaxArraySide = 256;
inline constexpr int kMaxPortBytes = 64;
inline constexpr int kMaxLanes = 64;

/// Whose counters an access belongs to, where it is not a layer's (layers count from 0).
inline constexpr int kLoadPhase = -1;
inline constexpr int kStorePhase = -2;
inline constexpr int kSetupPhase = -3;

/// Up to N values on parallel wires. Only the wires in use are copied, compared and shown.
template <typename T, int N>
struct Wires {
    int count = 0;
    std::array<T, N> values;

    Wires() { values.fill(T{}); }
    Wires(const Wires& other) : Wires() { *this = other; }
    Wires& operator=(const Wires& other) {
        count = other.count;
        std::copy_n(other.values.begin(), count, values.begin());
        return *this;
    }
    ~Wires() = default;
    T& operator[](int i) { return values[static_cast<std::size_t>(i)]; }
    const T& operator[](int i) const { return values[static_cast<std::size_t>(i)]; }
    friend bool operator==(const Wires& a, const Wires& b) {
        return a.count == b.count && std::equal(a.values.begin(), a.values.begin() + a.count, b.values.begin());
    }
    friend std::ostream& operator<<(std::ostream& out, const Wires& wires) {
        out << '[';
        for (int i = 0; i < wires.count; ++i) out << (i > 0 ? " " : "") << static_cast<long long>(wires[i]);
        return out << ']';
    }
};

/// Sequencer -> LineBuffer, WeightBuffer, PeArray: work on this tile next. Commands come in loop order; the first of a
/// layer tells the unit that the layer begins.
struct TileCommand {
    std::int32_t layer = 0;  ///< in the LayerTable
    std::int32_t strip = 0;  ///< of the layer
    TileIndex index;
    std::int64_t number = 0;    ///< within the layer
    bool ends_weights = false;  ///< the last tile of its channel tile
    friend bool operator==(const TileCommand&, const TileCommand&) = default;
    friend std::ostream& operator<<(std::ostream& out, const TileCommand& c) {
        return out << "layer " << c.layer << " tile " << c.number << ", strip " << c.strip << ", channel tile "
                   << c.index.channel_tile << ", image group " << c.index.image_group << ", column tile "
                   << c.index.tile << (c.ends_weights ? ", ends weights" : "");
    }
    template <typename Self, typename Visitor>
    static void visit_wires(Self& self, Visitor&& visit) {
        visit("layer", self.layer, 16);
        visit("strip", self.strip, 24);
        visit("channel_tile", self.index.channel_tile, 24);
        visit("image_group", self.index.image_group, 24);
        visit("column_tile", self.index.tile, 32);
        visit("number", self.number, 40);
        visit("ends_weights", self.ends_weights, 1);
    }
    void add_waves(WaveList& wave, const std::string& scope) const { add_wires(wave, scope, *this); }
};

/// LineBuffer -> PeArray: one tap's activations, one per working column.
struct Activations {
    Wires<std::int16_t, kMaxArraySide> columns;
    friend bool operator==(const Activations&, const Activations&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Activations& a) { return out << a.columns; }
    void add_waves(WaveList& /*wave*/, const std::string& /*scope*/) const {}  // shown as the PEs' operands
};

/// WeightBuffer -> PeArray: one tap's weights, one per working row.
struct WeightOperands {
    Wires<std::int16_t, kMaxArraySide> rows;
    friend bool operator==(const WeightOperands&, const WeightOperands&) = default;
    friend std::ostream& operator<<(std::ostream& out, const WeightOperands& w) { return out << w.rows; }
    void add_waves(WaveList& /*wave*/, const std::string& /*scope*/) const {}  // shown as the PEs' operands
};

/// WeightBuffer -> PeArray: what the accumulators of a channel tile start from, one per working row.
struct BiasOperands {
    Wires<std::int32_t, kMaxArraySide> rows;
    friend bool operator==(const BiasOperands&, const BiasOperands&) = default;
    friend std::ostream& operator<<(std::ostream& out, const BiasOperands& b) { return out << b.rows; }
    void add_waves(WaveList& wave, const std::string& scope) const {
        wave.add(scope, "count", rows.count, 9);
        wave.add(scope, "bias0", rows.values[0], 32);
    }
};

/// WeightBuffer -> RequantUnit: the parameters of the channels of a channel tile.
struct Parameters {
    std::int32_t layer = 0;          ///< in the LayerTable
    std::int32_t first_channel = 0;  ///< of the layer's sums
    Wires<ChannelParameters, kMaxArraySide> channels;
    [[nodiscard]] const ChannelParameters& of(int channel) const { return channels[channel - first_channel]; }
    friend bool operator==(const Parameters&, const Parameters&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Parameters& p) {
        out << "layer " << p.layer << " from channel " << p.first_channel;
        for (int i = 0; i < p.channels.count; ++i) out << ", " << p.channels[i];
        return out;
    }
    void add_waves(WaveList& wave, const std::string& scope) const {
        wave.add(scope, "channel", first_channel, 16);
        wave.add(scope, "count", channels.count, 9);
        wave.add(scope, "bias0", channels.values[0].bias, 32);
        wave.add(scope, "multiplier0", channels.values[0].scale.multiplier, 33);
        wave.add(scope, "shift0", channels.values[0].scale.shift, 8);
        wave.add(scope, "divisor0", channels.values[0].scale.divisor, 41);
    }
};

/// Where a beat of results belongs: `count` neighbours in the layer's sums.
struct ResultPosition {
    std::int32_t layer = 0;       ///< in the LayerTable
    std::int32_t strip = 0;       ///< of the layer
    int image = 0;                ///< of the batch, of the first value
    int channel = 0;              ///< of the first value
    int pixel = 0;                ///< y * width + x, of the first value
    bool along_channels = false;  ///< neighbours are channels (image-column layers) instead of pixels
    int byte = 0;                 ///< behind the RequantUnit, of sums that leave: which byte of each this is
    bool last_of_strip = false;
    bool last_of_channel_tile = false;  ///< in the strip
    friend bool operator==(const ResultPosition&, const ResultPosition&) = default;
    friend std::ostream& operator<<(std::ostream& out, const ResultPosition& p) {
        return out << "layer " << p.layer << " image " << p.image << " channel " << p.channel << " pixel " << p.pixel
                   << (p.along_channels ? " along channels" : "") << " byte " << p.byte << " strip " << p.strip
                   << (p.last_of_strip ? " last" : "") << (p.last_of_channel_tile ? " last of channels" : "");
    }
};

/// PeArray -> RequantUnit: finished sums.
struct PsumBeat {
    ResultPosition position;
    Wires<std::int64_t, kMaxLanes> sums;
    friend bool operator==(const PsumBeat&, const PsumBeat&) = default;
    friend std::ostream& operator<<(std::ostream& out, const PsumBeat& b) { return out << b.position << ' ' << b.sums; }
    void add_waves(WaveList& wave, const std::string& scope) const {
        wave.add(scope, "channel", position.channel, 16);
        wave.add(scope, "pixel", position.pixel, 24);
        wave.add(scope, "count", sums.count, 8);
    }
};

/// RequantUnit -> PoolUnit or ResidualUnit, ResidualUnit -> PoolUnit: quantized activations, or one byte (0..255) of
/// each of a beat of sums that leave.
struct OutputBeat {
    ResultPosition position;
    Wires<std::int16_t, kMaxLanes> values;
    Wires<std::uint8_t, kMaxLanes> constants;  ///< towards a ResidualUnit that adds them: of each value's channel
    friend bool operator==(const OutputBeat&, const OutputBeat&) = default;
    friend std::ostream& operator<<(std::ostream& out, const OutputBeat& b) {
        return out << b.position << ' ' << b.values << ' ' << b.constants;
    }
    void add_waves(WaveList& wave, const std::string& scope) const {
        wave.add(scope, "channel", position.channel, 16);
        wave.add(scope, "pixel", position.pixel, 24);
        wave.add(scope, "count", values.count, 8);
    }
};

/// PoolUnit -> ActivationBuffer, Dma -> ActivationBuffer: bytes with their addresses, one write of the port.
struct ActivationWrite {
    int layer = kLoadPhase;  ///< whose counters the write belongs to
    Wires<std::int32_t, kMaxPooledPixels> addresses;
    Wires<std::uint8_t, kMaxPooledPixels> bytes;
    friend bool operator==(const ActivationWrite&, const ActivationWrite&) = default;
    friend std::ostream& operator<<(std::ostream& out, const ActivationWrite& w) {
        return out << "layer " << w.layer << ' ' << w.bytes << " at " << w.addresses;
    }
    void add_waves(WaveList& wave, const std::string& scope) const {
        wave.add(scope, "address", addresses.values[0], 32);
        wave.add(scope, "count", bytes.count, 16);
        wave.add(scope, "byte0", bytes.values[0], 8);
    }
};

/// LineBuffer, ResidualUnit or Dma -> ActivationBuffer: read `bytes` from `address`.
struct ActivationRead {
    int layer = kStorePhase;  ///< whose counters the read belongs to
    std::int32_t address = 0;
    int bytes = 0;
    friend bool operator==(const ActivationRead&, const ActivationRead&) = default;
    friend std::ostream& operator<<(std::ostream& out, const ActivationRead& r) {
        return out << "layer " << r.layer << ' ' << r.bytes << " bytes at " << r.address;
    }
    void add_waves(WaveList& wave, const std::string& scope) const {
        wave.add(scope, "address", address, 32);
        wave.add(scope, "bytes", bytes, 8);
    }
};

/// One port word: ActivationBuffer -> LineBuffer, ResidualUnit or Dma, Dram -> Dma, Dma -> Dram.
struct Word {
    Wires<std::uint8_t, kMaxPortBytes> bytes;
    bool last = false;  ///< of the burst
    friend bool operator==(const Word&, const Word&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Word& w) {
        return out << w.bytes << (w.last ? " last" : "");
    }
    void add_waves(WaveList& wave, const std::string& scope) const {
        wave.add(scope, "count", bytes.count, 8);
        wave.add(scope, "byte0", bytes.values[0], 8);
    }
};

/// Dma -> WeightBuffer: weights of a tile, in order.
struct WeightWrite {
    int layer = kSetupPhase;  ///< whose counters the write belongs to
    std::int32_t address = 0;
    bool last = false;  ///< completes the tile (or, resident, all tiles)
    Wires<std::uint8_t, kMaxPortBytes> bytes;
    friend bool operator==(const WeightWrite&, const WeightWrite&) = default;
    friend std::ostream& operator<<(std::ostream& out, const WeightWrite& w) {
        return out << "layer " << w.layer << ' ' << w.bytes << " at " << w.address << (w.last ? " last" : "");
    }
    void add_waves(WaveList& wave, const std::string& scope) const {
        wave.add(scope, "address", address, 32);
        wave.add(scope, "count", bytes.count, 8);
    }
};

/// Sequencer -> Dma: move bytes.
struct DmaCommand {
    enum class Kind : std::uint8_t { weights, input, output };
    Kind kind = Kind::weights;
    std::int32_t layer = kSetupPhase;  ///< whose counters the DRAM traffic belongs to
    std::int64_t dram_address = 0;
    std::int64_t address = 0;  ///< in the weight or activation buffer
    std::int64_t bytes = 0;
    /// Input: above 0, the bytes are lines of so many, `channels` of each row, which go to places of their own.
    std::int32_t line_bytes = 0;
    std::int32_t channels = 1;
    std::int64_t channel_stride = 0;
    std::int64_t row_stride = 0;
    friend bool operator==(const DmaCommand&, const DmaCommand&) = default;
    friend std::ostream& operator<<(std::ostream& out, const DmaCommand& c) {
        return out << c.bytes << " bytes, kind " << static_cast<int>(c.kind) << ", layer " << c.layer
                   << ", from or to DRAM at " << c.dram_address << ", buffer at " << c.address << ", lines of "
                   << c.line_bytes << ", " << c.channels << " channels " << c.channel_stride << " apart, rows "
                   << c.row_stride << " apart";
    }
    template <typename Self, typename Visitor>
    static void visit_wires(Self& self, Visitor&& visit) {
        visit("kind", self.kind, 2);
        visit("layer", self.layer, 16);
        visit("dram_address", self.dram_address, 40);
        visit("address", self.address, 40);
        visit("bytes", self.bytes, 40);
        visit("line_bytes", self.line_bytes, 32);
        visit("channels", self.channels, 24);
        visit("channel_stride", self.channel_stride, 40);
        visit("row_stride", self.row_stride, 40);
    }
    void add_waves(WaveList& wave, const std::string& scope) const { add_wires(wave, scope, *this); }
};

/// Dma -> Dram: a burst.
struct DramRequest {
    bool write = false;
    int layer = kSetupPhase;  ///< whose counters the traffic belongs to
    std::int64_t address = 0;
    std::int64_t bytes = 0;
    friend bool operator==(const DramRequest&, const DramRequest&) = default;
    friend std::ostream& operator<<(std::ostream& out, const DramRequest& r) {
        return out << "layer " << r.layer << (r.write ? " write " : " read ") << r.bytes << " at " << r.address;
    }
    void add_waves(WaveList& wave, const std::string& scope) const {
        wave.add(scope, "write", write);
        wave.add(scope, "address", address, 32);
        wave.add(scope, "bytes", bytes, 32);
    }
};

/// A token without content: Dma -> Sequencer (command done), WeightBuffer -> Sequencer (slot free), PoolUnit ->
/// Sequencer (strip stored).
struct Token {
    std::uint8_t kind = 0;
    friend bool operator==(const Token&, const Token&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Token& t) { return out << int{t.kind}; }
    void add_waves(WaveList& /*wave*/, const std::string& /*scope*/) const {}
};

}  // namespace widthwise

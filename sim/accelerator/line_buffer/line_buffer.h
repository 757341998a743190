// SPDX-License-Identifier: Apache-2.0
// Holds the feature-map rows that the current output row needs and those of the next, and hands the array one
// activation per working column for each tap.
//
// Fill side: reads the activation buffer line by line (a line is one row of one channel of one image), row-major, one
// port word a cycle, as far ahead as rows are free. A row is free once no coming tile of the pass needs it; the next
// pass (the same feature map for the next output channels) follows without a gap.
// Read side: walks the taps of each commanded tile; a tap whose line has not arrived waits.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "accelerator/buffer/buffer.h"
#include "accelerator/link/command_queue.h"
#include "accelerator/link/layer_table.h"
#include "accelerator/link/link.h"
#include "schedule/cursors.h"

namespace widthwise {

class LineBuffer : public Buffer {
public:
    LinkIn<TileCommand> command{*this, "command"};                ///< Sequencer
    LinkOut<ActivationRead> fill_request{*this, "fill_request"};  ///< ActivationBuffer
    LinkIn<Word> fill_data{*this, "fill_data"};
    LinkOut<Activations> activations{*this, "activations"};  ///< PeArray
    sc_core::sc_out<Stall> starved_by{"starved_by"};         ///< why none is valid: fill, port_conflict, activations

    LineBuffer(const sc_core::sc_module_name& name, const LineBufferParams& params, const LayerTable& layers,
               RunRecord& record);

    void add_waves(WaveList& wave, const std::string& scope) const override;

private:
    /// A place in the fill order of a strip.
    struct FillPosition {
        int pass = 0;
        int channel_tile = 0;  ///< of the pass, as is the image group
        int image_group = 0;
        int line_pass = 0;        ///< index into LayerSchedule::line_passes
        int block = 0;            ///< of the pass
        std::int64_t number = 0;  ///< of the block in the strip
        int channel = 0;          ///< within the block
        int image = 0;            ///< within the group
        int word = 0;
    };

    void do_reset() override;
    void step() override;
    [[nodiscard]] bool works() const override;

    void begin_strip(const TileCommand& first);
    void store_word();
    void request_word();
    void advance(FillPosition& position) const;
    [[nodiscard]] bool all_filled(const FillPosition& position) const;  ///< nothing of the layer comes after it
    [[nodiscard]] std::int64_t line_address(const FillPosition& position) const;
    [[nodiscard]] const LineBlock& block_at(const FillPosition& position) const;
    [[nodiscard]] int images(const FillPosition& position) const;
    void skip_empty_passes(FillPosition& position) const;
    void next_pass(FillPosition& position) const;

    void read_activations(bool free);
    void begin_tile();
    void show_window();
    void begin_part();
    [[nodiscard]] bool tap_arrived() const;
    void read_beat();
    [[nodiscard]] bool last_beat() const { return beats_ + 1 == layer_->line_beats_per_tap; }
    void load_tap();
    void read_columns(const Tap& tap);
    void read_scattered_columns(const Tap& tap);
    [[nodiscard]] std::int16_t value_of(std::uint8_t byte) const;
    void finish_part();
    void finish_tile();

    int read_port_;  ///< bytes a cycle; 0: as many as a tap needs
    const LayerTable& layers_;
    const LayerSchedule* layer_ = nullptr;  ///< at work
    const Strip* strip_ = nullptr;
    // fill side
    FillPosition requested_;          ///< next word to ask for
    FillPosition arriving_;           ///< next word to store
    std::int64_t lines_arrived_ = 0;  ///< in arriving_.pass
    Residences blocks_;               ///< of the strip; taps wait for lines, so that those are counted as they arrive
    ActivationRead read_;
    bool denied_ = false;  ///< the request lost the port at this edge
    // read side
    CommandQueue commands_;
    std::optional<TileCursor> tile_;  ///< the one that the front command names
    bool tile_begun_ = false;
    std::int32_t tap_ = 0;
    std::int32_t beats_ = 0;     ///< of that tap's activations, read so far
    std::int32_t part_ = 0;      ///< of the taps, that tap_ belongs to
    std::vector<int> column_x_;  ///< per working column: leftmost input column, before the tap's own
    std::vector<int> column_y_;  ///< likewise its topmost row
    bool one_row_ = false;       ///< all working columns read the same feature-map row
    /// Where the rows that the part reads lie, by row minus first_y_; null: padding.
    std::vector<const std::uint8_t*> rows_;
    int first_y_ = 0;
    int first_channel_ = 0;  ///< of the lines that are held of these rows
    int first_x_ = 0;        ///< and their first pixel
    int channel_bytes_ = 0;  ///< from one channel's line to the next's in a row
    Activations operands_;
    // shown in waveforms: rows of the feature map
    std::int32_t window_first_row_ = 0;
    std::int32_t window_end_row_ = 0;
    std::int32_t row_filling_ = 0;
};

}  // namespace widthwise

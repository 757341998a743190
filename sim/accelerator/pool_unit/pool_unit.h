// SPDX-License-Identifier: Apache-2.0
// Max and average pooling on the stream of results, with a row buffer for the windows that are still open; without
// pooling the results pass. What is complete goes to the activation buffer.
#pragma once

#include <cstdint>
#include <vector>

#include "accelerator/link/counters.h"
#include "accelerator/link/layer_table.h"
#include "accelerator/link/link.h"
#include "accelerator/link/unit.h"
#include "accelerator/requant_unit/requant_unit.h"
#include "arithmetic/pooling.h"
#include "schedule/pooling_windows.h"

namespace widthwise {

class PoolUnit : public Unit {
public:
    LinkIn<OutputBeat> outputs{*this, "outputs", Ready::combinational};  ///< RequantUnit
    LinkIn<OutputBeat> additions{*this, "additions",
                                 Ready::combinational};  ///< ResidualUnit: of layers with a residual addition, instead
    LinkOut<ActivationWrite> results{*this, "results"};  ///< ActivationBuffer
    LinkOut<Token> stored{*this, "stored"};              ///< Sequencer: the strip's last result has been taken

    PoolUnit(const sc_core::sc_module_name& name, const LayerTable& layers, RunRecord& record);

    void add_waves(WaveList& wave, const std::string& scope) const override;

    ResultProbe probe;

private:
    void do_reset() override;
    void step() override;
    [[nodiscard]] bool works() const override;
    void drive_ready();
    void take(const OutputBeat& beat);
    /// Each goes into its windows, or out as it is.
    void take_values(const OutputBeat& beat);
    void pool_pixel(const ResultPosition& position, int y, int x, int value);
    void complete(const ResultPosition& position, int y, int x, const PoolPartial& window);
    /// The value, or one byte of it, of the channel at (y, x) of the output.
    void emit(const ResultPosition& position, int y, int x, int value);
    void begin_strip(const ResultPosition& position);

    const LayerTable& layers_;
    RunRecord& record_;
    const LayerSchedule* layer_ = nullptr;
    const Strip* strip_ = nullptr;
    std::vector<PixelWindows> rows_, columns_;  ///< by pixel row and column
    int open_rows_ = 1;                         ///< pooled rows that can be open at once
    std::vector<PoolPartial> row_buffer_;       ///< [channel of the tile][pooled row % open_rows_][pooled column]
    ActivationWrite write_;
    bool last_seen_ = false;
};

}  // namespace widthwise

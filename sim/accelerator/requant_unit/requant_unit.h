// SPDX-License-Identifier: Apache-2.0
// `lanes` parallel lanes of four pipeline stages: bias adder, multiplier, rounding shifter, zero point and clamp. Sums
// that leave pass; the shifter parts each into bytes, one an edge.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>

#include "accelerator/link/counters.h"
#include "accelerator/link/layer_table.h"
#include "accelerator/link/link.h"
#include "accelerator/link/unit.h"

namespace widthwise {

/// Sees every value a unit puts out: (operator index, image, channel, pixel, value). Simulation only.
using ResultProbe = std::function<void(int, int, int, int, std::int64_t)>;

class RequantUnit : public Unit {
public:
    LinkIn<PsumBeat> sums{*this, "sums", Ready::combinational};  ///< PeArray
    LinkIn<Parameters> parameters{*this, "parameters"};          ///< WeightBuffer
    LinkOut<OutputBeat> outputs{*this, "outputs"};               ///< PoolUnit
    LinkOut<OutputBeat> addends{*this, "addends"};               ///< ResidualUnit: of layers with a residual addition

    RequantUnit(const sc_core::sc_module_name& name, const RequantParams& params, const LayerTable& layers,
                RunRecord& record);

    void add_waves(WaveList& wave, const std::string& scope) const override;

    ResultProbe probe;

private:
    static constexpr int kStages = 4;
    /// Channel tiles whose parameters are held: that of the beat that comes next, and the one behind it. A tile's last
    /// beat has come before the last tap of the tile but one behind it is issued, so that no third is ever held up.
    static constexpr std::size_t kBanks = 2;
    /// One pipeline register: a beat between two stages.
    struct Stage {
        bool valid = false;
        ResultPosition position;
        int count = 0;
        std::array<std::int64_t, kMaxLanes> value{};  ///< sum, then product, then rounded quotient
        std::array<float, kMaxLanes> real{};          ///< product in the float32 mode
        std::array<RequantScale, kMaxLanes> scale{};  ///< travel with the values, as does what is added behind
        std::array<std::uint8_t, kMaxLanes> constant{};
    };

    void do_reset() override;
    void step() override;
    [[nodiscard]] bool works() const override;
    void drive_ready();
    [[nodiscard]] bool can_move() const { return outputs.can_load() && addends.can_load(); }
    void accept_parameters();
    void add_bias(Stage& to);
    [[nodiscard]] const Parameters& bank_of(const ResultPosition& position) const;
    void multiply(const Stage& from, Stage& to) const;
    void round(const Stage& from, Stage& to) const;
    void part(const Stage& from, Stage& to) const;
    void clamp(const Stage& from);
    static void pass_on(const Stage& from, Stage& to);
    void move();
    void shift_stages();
    [[nodiscard]] bool holds() const;
    void report(const Stage& stage, int lane, std::int64_t value) const;
    void count(const Stage& stage) const;

    int lanes_;
    const LayerTable& layers_;
    RunRecord& record_;
    std::deque<Parameters> banks_;
    std::int32_t banks_held_ = 0;  ///< after the last edge, for the waveform
    Stage biased_, scaled_, rounded_;
    int byte_ = 0;                                 ///< of the sums in scaled_ that leave, the next to go
    sc_core::sc_signal<bool> blocked_{"blocked"};  ///< scaled_ and biased_ will both stand still at the next edge
    OutputBeat output_;
};

}  // namespace widthwise

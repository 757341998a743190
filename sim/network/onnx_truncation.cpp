// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_truncation.h"

#include <algorithm>
#include <cmath>

#include "network/onnx_attributes.h"
#include "network/onnx_constants.h"
#include "network/onnx_qonnx.h"
#include "network/onnx_quantization.h"
#include "text/letter_case.h"

namespace widthwise {
namespace {

constexpr int kOldForm = 5;  ///< inputs: x, scale, zero point, width before, width behind
constexpr int kNewForm = 7;  ///< inputs: x, scale, zero point, width before; scale, zero point and width behind

float scalar(const OnnxModel& model, const onnx::NodeProto& node, int index) {
    return read_scalar<float>(model, node, input_name(node, index));
}

int width(const OnnxModel& model, const onnx::NodeProto& node, int index, int most) {
    const float bits = scalar(model, node, index);
    if (bits >= 1 && bits <= static_cast<float>(most) && bits == std::floor(bits)) return static_cast<int>(bits);
    model.fail(node, "has the bit width {}, expected 1..{}", bits, most);
}

/// The number of pixels that every window divides by; 0 if they differ.
int pixels(const Operator& pool) {
    const Window& w = pool.window;
    const bool pads = w.pad_top + w.pad_left + w.pad_bottom + w.pad_right != 0;
    return pads && !pool.average_counts_padding ? 0 : w.kernel_height * w.kernel_width;
}

void check_sums(const OnnxModel& model, const onnx::NodeProto& node, const PendingOperator& pool,
                const Quantization& input) {
    if (pool.op.kind != OperatorKind::average_pool) {
        model.fail(node, "follows {}, expected an AveragePool and a Mul by its number of pixels",
                   OnnxModel::label(*pool.node));
    }
    if (pool.op.activation != Activation::none) {
        model.fail(node, "follows a Relu or Clip behind {}, expected it behind the Trunc",
                   OnnxModel::label(*pool.node));
    }
    if (pixels(pool.op) == 0) model.fail(node, "follows averages over different numbers of pixels, expected one");
    if (pool.factor != static_cast<float>(pixels(pool.op))) {
        model.fail(node, "follows averages of {} pixels times {}, expected a Mul by {} before it, which makes sums",
                   pixels(pool.op), pool.factor, pixels(pool.op));
    }
    if (const float scale = scalar(model, node, 1); scale != input.scale) {
        model.fail(node, "has the scale {}, but the pool's input has {}, expected equal ones", scale, input.scale);
    }
    if (const float zero_point = scalar(model, node, 2); zero_point != 0.0F) {
        model.fail(node, "has the zero point {}, expected 0", zero_point);
    }
}

/// Bits that the form with an output scale drops: a power of two, as QONNX rounds it.
int dropped_bits(const OnnxModel& model, const onnx::NodeProto& node, float input_scale, float output_scale) {
    if (!std::isfinite(output_scale) || !(output_scale > 0.0F)) {
        model.fail(node, "has the output scale {}, expected a finite scale above zero", output_scale);
    }
    const double bits = std::nearbyint(std::log2(static_cast<double>(output_scale) / input_scale));
    return static_cast<int>(std::clamp(bits, -1.0, 1000.0));
}

Quantization output_format(float scale, bool is_signed, int bits) {
    Quantization output;
    output.scale = scale;
    output.is_signed = is_signed;
    output.bits = std::max(bits, 2);
    return output;
}

bool rounds_down(const OnnxModel& model, const onnx::NodeProto& node, OnnxAttributes& attributes) {
    const std::string mode = upper_case(attributes.text("rounding_mode", "FLOOR"));
    if (mode != "FLOOR" && mode != "ROUND") model.fail(node, "rounds by {}, expected FLOOR or ROUND", mode);
    return mode == "FLOOR";
}

}  // namespace

Truncation read_truncation(const OnnxModel& model, const onnx::NodeProto& node, const PendingOperator& pool,
                           const Quantization& input) {
    const bool limits = node.input_size() == kNewForm;
    if (!limits && node.input_size() != kOldForm) {
        model.fail(node, "has {} inputs, expected {} or {}", node.input_size(), kOldForm, kNewForm);
    }
    check_arity(model, node, kOldForm, kNewForm);
    check_sums(model, node, pool, input);
    OnnxAttributes attributes(model, node);
    Truncation found;
    found.shift.rounds_down = rounds_down(model, node, attributes);
    const bool is_signed = attributes.integer("signed", 1) != 0;
    const bool is_narrow = attributes.integer("narrow", 0) != 0;
    attributes.finish();
    const int before = width(model, node, 3, 62);
    const int behind = width(model, node, limits ? 6 : 4, 8);
    found.shift.bits = limits ? dropped_bits(model, node, input.scale, scalar(model, node, 4)) : before - behind;
    if (found.shift.bits < 0 || found.shift.bits > 62) {
        model.fail(node, "drops {} bits, expected 0..62", found.shift.bits);
    }
    const std::int64_t lowest = std::int64_t{std::min(input.low() - input.zero_point, 0)} * pixels(pool.op);
    const std::int64_t highest = std::int64_t{std::max(input.high() - input.zero_point, 0)} * pixels(pool.op);
    found.output =
        output_format(limits ? scalar(model, node, 4) : input.scale, limits ? is_signed : lowest < 0, behind);
    const int values = 1 << behind;
    found.low = found.output.is_signed ? -values / 2 + (limits && is_narrow ? 1 : 0) : 0;
    found.high = found.output.is_signed ? values / 2 - 1 : values - (limits && is_narrow ? 2 : 1);
    // Half a step up at most, where it rounds to the nearest.
    const bool carries = !found.shift.rounds_down && found.shift.bits > 0;
    const std::int64_t half = carries ? std::int64_t{1} << (found.shift.bits - 1) : 0;
    const std::int64_t least = (lowest + std::max<std::int64_t>(half - 1, 0)) >> found.shift.bits;
    const std::int64_t most = (highest + half) >> found.shift.bits;
    if (!limits && (least < found.low || most > found.high)) {
        model.fail(node, "its results reach from {} to {}, expected them within {}..{}, the range of {} bits", least,
                   most, found.low, found.high, behind);
    }
    return found;
}

}  // namespace widthwise

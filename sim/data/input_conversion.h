// SPDX-License-Identifier: Apache-2.0
// What images go through before the network: fit, real values, the network's own arithmetic, quantization.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/hardware.h"
#include "data/image_fit.h"
#include "network/network.h"

namespace widthwise {

/// What a network says of its input.
struct NetworkInput {
    NetworkInput(const Network& network);  // a network has one input, and a test may have no more than its tensor
    NetworkInput(const Tensor& of_tensor);
    Tensor tensor;
    std::vector<InputStep> steps;
    bool is_integer = false;
    bool is_bytes = false;
};

/// `preprocessing` with what it leaves to the file and the network decided: scale.
Preprocessing resolved(const Preprocessing& preprocessing, const ElementType& element, const NetworkInput& input);

/// "subtract 0.485, 0.456, 0.406; divide 0.2": long lists are cut.
std::string steps_text(const std::vector<InputStep>& steps);
/// "subtract"
std::string_view step_name(InputStep::Kind kind);

/// Whether a message of this header is about a key, and wants the name of the configuration before it.
bool about_key(std::string_view message);

/// Keys of the preprocessing that have no effect on these images in this network.
std::vector<UnusedKey> unused_data_keys(const ImageFormat& images, const Preprocessing& preprocessing,
                                        const NetworkInput& input);

/// Value -> fit -> (value * scale - mean) / deviation -> the network's input steps, all in float32 ->
/// q = clamp(round half even(real / input scale) + zero point), as ONNX QuantizeLinear. pad: zeros of the file around
/// the image. With `quantized`, value -> fit, the zero point around the image, and nothing else.
class InputConversion {
public:
    /// Throws InputError: the file's type is none of images, or preprocessing, images and input do not go together
    /// (view_of(); lists of another length than there are channels; what `quantized` rules out). Messages about keys
    /// begin with "preprocessing.".
    InputConversion(const ImageFormat& images, const Preprocessing& preprocessing, const NetworkInput& input);

    [[nodiscard]] const ImageView& view() const { return view_; }

    /// The network's input, CHW bytes, of an image as it lies in the file. Real values must be finite. With `quantized`
    /// throws InputError for integers that the input cannot have, naming the image by `index`.
    [[nodiscard]] std::vector<std::uint8_t> convert(int index, std::span<const std::uint8_t> image) const;

private:
    using ByteTable = std::array<std::uint8_t, 256>;  ///< of each byte of the file what becomes of it

    void check_quantized() const;
    void make_tables();
    [[nodiscard]] bool is_same_for_all_channels() const;
    [[nodiscard]] std::uint8_t quantized_value(float pixel, std::size_t channel) const;
    [[nodiscard]] std::vector<std::uint8_t> from_table(std::span<const std::uint8_t> image) const;
    [[nodiscard]] std::vector<std::uint8_t> from_real(std::span<const std::uint8_t> image) const;
    [[nodiscard]] std::vector<std::uint8_t> from_integers(int index, std::span<const std::uint8_t> image) const;

    ImageFormat images_;
    Preprocessing preprocessing_;
    NetworkInput input_;
    ImageView view_;
    Shape target_;                 ///< of the plane that images are laid out in
    std::size_t per_channel_ = 1;  ///< values of one channel of the network's input
    float scale_ = 1;
    std::vector<float> mean_, deviation_;  ///< one, or one per channel
    std::vector<ByteTable> tables_;        ///< one, or one per channel; none: value by value
};

}  // namespace widthwise

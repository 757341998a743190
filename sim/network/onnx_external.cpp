// SPDX-License-Identifier: Apache-2.0
#include "network/onnx_external.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>

#include "common/error.h"
#include "common/input_file.h"
#include "network/onnx_limits.h"

namespace widthwise {
namespace {

struct Place {
    std::string location;
    std::int64_t offset = 0;
    std::int64_t length = -1;  ///< -1: to the end of the file
};

[[noreturn]] void fail(const onnx::TensorProto& tensor, const std::string& problem) {
    throw InputError(fmt::format("constant '{}' is stored outside the model file, {}", tensor.name(), problem));
}

std::int64_t number(const onnx::TensorProto& tensor, const std::string& key, const std::string& text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size() && value >= 0) return value;
    fail(tensor, fmt::format("with the {} '{}', expected a number from 0 on", key, text));
}

Place place_of(const onnx::TensorProto& tensor) {
    Place place;
    for (const onnx::StringStringEntryProto& entry : tensor.external_data()) {
        if (entry.key() == "location") place.location = entry.value();
        if (entry.key() == "offset") place.offset = number(tensor, "offset", entry.value());
        if (entry.key() == "length") place.length = number(tensor, "length", entry.value());
    }
    if (place.location.empty()) fail(tensor, "but does not say where");
    return place;
}

/// A model from elsewhere must not name any file of this machine.
std::filesystem::path path_of(const onnx::TensorProto& tensor, const std::string& location,
                              const std::string& model_path) {
    const std::filesystem::path relative(location);
    bool leaves_folder = relative.is_absolute();
    for (const auto& part : relative) leaves_folder = leaves_folder || part == "..";
    if (leaves_folder) fail(tensor, fmt::format("in '{}', expected a file in the model's folder", location));
    return std::filesystem::path(model_path).parent_path() / relative;
}

}  // namespace

void ExternalData::read(onnx::TensorProto& tensor) {
    if (tensor.data_location() != onnx::TensorProto::EXTERNAL) return;
    const Place place = place_of(tensor);
    const std::filesystem::path path = path_of(tensor, place.location, model_path_);
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) {
        fail(tensor, fmt::format("in '{}', which is no regular file beside it", place.location));
    }
    const auto size = static_cast<std::int64_t>(std::filesystem::file_size(path, error));
    const std::int64_t length = place.length < 0 ? size - place.offset : place.length;
    if (error || place.offset > size || length > size - place.offset || length < 0) {
        fail(tensor, fmt::format("in '{}', which has {} bytes, expected {} from byte {} on", place.location, size,
                                 length, place.offset));
    }
    bytes_ += length;
    if (bytes_ > kModelFile.bytes) {
        fail(tensor, fmt::format("{} bytes with those before it, expected at most {}", bytes_, kModelFile.bytes));
    }
    std::ifstream stream(path, std::ios::binary);
    std::string bytes(static_cast<std::size_t>(length), '\0');
    stream.seekg(place.offset);
    if (!stream.read(bytes.data(), length)) fail(tensor, fmt::format("in '{}', which cannot be read", place.location));
    files_.insert(path.string());
    tensor.set_raw_data(std::move(bytes));
    tensor.clear_external_data();
    tensor.set_data_location(onnx::TensorProto::DEFAULT);
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "data/labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "common/md5.h"
#include "data/element_values.h"

namespace widthwise {
namespace {

/// Longer lines are no label, whatever they hold.
constexpr std::size_t kLongestLine = 64;

std::string_view trimmed(std::string_view line) {
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

[[noreturn]] void refuse_line(const UnpackedFile& file, std::size_t number, std::string_view line) {
    file.fail(fmt::format("line {}: expected a label, an integer in 0..{}, and nothing else, got {}", number,
                          kLargestLabel, line.empty() ? "an empty line" : fmt::format("'{}'", line)));
}

std::uint16_t label_in(const UnpackedFile& file, std::size_t number, std::string_view line) {
    const std::string_view text = trimmed(line);
    std::int64_t label = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), label);
    const bool all_read = error == std::errc{} && end == text.data() + text.size();
    if (!all_read || label < 0 || label > kLargestLabel) refuse_line(file, number, text);
    return static_cast<std::uint16_t>(label);
}

}  // namespace

LabelFile::LabelFile(const std::string& path, std::int64_t count, const std::string& images)
    : file_(path), count_(count), images_(images) {
    if (count > kMaxLabels) {
        file_.fail(fmt::format("labels of {} images are too many (allowed: up to {})", count, kMaxLabels));
    }
    std::uint8_t first = 0;
    if (file_.read(0, &first, 1) == 0) file_.fail("the file is empty, expected labels");
    if (!is_array(file_)) return;
    array_.emplace(path);
    const ArrayHeader& header = array_->header();
    const std::vector<int>& extents = header.dimensions;
    const bool is_column = extents.size() == 2 && extents[1] == 1;
    if ((extents.size() != 1 && !is_column) || header.element.kind == ElementKind::real) {
        file_.fail(fmt::format("{} values of rank {} ({}), expected labels of rank 1, integers", header.element.name(),
                               extents.size(), header.shape_text()));
    }
    if (extents[0] != count_) fail_count(extents[0]);
}

void LabelFile::fail_count(std::int64_t found) const {
    file_.fail(fmt::format("{} labels, expected {}, as many as there are images in {}", found, count_, images_));
}

Labels LabelFile::read() const { return array_ ? read_array() : read_text(); }

Labels LabelFile::read_array() const {
    Labels labels;
    labels.path = file_.path();
    labels.values.reserve(static_cast<std::size_t>(count_));
    const ElementType& type = array_->header().element;
    labels.digest = array_->scan([&](std::int64_t /*first*/, std::span<const std::uint8_t> bytes) {
        for (std::size_t at = 0; at < bytes.size(); at += static_cast<std::size_t>(type.bytes)) {
            const std::int64_t label = integer_at(bytes.data() + at, type);
            if (label < 0 || label > kLargestLabel) {
                file_.fail(fmt::format("image {} has the label {}, expected 0..{}", labels.values.size(), label,
                                       kLargestLabel));
            }
            labels.values.push_back(static_cast<std::uint16_t>(label));
        }
    });
    return labels;
}

Labels LabelFile::read_text() const {
    Labels labels;
    labels.path = file_.path();
    Md5 digest;
    std::vector<std::uint8_t> chunk(std::size_t{1} << 16);
    std::string line;
    const auto take_line = [&] {
        if (static_cast<std::int64_t>(labels.values.size()) == count_) {
            file_.fail(fmt::format("line {}: more labels than the {} images in {}", count_ + 1, count_, images_));
        }
        labels.values.push_back(label_in(file_, labels.values.size() + 1, line));
        line.clear();
    };
    std::int64_t offset = 0;
    while (const std::size_t count = file_.read(offset, chunk.data(), chunk.size())) {
        digest.update(chunk.data(), count);
        offset += static_cast<std::int64_t>(count);
        for (std::size_t i = 0; i < count; ++i) {
            if (chunk[i] == '\n') take_line();
            else line += static_cast<char>(chunk[i]);
            if (line.size() > kLongestLine) refuse_line(file_, labels.values.size() + 1, line);
        }
    }
    if (!line.empty()) take_line();
    if (static_cast<std::int64_t>(labels.values.size()) != count_) {
        fail_count(static_cast<std::int64_t>(labels.values.size()));
    }
    labels.digest = digest.finish();
    return labels;
}

}  // namespace widthwise

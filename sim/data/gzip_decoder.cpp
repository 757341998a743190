// SPDX-License-Identifier: Apache-2.0
#include "data/gzip_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "data/unpacked_file.h"

namespace widthwise {
namespace {

constexpr std::size_t kInputBytes = std::size_t{1} << 16;
/// What one call of zlib unpacks at most, so that states are kept in time.
constexpr std::size_t kMostAtOnce = std::size_t{1} << 20;
/// Some 40 KiB each. When there are more, every second one goes.
constexpr std::size_t kMostStates = 128;
constexpr int kGzipWindow = 15 + 16;  // the largest window, in a gzip wrapper

}  // namespace

GzipDecoder::State::State() {
    if (inflateInit2(&stream, kGzipWindow) != Z_OK) throw std::bad_alloc();
}

GzipDecoder::State::State(const State& other)
    : next_input(other.next_input), position(other.position), ended(other.ended) {
    // zlib copies from what it will not change but does not say so.
    if (inflateCopy(&stream, const_cast<z_stream*>(&other.stream)) != Z_OK) throw std::bad_alloc();
}

GzipDecoder::State::~State() { inflateEnd(&stream); }

GzipDecoder::GzipDecoder(const PlainFile& file, std::int64_t span)
    : file_(file), now_(std::make_unique<State>()), input_(kInputBytes), span_(span) {
    kept_.push_back(std::make_unique<State>(*now_));
}

GzipDecoder::~GzipDecoder() = default;

void GzipDecoder::go_to(const State& state) {
    now_ = std::make_unique<State>(state);
    now_->stream.avail_in = 0;  // what was read ahead belongs to another place
}

void GzipDecoder::keep_state() {
    if (now_->position < kept_.back()->position + span_) return;
    kept_.push_back(std::make_unique<State>(*now_));
    if (kept_.size() < kMostStates) return;
    std::size_t left = 0;
    for (std::size_t i = 0; i < kept_.size(); i += 2) kept_[left++] = std::move(kept_[i]);
    kept_.resize(left);
    span_ *= 2;
}

/// False at the end of the file.
bool GzipDecoder::fill_input() {
    State& now = *now_;
    if (now.stream.avail_in > 0) return true;
    const std::size_t count = file_.read(now.next_input, input_.data(), input_.size());
    now.stream.next_in = input_.data();
    now.stream.avail_in = static_cast<uInt>(count);
    return count > 0;
}

bool GzipDecoder::member_follows() {
    std::array<std::uint8_t, 2> magic{};
    return file_.read(now_->next_input, magic.data(), magic.size()) == magic.size() && magic == kGzipMagic;
}

std::size_t GzipDecoder::read(std::uint8_t* data, std::size_t size) {
    std::size_t held = 0;
    while (held < size && !now_->ended) {
        State& now = *now_;
        if (!fill_input()) file_.fail("the gzip stream is cut short");
        const uInt input_before = now.stream.avail_in;
        const std::size_t room = std::min(size - held, kMostAtOnce);
        now.stream.next_out = data + held;
        now.stream.avail_out = static_cast<uInt>(room);
        const int code = inflate(&now.stream, Z_NO_FLUSH);
        const std::size_t count = room - now.stream.avail_out;
        held += count;
        now.position += static_cast<std::int64_t>(count);
        now.next_input += input_before - now.stream.avail_in;
        if (code == Z_MEM_ERROR) throw std::bad_alloc();
        if (code == Z_STREAM_END) {
            now.ended = !member_follows();
            if (!now.ended) inflateReset(&now.stream);
        } else if (code != Z_OK && code != Z_BUF_ERROR) {
            const char* message = now.stream.msg != nullptr ? now.stream.msg : "unknown";
            file_.fail(fmt::format("reading failed ({}), expected an intact gzip file", message));
        }
        keep_state();
    }
    return held;
}

bool GzipDecoder::seek(std::int64_t offset) {
    // The last state kept at or before the place, unless the decoder is nearer.
    const auto after = std::upper_bound(kept_.begin(), kept_.end(), offset,
                                        [](std::int64_t place, const auto& state) { return place < state->position; });
    const State& before = **(after - 1);
    if (now_->position > offset || now_->position < before.position) go_to(before);
    std::vector<std::uint8_t> skipped(std::size_t{1} << 16);
    while (now_->position < offset) {
        const auto left = static_cast<std::size_t>(offset - now_->position);
        if (read(skipped.data(), std::min(skipped.size(), left)) == 0) return false;
    }
    return true;
}

}  // namespace widthwise

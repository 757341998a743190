// SPDX-License-Identifier: Apache-2.0
// Unpacks a gzip file front to back. States of the decoder are kept on the way, so that it can go back to them.
#pragma once

#include <zlib.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace widthwise {

class PlainFile;

inline constexpr std::array<std::uint8_t, 2> kGzipMagic = {0x1f, 0x8b};

/// Of one thread at a time. Members that follow one another count as one stream; what follows them and is no member
/// does not count, as in gunzip. Checksums are checked wherever a member is read to its end.
class GzipDecoder {
public:
    /// `file` must outlive the decoder. `span`: unpacked bytes between the states that are kept, to begin with; it doubles
    /// whenever there are too many of them.
    explicit GzipDecoder(const PlainFile& file, std::int64_t span = std::int64_t{4} << 20);
    ~GzipDecoder();
    GzipDecoder(const GzipDecoder&) = delete;
    GzipDecoder& operator=(const GzipDecoder&) = delete;

    /// Up to `size` bytes; fewer only at the end. Throws InputError when the stream is cut short or damaged.
    std::size_t read(std::uint8_t* data, std::size_t size);
    /// Goes to an offset of the unpacked bytes; false when the stream ends before it. Throws as read().
    bool seek(std::int64_t offset);

    [[nodiscard]] std::size_t kept_states() const { return kept_.size(); }

private:
    /// What it takes to go on from a place.
    struct State {
        State();
        State(const State& other);
        State& operator=(const State& other) = delete;
        ~State();
        z_stream stream{};
        std::int64_t next_input = 0;  ///< file offset of the first packed byte that is not consumed
        std::int64_t position = 0;    ///< unpacked bytes before this place
        bool ended = false;
    };
    void go_to(const State& state);
    void keep_state();
    bool fill_input();
    bool member_follows();

    const PlainFile& file_;
    std::unique_ptr<State> now_;
    std::vector<std::uint8_t> input_;
    std::vector<std::unique_ptr<State>> kept_;  ///< ascending places
    std::int64_t span_;                         ///< unpacked bytes between them
};

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
#include "schedule/line_fill.h"

#include <algorithm>

#include "schedule/timing_rules.h"

namespace widthwise {

LineFill::LineFill(const LayerSchedule& layer, const Strip& strip, int ports, Edge first_request)
    : layer_(layer),
      strip_(strip),
      conflicts_(ports == 1 || layer.adds_map()),
      blocks_(layer.buffer_blocks, layer.windows[layer.tile_window[strip.first_tile]].first_block, first_request),
      image_group_(strip.first_group),
      line_pass_(strip.first_line_pass),
      last_grant_(first_request) {}

void LineFill::block(Edge edge) {
    if (conflicts_) blocked_.push_back(edge);
}

std::uint64_t LineFill::denied(Edge first, Edge last) const {
    if (first > last) return 0;
    const auto begin = std::lower_bound(denied_.begin(), denied_.end(), first);
    return static_cast<std::uint64_t>(std::upper_bound(begin, denied_.end(), last) - begin);
}

/// The first edge from `earliest` on at which the port is free.
Edge LineFill::grant(Edge earliest) {
    Edge edge = earliest;
    while (next_blocked_ < blocked_.size() && blocked_[next_blocked_] < edge) ++next_blocked_;
    while (next_blocked_ < blocked_.size() && blocked_[next_blocked_] == edge) {
        denied_.push_back(edge);
        ++next_blocked_;
        ++edge;
    }
    return edge;
}

void LineFill::fill_line() {
    const std::vector<LineBlock>& blocks = layer_.line_passes[line_pass_].blocks;
    if (blocks.empty()) {
        end_pass();
        return;
    }
    if (line_in_block_ == 0) {
        const LineBlock& block = blocks[block_];
        words_of_line_ = layer_.words_of_line(block);
        lines_in_block_ = block.channels * layer_.images_in_group(image_group_);
        place_free_ = blocks_.place_free(block_number_).value();
    }
    const int n = words_of_line_;
    // A word is asked for at the edge at which the one before was granted, once its block is free.
    Edge asked = std::max(last_grant_, place_free_);
    if (conflicts_) {
        for (int w = 0; w < n; ++w) asked = grant(asked + edges(Rule::grant));
        last_grant_ = asked;
    } else {
        last_grant_ = asked + n;
    }
    arrivals_.push_back(last_grant_ + edges(Rule::arrive));
    if (++line_in_block_ < lines_in_block_) return;
    line_in_block_ = 0;
    ++block_number_;
    if (++block_ == static_cast<int>(blocks.size())) end_pass();
}

void LineFill::fill_to(int pass, int lines) {
    while (pass_ < pass || (pass_ == pass && static_cast<int>(arrivals_.size()) < lines)) fill_line();
}

void LineFill::end_pass() {
    block_ = 0;
    ++pass_;
    arrivals_.swap(previous_arrivals_);
    arrivals_.clear();
    if (++line_pass_ < strip_.end_line_pass) return;
    line_pass_ = strip_.first_line_pass;
    if (++image_group_ == strip_.end_group) image_group_ = strip_.first_group;
}

}  // namespace widthwise

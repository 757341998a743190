// SPDX-License-Identifier: Apache-2.0
// The Dma's distances: from command to request, from word to word, from the last word to the token.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <vector>

#include "accelerator/kit/link_bench.h"
#include "accelerator/kit/rule_monitor.h"

namespace widthwise::test {

class DmaRules {
public:
    struct Links {
        const LinkMonitor<DmaCommand>& command;
        const LinkMonitor<Token>& done;
        const LinkMonitor<DramRequest>& request;
        const LinkMonitor<Word>& read_data;
        const LinkMonitor<Word>& write_data;
        const LinkMonitor<WeightWrite>& weights;
        const LinkMonitor<ActivationWrite>& input;
        const LinkMonitor<Word>& output_data;
    };

    DmaRules(Bench& bench, const Links& links) : links_(links) {
        bench.on_restart([this] { at_ = {}; });
        watch_request(bench);
        watch_words(bench);
        monitors_.emplace_back(
            "dma_reports", bench, std::vector{Rule::report}, links_.done.cycles,
            [this](std::size_t i) { return std::optional(cause_of_token(i)); }, [this] { return links_.done.held(); });
    }

private:
    /// How far the words have been followed.
    struct Position {
        std::size_t sorted = 0;  ///< words from the Dram
        std::size_t fetch = 0;   ///< the command that the next of them belongs to
        std::vector<std::size_t> weight_words, input_words;
        std::size_t weights = 0, input = 0, output = 0;  ///< words of commands that are done
    };

    void watch_request(Bench& bench) {
        monitors_.emplace_back(
            "dma_requests", bench, std::vector{Rule::request}, links_.request.cycles,
            [this](std::size_t i) { return std::optional(edge_of(links_.command.cycles, i)); },
            [this] { return links_.request.held(); });
    }

    void watch_words(Bench& bench) {
        monitors_.emplace_back(
            "dma_moves_weights", bench, std::vector{Rule::move}, links_.weights.cycles,
            [this](std::size_t i) { return fetched(at_.weight_words, i); }, [this] { return links_.weights.held(); });
        monitors_.emplace_back(
            "dma_moves_input", bench, std::vector{Rule::move}, links_.input.cycles,
            [this](std::size_t i) { return fetched(at_.input_words, i); }, [this] { return links_.input.held(); });
        monitors_.emplace_back(
            "dma_moves_output", bench, std::vector{Rule::move}, links_.write_data.cycles,
            [this](std::size_t i) { return std::optional(edge_of(links_.output_data.cycles, i)); },
            [this] { return links_.write_data.held(); });
    }

    /// The edge at which the i-th word of its kind came from the Dram.
    std::optional<std::uint64_t> fetched(const std::vector<std::size_t>& words, std::size_t i) {
        sort_words();
        return i < words.size() ? links_.read_data.cycles[words[i]] : kNever;
    }

    /// A burst goes where its command says, and bursts come in the commands' order.
    void sort_words() {
        const auto& commands = links_.command.data;
        for (; at_.sorted < links_.read_data.count(); ++at_.sorted) {
            while (at_.fetch < commands.size() && commands[at_.fetch].kind == DmaCommand::Kind::output) ++at_.fetch;
            if (at_.fetch == commands.size()) return;  // a word that nobody asked for, which the values show
            const bool to_weights = commands[at_.fetch].kind == DmaCommand::Kind::weights;
            (to_weights ? at_.weight_words : at_.input_words).push_back(at_.sorted);
            if (links_.read_data.data[at_.sorted].last) ++at_.fetch;
        }
    }

    /// A token waits for the register until the one before is taken.
    std::uint64_t cause_of_token(std::size_t i) {
        const std::uint64_t last_word = last_word_of(i);
        return i == 0 ? last_word : std::max(last_word, links_.done.cycles[i - 1]);
    }

    std::uint64_t last_word_of(std::size_t command) {
        if (command >= links_.command.count()) return kNever;
        const DmaCommand& c = links_.command.data[command];
        switch (c.kind) {
            case DmaCommand::Kind::weights: return last_of(links_.weights, c.bytes, at_.weights);
            case DmaCommand::Kind::input: return last_of(links_.input, c.bytes, at_.input);
            case DmaCommand::Kind::output: break;
        }
        return last_of(links_.write_data, c.bytes, at_.output);
    }

    /// The edge of the word that completes the bytes, from the word `next` on.
    template <typename T>
    static std::uint64_t last_of(const LinkMonitor<T>& link, std::int64_t bytes, std::size_t& next) {
        std::uint64_t edge = kNever;
        while (bytes > 0) {
            if (next == link.count()) return kNever;
            bytes -= link.data[next].bytes.count;
            edge = link.cycles[next++];
        }
        return edge;
    }

    Links links_;
    Position at_;
    std::list<RuleMonitor> monitors_;
};

}  // namespace widthwise::test

// SPDX-License-Identifier: Apache-2.0
#include "explore/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/error.h"
#include "common/input_file.h"
#include "common/output_file.h"
#include "data/dataset.h"
#include "results/staged_output.h"

namespace widthwise {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kTitle = "widthwise-journal 1\n";
constexpr std::size_t kDigestLength = 32;
constexpr FileLimit kJournalFile{"a journal", std::int64_t{1} << 30};

/// Decimal, since JSON readers cut numbers to 64 bits.
std::string decimal(unsigned __int128 value) {
    std::string digits;
    do {
        digits += static_cast<char>('0' + static_cast<int>(value % 10));
        value /= 10;
    } while (value != 0);
    return {digits.rbegin(), digits.rend()};
}

std::string decimal(__int128 value) {
    if (value >= 0) return decimal(static_cast<unsigned __int128>(value));
    return fmt::format("-{}", decimal(-static_cast<unsigned __int128>(value)));
}

unsigned __int128 parse_decimal(const std::string& digits) {
    unsigned __int128 value = 0;
    for (const char digit : digits) {
        if (digit < '0' || digit > '9') throw std::invalid_argument("not a decimal number");
        value = value * 10 + static_cast<unsigned>(digit - '0');
    }
    return value;
}

Json layer_json(const LayerRecord& layer) {
    const OverflowCounts& overflow = layer.overflow;
    const PsumStats& psums = layer.psums;
    return {overflow.outputs, overflow.events, overflow.transient, overflow.persistent, layer.events[Event::mac_gated],
            psums.count,      psums.min,       psums.max,          decimal(psums.sum),  decimal(psums.sum_of_squares)};
}

LayerRecord layer_of(const Json& json) {
    LayerRecord layer;
    std::size_t next = 0;
    const auto take = [&](auto& value) { value = json.at(next++).get<std::remove_reference_t<decltype(value)>>(); };
    take(layer.overflow.outputs);
    take(layer.overflow.events);
    take(layer.overflow.transient);
    take(layer.overflow.persistent);
    take(layer.events[Event::mac_gated]);
    take(layer.psums.count);
    take(layer.psums.min);
    take(layer.psums.max);
    const auto sum = json.at(next++).get<std::string>();
    const bool negative = sum.starts_with('-');
    const auto magnitude = static_cast<__int128>(parse_decimal(sum.substr(negative ? 1 : 0)));
    layer.psums.sum = negative ? -magnitude : magnitude;
    layer.psums.sum_of_squares = parse_decimal(json.at(next++).get<std::string>());
    return layer;
}

std::string line_of(const std::string& digest, const ValueOutcome& outcome) {
    Json layers = Json::array();
    for (const LayerRecord& layer : outcome.layers) layers.push_back(layer_json(layer));
    const Json json = {{"images", outcome.images},
                       {"labelled", outcome.labelled},
                       {"correct", outcome.correct},
                       {"layers", std::move(layers)}};
    const std::string rest = fmt::format("{} {}", digest, json.dump());
    return fmt::format("{} {}\n", md5_of_bytes(rest.data(), rest.size()), rest);
}

struct Entry {
    std::string digest;
    ValueOutcome outcome;
};

/// None: cut short or damaged. `line` without its end.
std::optional<Entry> entry_of(const std::string& line) {
    constexpr std::size_t kStart = kDigestLength + 1;
    if (line.size() < 2 * kStart || line[kDigestLength] != ' ' || line[kStart + kDigestLength] != ' ')
        return std::nullopt;
    const std::string rest = line.substr(kStart);
    if (md5_of_bytes(rest.data(), rest.size()) != line.substr(0, kDigestLength)) return std::nullopt;
    const Json json = Json::parse(rest.substr(kStart));
    Entry entry{rest.substr(0, kDigestLength), {}};
    entry.outcome.images = json.at("images").get<std::uint64_t>();
    entry.outcome.labelled = json.at("labelled").get<std::uint64_t>();
    entry.outcome.correct = json.at("correct").get<std::uint64_t>();
    for (const Json& layer : json.at("layers")) entry.outcome.layers.push_back(layer_of(layer));
    return entry;
}

std::string text_of(const std::string& path) { return read_input_file(path, kJournalFile); }

void write_all(int file, const std::string& path, const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t n = write(file, text.data() + done, text.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw SimulationError(fmt::format("cannot write journal '{}': {}", path, std::strerror(errno)));
        done += static_cast<std::size_t>(n);
    }
    if (fdatasync(file) != 0 && errno != EINVAL) {
        throw SimulationError(fmt::format("cannot write journal '{}': {}", path, std::strerror(errno)));
    }
}

}  // namespace

Journal::Journal(const std::string& path) : path_(path) {
    file_ = open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file_ < 0) throw InputError(fmt::format("journal '{}': cannot be written: {}", path, std::strerror(errno)));
    try {
        if (flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
            throw InputError(fmt::format("journal '{}': is in use by another sweep", path));
        }
        const std::string text = text_of(path);
        if (std::string(kTitle).starts_with(text)) {  // new, or cut short within the first line
            if (ftruncate(file_, 0) != 0) throw SimulationError(fmt::format("cannot write journal '{}'", path));
            write_all(file_, path, kTitle);
            return;
        }
        read(path, text);
        if (!text.ends_with('\n')) write_all(file_, path, "\n");  // so that the cut line ends and the next begins
    } catch (...) {
        close(file_);
        throw;
    }
}

Journal::~Journal() {
    if (file_ >= 0) close(file_);
}

void Journal::read(const std::string& path, const std::string& text) {
    if (!text.starts_with(kTitle)) {
        throw InputError(fmt::format("journal '{}': was not written by widthwise sweep", path));
    }
    std::size_t start = std::strlen(kTitle);
    while (start < text.size()) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        const std::string line = text.substr(start, end - start);
        start = end + 1;
        if (line.empty()) continue;
        std::optional<Entry> entry;
        try {
            if (end < text.size()) entry = entry_of(line);
        } catch (const std::exception& error) {  // the sum is right and the content is not: another version's
            throw InputError(fmt::format("journal '{}': cannot be understood ({})", path, error.what()));
        }
        if (!entry) {
            ++damaged_;
            continue;
        }
        const auto [place, is_new] = entries_.emplace(entry->digest, entry->outcome);
        if (!is_new && place->second != entry->outcome) {
            throw InputError(fmt::format("journal '{}': contradicts what is known of {}", path, entry->digest));
        }
    }
}

void Journal::take_over(const std::string& path) { read(path, text_of(path)); }

const ValueOutcome* Journal::find(const std::string& digest) const {
    const auto it = entries_.find(digest);
    return it == entries_.end() ? nullptr : &it->second;
}

void Journal::add(const std::string& digest, const ValueOutcome& outcome) {
    if (file_ >= 0) write_all(file_, path_, line_of(digest, outcome));
    entries_[digest] = outcome;
}

void Journal::rewrite(std::span<const std::string> digests) {
    if (file_ < 0) return;
    std::string text = kTitle;
    for (const std::string& digest : digests) text += line_of(digest, entries_.at(digest));
    StagedOutput output(path_, StagedOutput::Kind::file, true, "journal");
    write_file(output.partial(), text);
    output.commit();
}

}  // namespace widthwise

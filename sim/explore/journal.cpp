// SPDX-License-Identifier: Apache-2.0
#include "explore/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "common/error.h"
#include "common/input_file.h"
#include "common/output_file.h"
#include "explore/journal_line.h"

namespace widthwise {
namespace {

constexpr std::string_view kTitle = "widthwise-journal 1\n";
constexpr FileLimit kJournalFile{"a journal", std::int64_t{1} << 30};

std::string text_of(const std::string& path) { return read_input_file(path, kJournalFile); }

std::string entry_line(const std::string& digest, const ValueOutcome& outcome) {
    return journal_line(digest, outcome_json(outcome));
}

}  // namespace

Journal::Journal(const std::string& path) : path_(path) {
    file_ = open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0666);
    const int error = errno;
    if (file_ < 0)
        throw_unusable(error, fmt::format("journal '{}': cannot be written: {}", path, std::strerror(error)));
    try {
        open_file();
    } catch (...) {
        close(file_);
        throw;
    }
}

Journal::~Journal() {
    if (file_ >= 0) close(file_);
}

void Journal::open_file() {
    if (flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        throw InputError(fmt::format("journal '{}': is in use by another sweep", path_));
    }
    const std::string text = text_of(path_);
    if (kTitle.starts_with(text)) {  // new, or cut short within the first line
        if (ftruncate(file_, 0) != 0) {
            throw SimulationError(fmt::format("cannot write '{}': {}", path_, std::strerror(errno)));
        }
        write_fully(file_, kTitle.data(), kTitle.size(), path_);
        return;
    }
    read(path_, text);
    if (!text.ends_with('\n')) write_fully(file_, "\n", 1, path_);  // so that the cut line ends and the next begins
}

void Journal::read(const std::string& path, const std::string& text) {
    if (!text.starts_with(kTitle)) {
        throw InputError(fmt::format("journal '{}': was not written by widthwise sweep", path));
    }
    std::size_t start = kTitle.size();
    for (std::size_t number = 2; start < text.size(); ++number) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        const std::string_view line = std::string_view(text).substr(start, end - start);
        start = end + 1;
        if (end == text.size()) ++damaged_;  // cut short, even if only its end is missing
        else if (!line.empty()) read_line(path, number, line);
    }
}

void Journal::read_line(const std::string& path, std::size_t number, std::string_view text) {
    const std::optional<JournalLine> line = parse_journal_line(text);
    if (line && line->word == kJournalAbout) {
        if (path == path_) about_ = line->json;
        return;
    }
    if (!line || !is_digest(line->word)) {
        ++damaged_;
        return;
    }
    Entry entry{{}, path, number};
    try {
        entry.outcome = parse_outcome(line->json);
    } catch (const InputError& error) {  // the sum is right: somebody made this
        throw InputError(fmt::format("journal '{}', line {}: {}", path, number, error.what()));
    }
    const auto [place, is_new] = entries_.emplace(line->word, entry);
    if (!is_new && place->second.outcome != entry.outcome) {
        throw InputError(
            fmt::format("journal '{}', line {}: contradicts what is known of {}", path, number, line->word));
    }
}

void Journal::take_over(const std::string& path) { read(path, text_of(path)); }

const ValueOutcome* Journal::find(const std::string& digest) const {
    const auto it = entries_.find(digest);
    return it == entries_.end() ? nullptr : &it->second.outcome;
}

std::string Journal::place(const std::string& digest) const {
    const Entry& entry = entries_.at(digest);
    return entry.path.empty() ? "the journal" : fmt::format("journal '{}', line {}", entry.path, entry.line);
}

void Journal::set_about(const std::string& json) {
    if (json == about_) return;
    about_ = json;
    about_is_written_ = false;
}

void Journal::add(const std::string& digest, const ValueOutcome& outcome) {
    if (file_ >= 0) {
        const std::string lines =
            (about_is_written_ ? "" : journal_line(kJournalAbout, about_)) + entry_line(digest, outcome);
        const off_t before = lseek(file_, 0, SEEK_END);
        try {
            write_fully(file_, lines.data(), lines.size(), path_);
            sync_file(file_, path_);
        } catch (const SimulationError&) {
            static_cast<void>(!ftruncate(file_, before));  // half a line would only be left out when read
            throw;
        }
        about_is_written_ = true;
    }
    entries_[digest] = {outcome, "", 0};
}

void Journal::write(const std::string& path, std::span<const std::string> digests) const {
    OutputFile file(path);
    file.write(kTitle);
    if (!about_.empty()) file.write(journal_line(kJournalAbout, about_));
    for (const std::string& digest : digests) file.write(entry_line(digest, entries_.at(digest).outcome));
    file.close();
}

bool Journal::is_blank(const std::string& path) {
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    return !error && size <= kTitle.size();
}

}  // namespace widthwise

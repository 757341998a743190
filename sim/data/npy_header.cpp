// SPDX-License-Identifier: Apache-2.0
#include "data/npy_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace widthwise {
namespace {

constexpr std::array<std::uint8_t, 6> kNpyMagic = {0x93, 'N', 'U', 'M', 'P', 'Y'};
constexpr int kMaxRank = 4;

/// Takes apart {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }: these keys, each once, in any order.
class Dictionary {
public:
    Dictionary(const UnpackedFile& file, std::string_view text, ArrayHeader& header)
        : file_(file), text_(text), header_(header) {}

    void read() {
        expect('{');
        while (!accept('}')) {
            read_entry();
            if (accept(',')) continue;
            expect('}');
            break;
        }
        skip_blanks();
        if (at_ != text_.size()) fail("nothing after the closing brace");
        for (const Key& key : keys_) {
            if (!key.seen) fail(fmt::format("the key '{}'", key.name));
        }
    }

private:
    struct Key {
        std::string_view name;
        void (Dictionary::*read)();
        bool seen = false;
    };

    [[noreturn]] void fail(const std::string& expected) const {
        constexpr std::size_t kShown = 20;
        const std::string_view rest = text_.substr(std::min(at_, text_.size()), kShown);
        file_.fail(fmt::format(".npy header: expected {} at byte {} of its dictionary, got {}", expected, at_,
                               rest.empty() ? "its end" : fmt::format("'{}'", rest)));
    }

    void skip_blanks() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    }
    bool accept(char letter) {
        skip_blanks();
        if (at_ == text_.size() || text_[at_] != letter) return false;
        ++at_;
        return true;
    }
    void expect(char letter) {
        if (!accept(letter)) fail(fmt::format("'{}'", letter));
    }
    std::string_view quoted(const std::string& what) {
        skip_blanks();
        const char quote = at_ < text_.size() ? text_[at_] : '\0';
        if (quote != '\'' && quote != '"') fail(what);
        const std::size_t end = text_.find(quote, at_ + 1);
        if (end == std::string_view::npos) fail("a closing quote");
        const std::string_view content = text_.substr(at_ + 1, end - at_ - 1);
        at_ = end + 1;
        return content;
    }
    bool accept_word(std::string_view word) {
        skip_blanks();
        if (text_.substr(at_, word.size()) != word) return false;
        at_ += word.size();
        return true;
    }

    void read_entry() {
        skip_blanks();
        const std::size_t start = at_;
        const std::string_view name = quoted("a key in quotes");
        const auto key = std::find_if(keys_.begin(), keys_.end(), [&](const Key& k) { return k.name == name; });
        if (key == keys_.end() || key->seen) {
            at_ = start;
            fail("the keys descr, fortran_order and shape, each once,");
        }
        key->seen = true;
        expect(':');
        (this->*key->read)();
    }

    /// "<f4": byte order, kind, bytes.
    void read_type() {
        const std::string_view type = quoted("a type like '<f4' (no structured type)");
        ElementType element;
        const std::string_view digits = type.substr(std::min<std::size_t>(2, type.size()));
        const bool has_order = !type.empty() && std::string_view("<>|").find(type[0]) != std::string_view::npos;
        const char kind = type.size() > 1 ? type[1] : '\0';
        const bool has_kind = kind == 'u' || kind == 'i' || kind == 'f';
        const bool has_size = digits == "1" || digits == "2" || digits == "4" || digits == "8";
        if (has_size) element.bytes = digits[0] - '0';
        const bool is_known = has_order && has_kind && has_size && (type[0] != '|' || element.bytes == 1) &&
                              (kind != 'f' || element.bytes >= 4);
        if (!is_known) {
            file_.fail(
                fmt::format("the .npy type '{}' is not supported, expected integers or float32 or float64 numbers: "
                            "|u1, |i1, <f4 and the like",
                            type));
        }
        element.kind = kind == 'u'   ? ElementKind::unsigned_integer
                       : kind == 'i' ? ElementKind::signed_integer
                                     : ElementKind::real;
        element.big_endian = type[0] == '>';
        header_.element = element;
    }

    void read_order() {
        if (accept_word("False")) return;
        if (!accept_word("True")) fail("True or False");
        file_.fail(
            "is in column-major order (fortran_order: True), expected row-major; numpy.ascontiguousarray() makes it");
    }

    void read_shape() {
        expect('(');
        int commas = 0;
        for (bool more = true; more && !accept(')');) {
            add_dimension(file_, header_, extent());
            if (header_.dimensions.size() > kMaxRank) {
                file_.fail(fmt::format("the .npy file has more than {} dimensions, the most that is read", kMaxRank));
            }
            more = accept(',');
            if (more) ++commas;
            else expect(')');
        }
        if (header_.dimensions.empty()) file_.fail("the .npy file holds a single number, expected rank 1..4");
        if (commas == 0) file_.fail("the shape in the .npy header is no tuple, expected a ',' in it");
    }

    std::uint64_t extent() {
        skip_blanks();
        std::uint64_t extent = 0;
        const char* const begin = text_.data() + at_;
        const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), extent);
        if (error == std::errc::invalid_argument) fail("a dimension");
        if (error != std::errc{}) fail("a dimension in 1..2147483647");
        at_ += static_cast<std::size_t>(end - begin);
        return extent;
    }

    const UnpackedFile& file_;
    std::string_view text_;
    ArrayHeader& header_;
    std::size_t at_ = 0;
    std::array<Key, 3> keys_{{{"descr", &Dictionary::read_type},
                              {"fortran_order", &Dictionary::read_order},
                              {"shape", &Dictionary::read_shape}}};
};

}  // namespace

bool is_npy(const UnpackedFile& file) {
    std::array<std::uint8_t, kNpyMagic.size()> magic{};
    return file.read(0, magic.data(), magic.size()) == magic.size() && magic == kNpyMagic;
}

ArrayHeader read_npy_header(const UnpackedFile& file) {
    constexpr std::size_t kVersionEnd = kNpyMagic.size() + 2;
    std::array<std::uint8_t, kVersionEnd + 4> start{};
    const std::size_t there = file.read(0, start.data(), start.size());
    const int major = there > kNpyMagic.size() ? start[kNpyMagic.size()] : 0;
    if (there < kVersionEnd + 2) file.fail("the file ends within the .npy header");
    if (major < 1 || major > 3 || start[kNpyMagic.size() + 1] != 0) {
        file.fail(fmt::format(".npy format {}.{} is not supported, expected 1.0, 2.0 or 3.0", major,
                              start[kNpyMagic.size() + 1]));
    }
    const std::size_t length_bytes = major == 1 ? 2 : 4;
    if (there < kVersionEnd + length_bytes) file.fail("the file ends within the .npy header");
    std::uint32_t length = 0;  // little-endian
    for (std::size_t i = length_bytes; i-- > 0;) length = length << 8U | start[kVersionEnd + i];
    if (length > kMaxNpyDictionary) {
        file.fail(
            fmt::format("the .npy header's dictionary has {} bytes (allowed: up to {})", length, kMaxNpyDictionary));
    }
    std::string text(length, '\0');
    ArrayHeader header;
    header.offset = static_cast<std::int64_t>(kVersionEnd + length_bytes);
    if (file.read(header.offset, reinterpret_cast<std::uint8_t*>(text.data()), length) < length) {
        file.fail("the file ends within the .npy header");
    }
    header.offset += length;
    Dictionary(file, text, header).read();
    return header;
}

}  // namespace widthwise

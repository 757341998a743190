// SPDX-License-Identifier: Apache-2.0
// .npy files as NumPy writes them, and files that only look like it.
#include <gtest/gtest.h>

#include "common/md5.h"
#include "data/array_file.h"
#include "data/element_values.h"
#include "data/idx_bytes.h"
#include "kit/refusal.h"
#include "kit/temporary_files.h"

namespace widthwise::test {
namespace {

constexpr auto kUnsigned = ElementKind::unsigned_integer;
constexpr auto kSigned = ElementKind::signed_integer;
constexpr auto kReal = ElementKind::real;

ArrayHeader header_of(const std::string& bytes) { return ArrayFile(TemporaryFile(bytes).path()).header(); }

void expect_refused(const std::string& bytes, std::vector<std::string> parts) {
    for (const std::string& stored : {bytes, gzipped(bytes)}) {
        const TemporaryFile file(stored);
        parts.push_back(file.path());
        expect_input_error([&] { return ArrayFile(file.path()); }, parts);
        parts.pop_back();
    }
}

/// A header with this dictionary and one byte of values.
std::string with(const std::string& dictionary) { return npy_start(dictionary) + "x"; }

TEST(Npy, BytesAsNumPyWritesThem) {
    // np.save of np.array([[1, 2, 255]], np.uint8), byte for byte.
    const std::string bytes =
        npy_start("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 3), }" + std::string(58, ' ') + "\n") +
        "\x01\x02\xff";
    ASSERT_EQ(bytes.size(), 131U);
    for (const std::string& stored : {bytes, gzipped(bytes)}) {
        const TemporaryFile file(stored);
        const IdxTensor tensor = read_idx(file.path());
        EXPECT_FALSE(tensor.is_signed);
        EXPECT_EQ(tensor.dimensions, (std::vector<int>{1, 3}));
        EXPECT_EQ(tensor.values, (std::vector<std::uint8_t>{1, 2, 255}));
        EXPECT_EQ(tensor.digest, md5_of_bytes(bytes.data(), bytes.size()));
    }
}

TEST(Npy, TypesAndVersions) {
    struct Case {
        std::string type;
        int major;
        ElementType element;
        std::string name;
    };
    const std::vector<Case> cases = {
        {"|u1", 1, {kUnsigned, 1, false}, "uint8"},  {"|i1", 2, {kSigned, 1, false}, "int8"},
        {"<u2", 3, {kUnsigned, 2, false}, "uint16"}, {">i4", 1, {kSigned, 4, true}, "int32"},
        {"<i8", 1, {kSigned, 8, false}, "int64"},    {"<f4", 1, {kReal, 4, false}, "float32"},
        {">f8", 1, {kReal, 8, true}, "float64"},
    };
    for (const Case& c : cases) {
        const std::string value(static_cast<std::size_t>(c.element.bytes), 'x');
        EXPECT_EQ(header_of(npy(c.type, "1,", value, c.major)).element, c.element) << c.type;
        EXPECT_EQ(c.element.name(), c.name);
    }
}

const std::uint8_t* data(const std::string& bytes) { return reinterpret_cast<const std::uint8_t*>(bytes.data()); }

TEST(Npy, IntegersOfEveryType) {
    EXPECT_EQ(integer_at(data("\x01\x02"), {kUnsigned, 2, false}), 0x0201);
    EXPECT_EQ(integer_at(data("\x01\x02"), {kUnsigned, 2, true}), 0x0102);
    EXPECT_EQ(integer_at(data("\xfe\xff"), {kSigned, 2, false}), -2);
    EXPECT_EQ(integer_at(data("\xfe"), {kSigned, 1, false}), -2);
    EXPECT_EQ(integer_at(data(bytes_of<std::int64_t>({-5})), {kSigned, 8, false}), -5);
}

TEST(Npy, RealNumbersOfEveryType) {
    EXPECT_EQ(real_at(data(bytes_of<float>({-1.5F})), {kReal, 4, false}), -1.5F);
    EXPECT_EQ(real_at(data(bytes_of<double>({0.1})), {kReal, 8, false}), 0.1F);
    EXPECT_EQ(real_at(data(std::string("\x3f\x80\0\0", 4)), {kReal, 4, true}), 1.0F);
    EXPECT_EQ(real_at(data("\xfe"), {kSigned, 1, false}), -2.0F);
    EXPECT_EQ(real_at(data("\xfe"), {kUnsigned, 1, false}), 254.0F);
}

TEST(Npy, KeysInAnyOrderAndQuotes) {
    const ArrayHeader header = header_of(with("{ \"shape\":(1 ,1,1,1),'descr':\"|u1\" , 'fortran_order' : False}\n"));
    EXPECT_EQ(header.dimensions, (std::vector<int>{1, 1, 1, 1}));
}

TEST(Npy, HeadersThatNumPyWouldNotWrite) {
    const std::string good = "'fortran_order': False, 'shape': (1,), }";
    expect_refused(with("{'descr': '|u1', 'fortran_order': False, }"), {"expected the key 'shape'"});
    expect_refused(with("{'descr': '|u1', 'descr': '|u1', " + good), {"each once"});
    expect_refused(with("{'descr': '|u1', 'note': 1, " + good), {"the keys descr, fortran_order and shape"});
    expect_refused(with("{'descr': '|u1', " + good + "}"), {"nothing after the closing brace", "got '}'"});
    expect_refused(with("{'descr': '|u1' " + good), {"expected '}' at byte"});
    expect_refused(with("{'descr': '|u1', 'fortran_order': False, 'shape': (1,)"), {"expected '}'", "its end"});
    expect_refused(with("'descr': '|u1', " + good), {"expected '{' at byte 0"});
    expect_refused(with("{'descr': '|u1, "), {"a closing quote"});
    expect_refused(with("{'descr'"), {"expected ':'"});
    expect_refused(with(""), {"expected '{'", "its end"});
    expect_refused(with("{'descr': [('a', '|u1')], " + good), {"no structured type"});
    for (const std::string type :
         {"|b1", "<f2", "<c8", "|O", "u1", "|u2", "=f4", "<f1", "<i3", "<u16", "<M8[ns]", "", "|"}) {
        expect_refused(npy(type, "1,", "x"), {"the .npy type '" + type + "' is not supported"});
    }
    expect_refused(with("{'descr': '|u1', 'fortran_order': True, 'shape': (1,), }"),
                   {"column-major", "expected row-major"});
    expect_refused(with("{'descr': '|u1', 'fortran_order': 0, 'shape': (1,), }"), {"expected True or False"});
}

TEST(Npy, ShapesThatAreNone) {
    expect_refused(npy("|u1", "", "x"), {"holds a single number, expected rank 1..4"});
    expect_refused(npy("|u1", "1", "x"), {"is no tuple"});
    expect_refused(npy("|u1", "1,1,1,1,1", "x"), {"more than 4 dimensions"});
    expect_refused(npy("|u1", "1, 0", ""), {"dimension 1 is 0, expected 1..2147483647"});
    expect_refused(npy("|u1", "-1,", "x"), {"expected a dimension at byte"});
    expect_refused(npy("|u1", "1.0,", "x"), {"expected ')'"});
    expect_refused(npy("|u1", ",", "x"), {"expected a dimension"});
    expect_refused(npy("|u1", "1,,1", "x"), {"expected a dimension"});
    expect_refused(npy("|u1", "3000000000,", "x"), {"dimension 0 is 3000000000"});
    expect_refused(npy("|u1", "99999999999999999999,", "x"), {"a dimension in 1..2147483647"});
    expect_refused(npy("|u1", "2147483647, 2147483647, 2147483647", "x"), {"announce more than 1099511627776 values"});
    expect_refused(npy("<f8", "1073741824,", "12345678"), {"values, expected 1073741824"});
}

TEST(Npy, LengthsAndVersionsThatAreNone) {
    expect_refused(npy("|u1", "1,", "x", 4), {".npy format 4.0 is not supported, expected 1.0, 2.0 or 3.0"});
    expect_refused(npy_start("{}", 1, 1), {".npy format 1.1"});
    expect_refused(npy_start(std::string(65537, ' '), 2), {"has 65537 bytes (allowed: up to 65536)"});
    std::string endless = npy_start("", 2);
    endless.replace(8, 4, "\xff\xff\xff\xff");
    expect_refused(endless, {"has 4294967295 bytes"});
}

TEST(Npy, TruncatedAndTrailing) {
    for (const int major : {1, 2}) {
        const std::string sound = npy("<f4", "2, 1", bytes_of<float>({1, 2}), major);
        EXPECT_EQ(header_of(sound).values(), 2);
        for (std::size_t size = 0; size < sound.size(); ++size) {
            const TemporaryFile file(sound.substr(0, size));
            expect_input_error([&] { return ArrayFile(file.path()); }, {file.path()});
        }
        const TemporaryFile trailing(sound + "x");
        expect_input_error([&] { return ArrayFile(trailing.path()); }, {"bytes follow the 2 values (2 x 1)"});
        const TemporaryFile packed(gzipped(sound + "x"));
        expect_input_error([&] { return ArrayFile(packed.path()).scan([](auto, auto) {}); }, {"bytes follow"});
        const TemporaryFile cut(gzipped(sound.substr(0, sound.size() - 3)));
        expect_input_error([&] { return ArrayFile(cut.path()).scan([](auto, auto) {}); },
                           {"holds 1 values, expected 2 (2 x 1): the file is cut short"});
    }
}

}  // namespace
}  // namespace widthwise::test

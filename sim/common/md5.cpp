// SPDX-License-Identifier: Apache-2.0
#include "common/md5.h"

#include <fmt/format.h>
#include <md5.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>

#include "common/error.h"

namespace widthwise {

struct Md5::Context {
    MD5_CTX state{};
};

Md5::Md5() : context_(std::make_unique<Context>()) { MD5Init(&context_->state); }
Md5::~Md5() = default;

void Md5::update(const void* data, std::size_t size) {
    if (size != 0) MD5Update(&context_->state, static_cast<const std::uint8_t*>(data), size);
}

std::string Md5::finish() {
    std::array<std::uint8_t, MD5_DIGEST_LENGTH> digest{};
    MD5Final(digest.data(), &context_->state);
    return fmt::format("{:02x}", fmt::join(digest, ""));
}

std::string md5_of_bytes(const void* data, std::size_t size) {
    Md5 md5;
    md5.update(data, size);
    return md5.finish();
}

std::string md5_of_file(const std::string& path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) {
        throw InputError(fmt::format("{}: cannot be read: no such file, or not a regular file", path));
    }
    std::ifstream stream(path, std::ios::binary);
    if (!stream) throw InputError(fmt::format("{}: cannot be opened for reading", path));
    Md5 md5;
    std::array<char, 65536> chunk{};
    while (stream.read(chunk.data(), chunk.size()) || stream.gcount() > 0) {
        md5.update(chunk.data(), static_cast<std::size_t>(stream.gcount()));
    }
    if (stream.bad()) throw InputError(fmt::format("{}: reading failed", path));
    return md5.finish();
}

}  // namespace widthwise

// SPDX-License-Identifier: Apache-2.0
// MD5 of bytes, of files, and of data that arrives in pieces (RFC 1321; to name files, not for security).
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace widthwise {

class Md5 {
public:
    Md5();
    ~Md5();
    Md5(const Md5&) = delete;
    Md5& operator=(const Md5&) = delete;

    void update(const void* data, std::size_t size);
    /// The digest, hexadecimal; ends the computation.
    [[nodiscard]] std::string finish();

private:
    struct Context;  // keeps the C header of the library out of ours
    std::unique_ptr<Context> context_;
};

/// MD5 of a file as it lies on disk, hexadecimal. Throws InputError when it cannot be read.
std::string md5_of_file(const std::string& path);
std::string md5_of_bytes(const void* data, std::size_t size);

}  // namespace widthwise

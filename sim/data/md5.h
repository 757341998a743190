// SPDX-License-Identifier: Apache-2.0
// MD5 over data that arrives in pieces.
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

}  // namespace widthwise

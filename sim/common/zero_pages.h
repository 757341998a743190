// SPDX-License-Identifier: Apache-2.0
// Memories of a stated capacity that take from the machine only what is written to them.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>
#include <vector>

namespace widthwise {

/// Allocates memory that reads as zero. The system gives a page of it when the page is first written.
template <typename T>
struct ZeroPages {
    using value_type = T;

    ZeroPages() = default;
    template <typename Other>
    explicit ZeroPages(const ZeroPages<Other>& /*other*/) {}

    T* allocate(std::size_t count) {
        void* memory = std::calloc(count, sizeof(T));
        if (memory == nullptr) throw std::bad_alloc();
        return static_cast<T*>(memory);
    }
    void deallocate(T* memory, std::size_t /*count*/) { std::free(memory); }

    /// A new element is zero already: writing it would take the page.
    template <typename Element>
    void construct(Element* /*at*/) noexcept {}
    template <typename Element, typename... Arguments>
    void construct(Element* at, Arguments&&... arguments) {
        ::new (static_cast<void*>(at)) Element(std::forward<Arguments>(arguments)...);
    }

    friend bool operator==(const ZeroPages& /*a*/, const ZeroPages& /*b*/) { return true; }
};

/// Made with its capacity once, as a memory is; it must not shrink and grow again, since that would not zero anything.
using ZeroBytes = std::vector<std::uint8_t, ZeroPages<std::uint8_t>>;

}  // namespace widthwise

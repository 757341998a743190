// SPDX-License-Identifier: Apache-2.0
// Memory that vector instructions read whole: it begins at a cache line, and some bytes behind its end may be read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

namespace widthwise::fast {

inline constexpr std::size_t kVectorBytes = 64;

template <typename T>
struct AlignedAllocator {
    using value_type = T;
    /// Behind the end: a vector, and the widest step from one tap to the next in a quad.
    static constexpr std::size_t kSlack = 4 * kVectorBytes;

    AlignedAllocator() = default;
    template <typename Other>
    explicit AlignedAllocator(const AlignedAllocator<Other>& /*other*/) {}

    T* allocate(std::size_t count) {
        if (count > (SIZE_MAX - kSlack) / sizeof(T)) throw std::bad_array_new_length();
        return static_cast<T*>(::operator new (count * sizeof(T) + kSlack, std::align_val_t{kVectorBytes}));
    }
    void deallocate(T* memory, std::size_t /*count*/) { ::operator delete (memory, std::align_val_t{kVectorBytes}); }

    /// New elements hold anything: what is about to be written need not be zero first.
    template <typename Element>
    void construct(Element* /*at*/) noexcept {}
    template <typename Element, typename... Arguments>
    void construct(Element* at, Arguments&&... arguments) {
        ::new (static_cast<void*>(at)) Element(std::forward<Arguments>(arguments)...);
    }

    friend bool operator==(const AlignedAllocator& /*a*/, const AlignedAllocator& /*b*/) { return true; }
};

template <typename T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;
using AlignedBytes = AlignedVector<std::uint8_t>;

}  // namespace widthwise::fast

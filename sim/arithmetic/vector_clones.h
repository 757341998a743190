// SPDX-License-Identifier: Apache-2.0
// GCC's function multiversioning: a function is compiled for several vector units, and the widest that the processor
// has is picked at load time. The address and thread sanitizers are not ready when that happens: their builds have
// the portable version alone.
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WIDTHWISE_SANITIZED
#endif
#endif

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !defined(WIDTHWISE_SANITIZED)
/// Levels of the x86-64 ABI: named by features, so that processors of every maker have them.
#define WIDTHWISE_VECTOR_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
/// For functions that have a version with AVX-512 instructions written by hand.
#define WIDTHWISE_AVX2_CLONES __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define WIDTHWISE_VECTOR_CLONES
#define WIDTHWISE_AVX2_CLONES
#endif

// SPDX-License-Identifier: Apache-2.0
// GCC's function multiversioning: a function is compiled for several vector units, and the widest that the processor has
// is picked at load time. The address and thread sanitizers are not ready when that happens: their builds have the
// portable version alone.
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WIDTHWISE_SANITIZED
#endif
#endif

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !defined(WIDTHWISE_SANITIZED)
#define WIDTHWISE_VECTOR_CLONES __attribute__((target_clones("arch=skylake-avx512", "avx2", "default")))
/// For functions with fused multiply-adds, which the "avx2" of the others leaves to the library.
#define WIDTHWISE_FMA_CLONES __attribute__((target_clones("arch=skylake-avx512", "arch=haswell", "default")))
/// For functions that have a version with AVX-512 instructions written by hand.
#define WIDTHWISE_AVX2_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define WIDTHWISE_VECTOR_CLONES
#define WIDTHWISE_FMA_CLONES
#define WIDTHWISE_AVX2_CLONES
#endif

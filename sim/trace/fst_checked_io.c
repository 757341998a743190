/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "trace/fst_checked_io.h"

#include <errno.h>
#include <sys/mman.h>

static int first_error = 0; /* a process writes its waveforms in one thread */

static void note(int failed) {
    if (failed && first_error == 0) first_error = errno != 0 ? errno : EIO;
}

int widthwise_fst_take_error(void) {
    const int error = first_error;
    first_error = 0;
    return error;
}

size_t widthwise_fst_fwrite(const void* bytes, size_t size, size_t count, FILE* file) {
    const size_t written = fwrite(bytes, size, count, file);
    note(size != 0 && written != count);
    return written;
}

int widthwise_fst_fputc(int letter, FILE* file) {
    const int result = fputc(letter, file);
    note(result == EOF);
    return result;
}

int widthwise_fst_fflush(FILE* file) {
    const int result = fflush(file);
    note(result != 0);
    return result;
}

int widthwise_fst_fseeko(FILE* file, off_t offset, int whence) {
    const int result = fseeko(file, offset, whence);
    note(result != 0);
    return result;
}

int widthwise_fst_fclose(FILE* file) {
    const int result = fclose(file);
    note(result != 0);
    return result;
}

int widthwise_fst_ftruncate(int file, off_t length) {
    const int result = ftruncate(file, length);
    note(result != 0);
    return result;
}

int widthwise_fst_gzwrite(gzFile file, const void* bytes, unsigned count) {
    const int written = gzwrite(file, bytes, count);
    note(written <= 0 && count != 0);
    return written;
}

int widthwise_fst_gzclose(gzFile file) {
    const int result = gzclose(file);
    note(result != Z_OK);
    return result;
}

FILE* widthwise_fst_tmpfile(void) {
    const int file = memfd_create("fst", MFD_CLOEXEC);
    FILE* stream = file < 0 ? NULL : fdopen(file, "w+b");
    note(stream == NULL);
    if (stream == NULL && file >= 0) close(file);
    return stream;
}

/* SPDX-License-Identifier: Apache-2.0
 * fstapi.c looks at no result of a write, and its temporary files need room on a disk that no message would name. This
 * header is the configuration file that fstapi.c includes first (FST_CONFIG_INCLUDE): there its calls lead here. */
#ifndef WIDTHWISE_TRACE_FST_CHECKED_IO_H
#define WIDTHWISE_TRACE_FST_CHECKED_IO_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>
#include <zlib.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The errno of the first call that failed since the last time this was asked; 0: none did. */
int widthwise_fst_take_error(void);

size_t widthwise_fst_fwrite(const void* bytes, size_t size, size_t count, FILE* file);
int widthwise_fst_fputc(int letter, FILE* file);
int widthwise_fst_fflush(FILE* file);
int widthwise_fst_fseeko(FILE* file, off_t offset, int whence);
int widthwise_fst_fclose(FILE* file);
int widthwise_fst_ftruncate(int file, off_t length);
int widthwise_fst_gzwrite(gzFile file, const void* bytes, unsigned count);
int widthwise_fst_gzclose(gzFile file);
FILE* widthwise_fst_tmpfile(void); /* in memory */

#ifdef __cplusplus
}
#endif

#ifdef WIDTHWISE_COMPILES_FSTAPI
#include "gtkwave/fst_config.h"
#define fwrite widthwise_fst_fwrite
#undef fputc
#define fputc widthwise_fst_fputc
#define fflush widthwise_fst_fflush
#define fseeko widthwise_fst_fseeko
#define fclose widthwise_fst_fclose
#define ftruncate widthwise_fst_ftruncate
#define gzwrite widthwise_fst_gzwrite
#define gzclose widthwise_fst_gzclose
#define tmpfile widthwise_fst_tmpfile
#endif

#endif

/* Compressed data, unpacked as a stream: gzip, zlib, raw deflate, zstd, brotli. Bounded memory:
 * some tens of kilobytes, with brotli a window of at most 16 MiB, with zstd of as much as is
 * allowed.
 *
 * One stream ends with UNPACK_END. What follows it is the caller's to judge: another one, as with
 * members of gzip (RFC 1952 2.2) and frames of zstd (RFC 8878 3.1), or rubbish. An unpacker is used
 * again and again, and belongs to one thread. zlib, libzstd and libbrotlidec live here and nowhere
 * else (but for writers). */
#ifndef RINGSEND_BASE_UNPACK_H
#define RINGSEND_BASE_UNPACK_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

enum unpack_kind { UNPACK_GZIP, UNPACK_ZLIB, UNPACK_DEFLATE, UNPACK_ZSTD, UNPACK_BROTLI };

enum unpack_next {
    UNPACK_MORE, /* the room is filled, or all of the input taken */
    UNPACK_END,  /* the stream is complete, its checksum right; bytes behind it were not taken */
    UNPACK_BAD,  /* it is damaged: see unpack_fault */
    UNPACK_NO_MEMORY
};

struct memory;
struct unpack;

/* The largest window of zstd, as a power of two: what RFC 9659 allows a response (8 MiB), and what
 * zstd itself reads of a file without being told to (128 MiB: --long, --ultra). */
enum { UNPACK_WINDOW_HTTP = 23, UNPACK_WINDOW_FILE = 27 };

/* The memory, base/memory.h's, is asked for all that it needs; null: the C library's. Returns null
 * when there is none. */
struct unpack *unpack_new(struct memory *memory, int zstd_window_bits);
void unpack_free(struct unpack *u);

/* Begins a stream; whatever was under way is forgotten. False when memory is out. */
bool unpack_begin(struct unpack *u, enum unpack_kind kind);
/* Takes bytes off the front of *in and writes up to `room` to `out`; *made says how many. With
 * UNPACK_MORE, *made < room and *in empty, it needs more input: a stream that has no more is cut
 * short. */
enum unpack_next unpack_step(struct unpack *u, struct ringsend_bytes *in, char *out, size_t room,
                             size_t *made);
/* What is wrong after UNPACK_BAD. Static text. */
const char *unpack_fault(const struct unpack *u);
/* After UNPACK_BAD: it is not damaged, but has a window of zstd that is larger than is allowed. */
bool unpack_is_too_large(const struct unpack *u);

#endif

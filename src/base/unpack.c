/* Three libraries with the same shape behind one door. Each keeps its state from stream to stream,
 * but for brotli's, which cannot be reset. */
#include "base/unpack.h"

#include "base/check.h"
#include "base/memory.h"

#include <brotli/decode.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>
/* For ZSTD_createDCtx_advanced: memory other than malloc's. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

enum {
    WINDOW_BITS = 15 /* zlib's largest, and the only one that HTTP knows */
};

struct unpack {
    struct memory *memory;
    enum unpack_kind kind;
    z_stream zlib;
    bool zlib_ready; /* inflateEnd is due */
    ZSTD_DCtx *zstd;
    int zstd_window_bits; /* at most */
    bool too_large;
    BrotliDecoderState *brotli;
    const char *fault;
};

/* The libraries give back without saying how much: that stands ahead of each piece. */
enum { PIECE_HEAD_BYTES = 16 };
_Static_assert(PIECE_HEAD_BYTES >= sizeof(size_t) && PIECE_HEAD_BYTES % _Alignof(max_align_t) == 0,
               "what follows is aligned as malloc's");

static void *piece_take(void *memory, size_t bytes)
{
    char *piece =
        bytes <= SIZE_MAX - PIECE_HEAD_BYTES ? memory_take(memory, PIECE_HEAD_BYTES + bytes) : NULL;
    if (!piece)
        return NULL;
    memcpy(piece, &bytes, sizeof bytes);
    return piece + PIECE_HEAD_BYTES;
}

static void piece_give_back(void *memory, void *data)
{
    size_t bytes;
    if (!data)
        return;
    char *piece = (char *)data - PIECE_HEAD_BYTES;
    memcpy(&bytes, piece, sizeof bytes);
    memory_give_back(memory, piece, PIECE_HEAD_BYTES + bytes);
}

static void *zlib_take(void *memory, unsigned count, unsigned bytes)
{
    return piece_take(memory, (size_t)count * bytes);
}

struct unpack *unpack_new(struct memory *memory, int zstd_window_bits)
{
    struct unpack *u = memory_take_zeroed(memory, sizeof *u);
    if (!u)
        return NULL;
    u->memory = memory;
    u->zstd_window_bits = zstd_window_bits;
    u->zlib = (z_stream){.zalloc = zlib_take, .zfree = piece_give_back, .opaque = memory};
    return u;
}

void unpack_free(struct unpack *u)
{
    if (!u)
        return;
    if (u->zlib_ready)
        inflateEnd(&u->zlib);
    ZSTD_freeDCtx(u->zstd);
    if (u->brotli)
        BrotliDecoderDestroyInstance(u->brotli);
    memory_give_back(u->memory, u, sizeof *u);
}

static bool begin_zlib(struct unpack *u, int window_bits)
{
    u->zlib.next_in = NULL;
    u->zlib.avail_in = 0;
    if (u->zlib_ready)
        return inflateReset2(&u->zlib, window_bits) == Z_OK;
    u->zlib_ready = inflateInit2(&u->zlib, window_bits) == Z_OK;
    return u->zlib_ready;
}

static bool begin_zstd(struct unpack *u)
{
    if (!u->zstd)
        u->zstd =
            ZSTD_createDCtx_advanced((ZSTD_customMem){piece_take, piece_give_back, u->memory});
    return u->zstd && !ZSTD_isError(ZSTD_DCtx_reset(u->zstd, ZSTD_reset_session_and_parameters)) &&
           !ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, u->zstd_window_bits));
}

static bool begin_brotli(struct unpack *u)
{
    if (u->brotli)
        BrotliDecoderDestroyInstance(u->brotli);
    u->brotli = BrotliDecoderCreateInstance(piece_take, piece_give_back, u->memory);
    return u->brotli != NULL;
}

bool unpack_begin(struct unpack *u, enum unpack_kind kind)
{
    u->kind = kind;
    u->fault = NULL;
    u->too_large = false;
    switch (kind) {
    case UNPACK_GZIP:
        return begin_zlib(u, WINDOW_BITS + 16);
    case UNPACK_ZLIB:
        return begin_zlib(u, WINDOW_BITS);
    case UNPACK_DEFLATE:
        return begin_zlib(u, -WINDOW_BITS);
    case UNPACK_ZSTD:
        return begin_zstd(u);
    case UNPACK_BROTLI:
        return begin_brotli(u);
    }
    UNREACHABLE("unpack kind");
}

static enum unpack_next bad(struct unpack *u, const char *fault)
{
    u->fault = fault;
    return UNPACK_BAD;
}

static uInt bounded(size_t bytes)
{
    return bytes < UINT32_MAX ? (uInt)bytes : UINT32_MAX;
}

static enum unpack_next step_zlib(struct unpack *u, struct ringsend_bytes *in, char *out,
                                  size_t room, size_t *made)
{
    z_stream *z = &u->zlib;
    uInt given = bounded(in->bytes);
    uInt offered = bounded(room);
    /* zlib only reads it; next_in knows no const. */
    z->next_in = (Bytef *)(uintptr_t)in->data;
    z->avail_in = given;
    z->next_out = (Bytef *)out;
    z->avail_out = offered;
    int result = inflate(z, Z_NO_FLUSH);
    in->data += given - z->avail_in;
    in->bytes -= given - z->avail_in;
    *made = offered - z->avail_out;
    switch (result) {
    case Z_OK:
    case Z_BUF_ERROR: /* nothing could be moved */
        return UNPACK_MORE;
    case Z_STREAM_END:
        return UNPACK_END;
    case Z_MEM_ERROR:
        return UNPACK_NO_MEMORY;
    case Z_NEED_DICT:
        return bad(u, "it needs a dictionary that nobody has agreed upon");
    default:
        return bad(u, z->msg ? z->msg : "it is damaged");
    }
}

static enum unpack_next step_zstd(struct unpack *u, struct ringsend_bytes *in, void *out,
                                  size_t room, size_t *made)
{
    ZSTD_inBuffer from = {in->data, in->bytes, 0};
    ZSTD_outBuffer to = {out, room, 0};
    size_t result = ZSTD_decompressStream(u->zstd, &to, &from);
    in->data += from.pos;
    in->bytes -= from.pos;
    *made = to.pos;
    if (!ZSTD_isError(result))
        return result == 0 ? UNPACK_END : UNPACK_MORE;
    ZSTD_ErrorCode code = ZSTD_getErrorCode(result);
    u->too_large = code == ZSTD_error_frameParameter_windowTooLarge;
    return code == ZSTD_error_memory_allocation ? UNPACK_NO_MEMORY
                                                : bad(u, ZSTD_getErrorName(result));
}

static enum unpack_next step_brotli(struct unpack *u, struct ringsend_bytes *in, char *out,
                                    size_t room, size_t *made)
{
    const uint8_t *next_in = (const uint8_t *)in->data;
    uint8_t *next_out = (uint8_t *)out;
    size_t left = room;
    BrotliDecoderResult result =
        BrotliDecoderDecompressStream(u->brotli, &in->bytes, &next_in, &left, &next_out, NULL);
    in->data = (const char *)next_in;
    *made = room - left;
    if (result == BROTLI_DECODER_RESULT_SUCCESS)
        return UNPACK_END;
    if (result != BROTLI_DECODER_RESULT_ERROR)
        return UNPACK_MORE;
    BrotliDecoderErrorCode code = BrotliDecoderGetErrorCode(u->brotli);
    bool no_memory = code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
                     code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
    return no_memory ? UNPACK_NO_MEMORY : bad(u, "it is damaged");
}

enum unpack_next unpack_step(struct unpack *u, struct ringsend_bytes *in, char *out, size_t room,
                             size_t *made)
{
    switch (u->kind) {
    case UNPACK_GZIP:
    case UNPACK_ZLIB:
    case UNPACK_DEFLATE:
        return step_zlib(u, in, out, room, made);
    case UNPACK_ZSTD:
        return step_zstd(u, in, out, room, made);
    case UNPACK_BROTLI:
        return step_brotli(u, in, out, room, made);
    }
    UNREACHABLE("unpack kind");
}

const char *unpack_fault(const struct unpack *u)
{
    return u->fault ? u->fault : "it is damaged";
}

bool unpack_is_too_large(const struct unpack *u)
{
    return u->too_large;
}

/* SHA-256 (FIPS 180-4) with Intel's SHA extensions.
 *
 * The context is BearSSL's own br_sha256_context: block so far, bytes so far, state. That layout is
 * shared on purpose, as it lets BearSSL's functions that only carry a state in and out serve here
 * too; what hashes is ours.
 *
 * sha256rnds2 does two rounds. It wants the eight words of the state as two registers, which its
 * definition names after the words in them, highest first: (a, b, e, f) and (c, d, g, h). */
#include "tls/bearssl/sha256.h"

#include <stdbool.h>
#include <string.h>

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

enum { BLOCK_BYTES = 64, DIGEST_BYTES = 32 };

/* FIPS 180-4 5.3.3 and 4.2.2. */
static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

#define WITH_SHA __attribute__((target("sha,sse4.1")))

static bool cpu_has_sha(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1))
        return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

/* Words 4i to 4i + 3 of the message schedule, out of the sixteen before them. */
WITH_SHA static inline __m128i schedule(const __m128i before[4])
{
    __m128i words = _mm_sha256msg1_epu32(before[0], before[1]);
    words = _mm_add_epi32(words, _mm_alignr_epi8(before[3], before[2], 4));
    return _mm_sha256msg2_epu32(words, before[3]);
}

WITH_SHA static void add_blocks(uint32_t state[8], const uint8_t *data, size_t count)
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i dcba = _mm_loadu_si128((const __m128i *)(const void *)state);
    __m128i hgfe = _mm_loadu_si128((const __m128i *)(const void *)(state + 4));
    __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    __m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
    for (; count > 0; count--, data += BLOCK_BYTES) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i words[4];
#pragma GCC unroll 16
        for (unsigned i = 0; i < 16; i++) {
            __m128i next;
            if (i < 4) {
                next = _mm_loadu_si128((const __m128i *)(const void *)(data + 16 * (size_t)i));
                next = _mm_shuffle_epi8(next, big_endian);
            } else {
                const __m128i before[4] = {words[i % 4], words[(i + 1) % 4], words[(i + 2) % 4],
                                           words[(i + 3) % 4]};
                next = schedule(before);
            }
            words[i % 4] = next;
            const void *k = constants + 4 * (size_t)i;
            next = _mm_add_epi32(next, _mm_loadu_si128((const __m128i *)k));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, next);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(next, 0x0e));
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/* ---- BearSSL's class ---- */

static const br_hash_class with_sha;

static void init(const br_hash_class **context)
{
    br_sha256_context *c = (br_sha256_context *)(void *)context;
    c->vtable = &with_sha;
    c->count = 0;
    memcpy(c->val, initial, sizeof initial);
}

static void update(const br_hash_class **context, const void *data, size_t bytes)
{
    br_sha256_context *c = (br_sha256_context *)(void *)context;
    const uint8_t *from = data;
    size_t held = (size_t)c->count % BLOCK_BYTES;
    if (bytes == 0)
        return; /* data may be null then */
    c->count += bytes;
    if (held > 0) {
        size_t part = bytes < BLOCK_BYTES - held ? bytes : BLOCK_BYTES - held;
        memcpy(c->buf + held, from, part);
        if (held + part < BLOCK_BYTES)
            return;
        add_blocks(c->val, c->buf, 1);
        from += part;
        bytes -= part;
    }
    add_blocks(c->val, from, bytes / BLOCK_BYTES);
    if (bytes % BLOCK_BYTES > 0)
        memcpy(c->buf, from + bytes / BLOCK_BYTES * BLOCK_BYTES, bytes % BLOCK_BYTES);
}

static void write_be32(uint8_t *out, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(out, &value, sizeof value);
}

/* The context goes on as it was, as BearSSL's contract has it. */
static void out(const br_hash_class *const *context, void *digest)
{
    const br_sha256_context *c = (const br_sha256_context *)(const void *)context;
    uint8_t last[2 * BLOCK_BYTES] = {0};
    uint32_t state[8];
    size_t held = (size_t)c->count % BLOCK_BYTES;
    size_t blocks = held + 9 <= BLOCK_BYTES ? 1 : 2; /* 0x80 and 64 bits of length are added */
    memcpy(state, c->val, sizeof state);
    memcpy(last, c->buf, held);
    last[held] = 0x80;
    write_be32(last + blocks * BLOCK_BYTES - 8, (uint32_t)(c->count >> 29));
    write_be32(last + blocks * BLOCK_BYTES - 4, (uint32_t)(c->count << 3));
    add_blocks(state, last, blocks);
    for (size_t i = 0; i < 8; i++)
        write_be32((uint8_t *)digest + 4 * i, state[i]);
    explicit_bzero(last, sizeof last);
    explicit_bzero(state, sizeof state);
}

static uint64_t state_out(const br_hash_class *const *context, void *state)
{
    return br_sha256_vtable.state(context, state);
}

static void state_in(const br_hash_class **context, const void *state, uint64_t count)
{
    br_sha256_vtable.set_state(context, state, count);
}

static const br_hash_class with_sha = {
    sizeof(br_sha256_context),
    BR_HASHDESC_ID(br_sha256_ID) | BR_HASHDESC_OUT(DIGEST_BYTES) | BR_HASHDESC_STATE(DIGEST_BYTES) |
        BR_HASHDESC_LBLEN(6) | BR_HASHDESC_MD_PADDING | BR_HASHDESC_MD_PADDING_BE,
    init,
    update,
    out,
    state_out,
    state_in,
};

/* ---- The PRF ---- */

/* One HMAC over `first`, if not null, the label and the seeds. */
static void prf_hmac(const br_hmac_key_context *key, const uint8_t *first, const char *label,
                     size_t seeds_count, const br_tls_prf_seed_chunk *seeds,
                     uint8_t digest[DIGEST_BYTES])
{
    br_hmac_context hmac;
    br_hmac_init(&hmac, key, 0);
    if (first)
        br_hmac_update(&hmac, first, DIGEST_BYTES);
    br_hmac_update(&hmac, label, strlen(label));
    for (size_t i = 0; i < seeds_count; i++)
        br_hmac_update(&hmac, seeds[i].data, seeds[i].len);
    br_hmac_out(&hmac, digest);
}

static void prf(void *result, size_t bytes, const void *secret, size_t secret_bytes,
                const char *label, size_t seeds_count, const br_tls_prf_seed_chunk *seeds)
{
    br_hmac_key_context key;
    br_hmac_context hmac;
    uint8_t chain[DIGEST_BYTES], part[DIGEST_BYTES]; /* A(i), and HMAC(A(i) + seed) */
    br_hmac_key_init(&key, &with_sha, secret, secret_bytes);
    prf_hmac(&key, NULL, label, seeds_count, seeds, chain);
    for (size_t at = 0; at < bytes; at += DIGEST_BYTES) {
        if (at > 0) {
            br_hmac_init(&hmac, &key, 0);
            br_hmac_update(&hmac, chain, sizeof chain);
            br_hmac_out(&hmac, chain);
        }
        prf_hmac(&key, chain, label, seeds_count, seeds, part);
        memcpy((uint8_t *)result + at, part, bytes - at < sizeof part ? bytes - at : sizeof part);
    }
    explicit_bzero(&key, sizeof key);
    explicit_bzero(&hmac, sizeof hmac);
    explicit_bzero(chain, sizeof chain);
    explicit_bzero(part, sizeof part);
}

#endif

struct sha256 sha256_choose(void)
{
#if defined(__x86_64__)
    if (cpu_has_sha())
        return (struct sha256){&with_sha, prf};
#endif
    return (struct sha256){&br_sha256_vtable, br_tls12_sha256_prf};
}

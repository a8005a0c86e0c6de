/* libFuzzer target: the first byte names one or two codings, the rest is the packed body. Whatever
 * it is: it comes to an end, in stretches, the limit holds, and an error has its reason. */
#include "http/coding.h"

#include "base/check.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const struct ringsend_bytes names[] = {
        {"gzip", 4}, {"deflate", 7}, {"br", 2}, {"zstd", 4}};
    static struct unpack *unpack;
    struct buf_pool pool;
    struct buf body = {0};
    struct codings codings = {0};
    struct decoding d;
    enum decoding_next next;
    if (bytes == 0)
        return 0;
    if (!unpack)
        unpack = unpack_new(NULL, UNPACK_WINDOW_HTTP);
    CHECK(unpack);
    buf_pool_init(&pool);
    if (data[0] & 8)
        codings_add(&codings, names[data[0] >> 4 & 3]);
    codings_add(&codings, names[data[0] & 3]);
    CHECK(buf_append(&pool, &body, data + 1, bytes - 1));
    decoding_begin(&d, &codings, unpack, &pool, &body, 100000);
    do {
        size_t allowance = data[0] & 4 ? 1000 : 100;
        next = decoding_step(&d, &allowance);
    } while (next == DECODING_MORE);
    if (next == DECODING_DONE)
        CHECK(d.body.bytes <= 100000);
    else
        CHECK(d.detail &&
              (d.error == RINGSEND_E_BAD_ENCODING || d.error == RINGSEND_E_BODY_TOO_LARGE));
    decoding_end(&d);
    buf_pool_free(&pool);
    return 0;
}

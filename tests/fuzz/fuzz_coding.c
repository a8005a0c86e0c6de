/* libFuzzer target: the first byte names one or two codings, the rest is the packed body. Whatever it
 * is: the limit holds, an error has its reason, and the body is then as it was. */
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
    const char *detail = NULL;
    if (bytes == 0)
        return 0;
    if (!unpack)
        unpack = unpack_new();
    CHECK(unpack);
    buf_pool_init(&pool);
    if (data[0] & 8)
        codings_add(&codings, names[data[0] >> 4 & 3]);
    codings_add(&codings, names[data[0] & 3]);
    CHECK(buf_append(&pool, &body, data + 1, bytes - 1));
    enum ringsend_error error = codings_remove(&codings, unpack, &pool, &body, 100000, &detail);
    if (error == RINGSEND_OK) {
        CHECK(body.bytes <= 100000);
    } else {
        CHECK(detail && body.bytes == bytes - 1 && memcmp(body.data, data + 1, bytes - 1) == 0);
        CHECK(error == RINGSEND_E_BAD_ENCODING || error == RINGSEND_E_BODY_TOO_LARGE);
    }
    buf_release(&pool, &body);
    buf_pool_free(&pool);
    return 0;
}

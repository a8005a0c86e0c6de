/* libFuzzer: any bytes as a proxy, and before a LF as a list of exceptions: no byte behind them is
 * read, and what is taken stands in the text. */
#include "base/check.h"
#include "base/span.h"
#include "http/proxy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const char *const urls[] = {"http://a.example/", "http://10.1.2.3/",
                                       "https://[fd00::1]"};
    const char *text = (const char *)data;
    const char *end = bytes > 0 ? memchr(text, '\n', bytes) : NULL;
    struct ringsend_bytes list = {text, end ? (size_t)(end - text) : 0};
    struct ringsend_bytes name = {end ? end + 1 : text, end ? bytes - list.bytes - 1 : bytes};
    struct proxy *p = malloc(sizeof *p);
    CHECK(p);
    if (!proxy_read(p, name)) {
        CHECK(p->url.host.data >= name.data && p->url.host.bytes > 0);
        CHECK(p->url.host.data + p->url.host.bytes <= name.data + name.bytes);
        CHECK(p->url.port > 0 && p->user_bytes <= sizeof p->user);
        CHECK(!p->has_user || proxy_secret(name).data);
    }
    free(p);
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct url url;
        const char *detail;
        CHECK(url_parse(&url, span_of(urls[i]), &detail) == RINGSEND_OK);
        proxy_is_excepted(list, &url);
    }
    return 0;
}

#include "http/url.h"

#include "base/check.h"

/* Any bytes as a URL: an answer with spans inside the text, or a refusal with its reason; the same
 * behind another URL, which is what stands before a LF. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static bool is_same(struct ringsend_bytes a, struct ringsend_bytes b)
{
    return a.data == b.data && a.bytes == b.bytes;
}

static void parse_behind(struct ringsend_bytes before, struct ringsend_bytes text)
{
    struct url_start start = {.bytes = 0};
    struct url url, alone;
    const char *detail = NULL;
    url_parse_next(&url, before, &start, &detail);
    enum ringsend_error error = url_parse_next(&url, text, &start, &detail);
    CHECK(error == url_parse(&alone, text, &detail));
    if (error == RINGSEND_OK)
        CHECK(is_same(url.host, alone.host) && is_same(url.authority, alone.authority) &&
              is_same(url.target, alone.target) && url.port == alone.port &&
              url.https == alone.https && url.host_is_ipv6 == alone.host_is_ipv6 &&
              url.target_needs_slash == alone.target_needs_slash);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct ringsend_bytes text = {(const char *)data, bytes};
    const char *line_end = bytes > 0 ? memchr(text.data, '\n', bytes) : NULL;
    size_t before = line_end ? (size_t)(line_end - text.data) : 0;
    struct url url;
    if (line_end)
        parse_behind((struct ringsend_bytes){text.data, before},
                     (struct ringsend_bytes){line_end + 1, bytes - before - 1});
    const char *detail = NULL;
    if (url_parse(&url, text, &detail) != RINGSEND_OK) {
        CHECK(detail);
        return 0;
    }
    CHECK(url.port > 0 && url.host.bytes > 0);
    CHECK(url.host.data >= url.authority.data && url.host.bytes <= url.authority.bytes);
    CHECK(url.authority.data + url.authority.bytes == url.target.data);
    CHECK(url.target.data + url.target.bytes <= text.data + text.bytes);
    for (size_t i = 0; i < url.target.bytes; i++)
        CHECK(url.target.data[i] > 0x20 && url.target.data[i] < 0x7f);
    return 0;
}

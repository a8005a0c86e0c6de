#include "http/url.h"

#include "base/check.h"

/* Any bytes as a URL: an answer with spans inside the text, or a refusal with its reason. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct ringsend_bytes text = {(const char *)data, bytes};
    struct url url;
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

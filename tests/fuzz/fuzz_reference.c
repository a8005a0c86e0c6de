#include "http/reference.h"

#include "base/check.h"
#include "http/url.h"

#include <stdlib.h>

/* What stands before a LF as a URL, and what stands behind it as a reference to be resolved against
 * it: the result fits, and resolving it once more changes nothing. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static size_t resolve(struct ringsend_bytes base, struct ringsend_bytes reference, char **out)
{
    *out = malloc(reference_room(base, reference));
    CHECK(*out);
    return reference_resolve(base, reference, *out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct ringsend_bytes text = {(const char *)data, bytes};
    const char *line_end = bytes > 0 ? memchr(text.data, '\n', bytes) : NULL;
    struct url url;
    const char *detail = NULL;
    if (!line_end)
        return 0;
    struct ringsend_bytes base = {text.data, (size_t)(line_end - text.data)};
    struct ringsend_bytes reference = {line_end + 1, bytes - base.bytes - 1};
    if (url_parse(&url, base, &detail) != RINGSEND_OK)
        return 0;
    char *once, *twice;
    struct ringsend_bytes is = {NULL, resolve(base, reference, &once)};
    is.data = once;
    if (url_parse(&url, is, &detail) == RINGSEND_OK) {
        size_t again = resolve(base, is, &twice);
        CHECK(again == is.bytes && memcmp(once, twice, again) == 0);
        free(twice);
    }
    free(once);
    return 0;
}

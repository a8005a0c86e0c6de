/* libFuzzer target: the bytes up to the first NUL as a template, what follows as the values that
 * fill it. Beyond not crashing: a URL never gets a byte that its template does not have, but for
 * the ones that change nothing; what was masked no longer has the secret. */
#include "base/check.h"
#include "batch/template.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_url(struct ringsend_bytes url)
{
    static const char harmless[] = "/:,;!$'()*-._~%";
    size_t at = sizeof "http://h/" - 1;
    CHECK(url.bytes >= at);
    for (; at < url.bytes; at++) {
        char c = url.data[at];
        CHECK((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c != '\0' && strchr(harmless, c)));
    }
}

static void fill(const struct template *t, struct ringsend_bytes value, struct buf_pool *pool,
                 enum template_use use, bool is_url)
{
    struct ringsend_bytes values[TEMPLATE_NAMES_MAX];
    for (size_t i = 0; i < TEMPLATE_NAMES_MAX; i++)
        values[i] = value;
    struct buf out = {0};
    struct template_fault fault = {0};
    enum template_result result = template_fill(t, use, values, pool, &out, &fault);
    CHECK(result == TEMPLATE_FILLED || fault.why);
    if (result == TEMPLATE_FILLED && is_url)
        check_url((struct ringsend_bytes){out.data, out.bytes});
    buf_release(pool, &out);
}

static void mask(struct ringsend_bytes text, struct ringsend_bytes secret, struct buf_pool *pool)
{
    struct secrets secrets = {0};
    struct buf out = {0};
    CHECK(secrets_add(&secrets, secret));
    CHECK(secrets_mask(&secrets, text, pool, &out));
    if (secrets.count > 0 && !memchr(secret.data, '*', secret.bytes) && out.bytes > 0)
        CHECK(!memmem(out.data, out.bytes, secret.data, secret.bytes));
    buf_release(pool, &out);
    secrets_free(&secrets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const char *text = (const char *)data;
    const char *end = bytes > 0 ? memchr(text, '\0', bytes) : NULL;
    if (!end)
        return 0;
    struct ringsend_bytes value = {end + 1, bytes - (size_t)(end - text) - 1};
    struct template_names names = {.count = 0};
    struct secrets secrets = {0};
    struct template t;
    struct buf_pool pool;
    char told[TEMPLATE_TOLD_BYTES];
    buf_pool_init(&pool);
    if (template_compile(&t, text, &names, &secrets, told))
        fill(&t, value, &pool, TEMPLATE_TEXT, false);
    template_free(&t);
    if (template_compile(&t, "http://h/{{a}}/{{b|trim}}/{{b|url}}", &names, &secrets, told))
        fill(&t, value, &pool, TEMPLATE_URL, true);
    template_free(&t);
    mask((struct ringsend_bytes){text, bytes}, value, &pool);
    template_names_free(&names);
    secrets_free(&secrets);
    buf_pool_free(&pool);
    return 0;
}

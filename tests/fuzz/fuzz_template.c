/* libFuzzer target: the bytes up to the first NUL as a template, what follows as the values that
 * fill it. Beyond not crashing: a URL keeps its server, and never gets a byte that its template
 * does not have, but for the ones that change nothing, nor a dot segment; JSON stays the JSON it is
 * without the values; what was masked no longer has the secret. */
#include "base/check.h"
#include "base/json.h"
#include "records/template.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_url(struct ringsend_bytes url)
{
    static const char harmless[] = "/:,!$'()*-._~%", start[] = "http://h/a/";
    size_t at = sizeof start - 1;
    CHECK(url.bytes >= at && memcmp(url.data, start, at) == 0);
    for (; at < url.bytes; at++) {
        char c = url.data[at];
        CHECK((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c != '\0' && strchr(harmless, c)));
    }
    CHECK(!memmem(url.data, url.bytes, "/../", 4) && !memmem(url.data, url.bytes, "/./", 3) &&
          !memmem(url.data + 7, url.bytes - 7, "//", 2));
}

static struct ringsend_bytes text_of(struct json_string string, char room[8])
{
    if (string.raw.bytes > 8)
        return string.raw;
    return (struct ringsend_bytes){room, json_decode(string, room)};
}

/* An object of two members, a and b, the first one a string. */
static void check_json(struct ringsend_bytes text)
{
    struct json json;
    struct json_string key, a;
    char room[8];
    json_init(&json, text);
    CHECK(json_object(&json) && json_member(&json, &key));
    CHECK(span_equal(text_of(key, room), SPAN("a")) && json_string(&json, &a));
    CHECK(json_member(&json, &key) && span_equal(text_of(key, room), SPAN("b")));
    enum json_kind kind = json_peek(&json);
    CHECK(kind != JSON_OBJECT && kind != JSON_ARRAY && json_skip(&json, NULL));
    CHECK(!json_member(&json, &key) && json_end(&json));
}

static void fill(const struct template *t, struct ringsend_bytes value, struct buf_pool *pool,
                 void (*check)(struct ringsend_bytes))
{
    struct ringsend_bytes values[TEMPLATE_NAMES_MAX];
    for (size_t i = 0; i < TEMPLATE_NAMES_MAX; i++)
        values[i] = value;
    struct buf out = {0};
    struct template_fault fault = {0};
    enum template_result result = template_fill(t, values, pool, &out, &fault);
    CHECK(result == TEMPLATE_FILLED || fault.why);
    if (result == TEMPLATE_FILLED && check)
        check((struct ringsend_bytes){out.data, out.bytes});
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
    char message[TEMPLATE_MESSAGE_BYTES];
    buf_pool_init(&pool);
    for (unsigned use = 0; use <= TEMPLATE_XML; use++) {
        if (template_compile(&t, text, (enum template_use)use, &names, &secrets, message))
            fill(&t, value, &pool, NULL);
        template_free(&t);
    }
    CHECK(template_compile(&t, "http://h/a/{{a}}/{{b|trim}}/{{b|url}}", TEMPLATE_URL, &names,
                           &secrets, message));
    fill(&t, value, &pool, check_url);
    template_free(&t);
    CHECK(template_compile(&t, "{\"a\": \"x{{a}}\", \"b\": {{b}}}", TEMPLATE_BODY, &names, &secrets,
                           message));
    fill(&t, value, &pool, check_json);
    template_free(&t);
    mask((struct ringsend_bytes){text, bytes}, value, &pool);
    template_names_free(&names);
    secrets_free(&secrets);
    buf_pool_free(&pool);
    return 0;
}

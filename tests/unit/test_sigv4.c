/* Signatures against the vectors that AWS publishes (aws-sig-v4-test-suite): a key, a second of
 * 2015, and the header that each request gets. */
#include "base/buf.h"
#include "base/span.h"
#include "http/sigv4.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SECOND = 1440938160 }; /* 2015-08-30T12:36:00Z */

static const struct sigv4 keys = {
    .region = {"us-east-1", 9},
    .service = {"service", 7},
    .key_id = {"AKIDEXAMPLE", 11},
    .secret = {"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", 40},
};

struct vector {
    const char *name, *method, *target;
    struct ringsend_header fields[4]; /* behind Host and X-Amz-Date */
    const char *body, *names, *signature;
};

#define FIELD(name, value)           \
    {                                \
        {name, sizeof(name) - 1},    \
        {                            \
            value, sizeof(value) - 1 \
        }                            \
    }

static const struct vector vectors[] = {
    {.name = "get-vanilla",
     .target = "/",
     .signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {.name = "get-vanilla-empty-query-key",
     .target = "/?Param1=value1",
     .signature = "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {.name = "get-vanilla-query-order-key-case",
     .target = "/?Param2=value2&Param1=value1",
     .signature = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {.name = "get-vanilla-query-unreserved",
     .target = "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz="
               "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     .signature = "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
    {.name = "get-vanilla-utf8-query",
     .target = "/?\xe1\x88\xb4=bar",
     .signature = "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
    {.name = "get-utf8",
     .target = "/\xe1\x88\xb4",
     .signature = "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {.name = "get-space",
     .target = "/example space/",
     .signature = "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
    {.name = "get-unreserved",
     .target = "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     .signature = "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {.name = "get-relative",
     .target = "/example/..",
     .signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {.name = "get-relative-relative",
     .target = "/example1/example2/../..",
     .signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {.name = "get-slash-dot-slash",
     .target = "/./",
     .signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {.name = "get-slash",
     .target = "//",
     .signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {.name = "get-slash-pointless-dot",
     .target = "/./example",
     .signature = "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
    {.name = "get-slashes",
     .target = "//example//",
     .signature = "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
    {.name = "get-header-key-duplicate",
     .target = "/",
     .fields = {FIELD("My-Header1", "value2"), FIELD("My-Header1", "value2"),
                FIELD("My-Header1", "value1")},
     .names = "host;my-header1;x-amz-date",
     .signature = "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {.name = "get-header-value-order",
     .target = "/",
     .fields = {FIELD("My-Header1", "value4"), FIELD("My-Header1", "value1"),
                FIELD("My-Header1", "value3"), FIELD("My-Header1", "value2")},
     .names = "host;my-header1;x-amz-date",
     .signature = "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
    {.name = "get-header-value-trim",
     .target = "/",
     .fields = {FIELD("My-Header1", " value1"), FIELD("My-Header2", " \"a   b   c\"")},
     .names = "host;my-header1;my-header2;x-amz-date",
     .signature = "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {.name = "post-vanilla",
     .method = "POST",
     .target = "/",
     .signature = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {.name = "post-vanilla-query",
     .method = "POST",
     .target = "/?Param1=value1",
     .signature = "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
    {.name = "post-header-key-sort",
     .method = "POST",
     .target = "/",
     .fields = {FIELD("My-Header1", "value1")},
     .names = "host;my-header1;x-amz-date",
     .signature = "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
    {.name = "post-header-value-case",
     .method = "POST",
     .target = "/",
     .fields = {FIELD("My-Header1", "VALUE1")},
     .names = "host;my-header1;x-amz-date",
     .signature = "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
    {.name = "post-x-www-form-urlencoded",
     .method = "POST",
     .target = "/",
     .fields = {FIELD("Content-Type", "application/x-www-form-urlencoded")},
     .body = "Param1=value1",
     .names = "content-type;host;x-amz-date",
     .signature = "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
};

static struct head head_of(const struct vector *v)
{
    size_t count = 0;
    while (count < 4 && v->fields[count].name.data)
        count++;
    return (struct head){
        .method = span_of(v->method ? v->method : "GET"),
        .url = {.authority = SPAN("example.amazonaws.com"), .target = span_of(v->target)},
        .fields = v->fields,
        .fields_count = count};
}

static void vectors_of_aws(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct vector *v = &vectors[i];
        struct head head = head_of(v);
        struct buf_pool pool;
        struct buf out = {0};
        char want[512];
        buf_pool_init(&pool);
        snprintf(want, sizeof want,
                 "X-Amz-Date: 20150830T123600Z\r\nAuthorization: AWS4-HMAC-SHA256 "
                 "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                 "SignedHeaders=%s, Signature=%s\r\n",
                 v->names ? v->names : "host;x-amz-date", v->signature);
        print_message("%s\n", v->name);
        assert_true(
            sigv4_write(&keys, &head, span_of(v->body ? v->body : ""), SECOND, &pool, &out));
        assert_int_equal(out.bytes, strlen(want));
        assert_memory_equal(out.data, want, out.bytes);
        buf_release(&pool, &out);
        buf_pool_free(&pool);
    }
}

/* A session's token is signed; S3 wants the hash of the body, or what the user says in its place,
 * and takes paths as they stand. */
static void sessions_and_s3(void **state)
{
    struct sigv4 own = keys;
    struct vector v = {.target = "/a//b/../%2e?x"};
    struct head head = head_of(&v);
    struct buf_pool pool;
    struct buf out = {0};
    (void)state;
    own.service = SPAN("s3");
    own.token = SPAN("session/token==");
    buf_pool_init(&pool);
    assert_true(sigv4_write(&own, &head, SPAN(""), SECOND, &pool, &out));
    assert_true(buf_append(&pool, &out, "", 1));
    static const char want[] =
        "X-Amz-Date: 20150830T123600Z\r\n"
        "X-Amz-Content-Sha256: "
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\r\n"
        "X-Amz-Security-Token: session/token==\r\n";
    assert_memory_equal(out.data, want, sizeof want - 1);
    assert_non_null(strstr(out.data, "SignedHeaders=host;x-amz-content-sha256;x-amz-date;"
                                     "x-amz-security-token, "));
    assert_non_null(
        strstr(out.data,
               "Signature=851010f852f5e0533a3f7268bd64b39d2eec318b4076cc55c9ac4609fd2d09e4\r\n"));
    buf_release(&pool, &out);
    v.fields[0] = (struct ringsend_header)FIELD("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    head = head_of(&v);
    assert_true(sigv4_write(&own, &head, SPAN("body"), SECOND, &pool, &out));
    assert_null(memmem(out.data, out.bytes, "X-Amz-Content-Sha256:", 21));
    buf_release(&pool, &out);
    buf_pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_aws),
        cmocka_unit_test(sessions_and_s3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Which names are those of secrets, and what a text looks like without them. */
#include "records/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct buf_pool pool;
static struct secrets secrets;

#define COUNT(list) (sizeof(list) / sizeof *(list))

static void expect(enum secret_kind kind, const char *const *names, size_t count, bool is_secret)
{
    for (size_t i = 0; i < count; i++) {
        if (secret_is_name(kind, span_of(names[i])) != is_secret)
            fail_msg("%s: %s", names[i], is_secret ? "shown" : "hidden");
    }
}

/* Of whatever kind. */
static void test_names_of_secrets(void **state)
{
    (void)state;
    static const char *const names[] = {
        "Authorization",
        "PROXY-AUTHORIZATION",
        "Cookie",
        "Set-Cookie",
        "X-Api-Key",
        "x_api_key",
        "apiKey",
        "APIKey",
        "apikey",
        "hapikey",
        "Ocp-Apim-Subscription-Key",
        "subscription-key",
        "subscriptionKey",
        "X-Functions-Key",
        "X-Auth",
        "X-Auth-Token",
        "X-Amz-Security-Token",
        "X-Amz-Signature",
        "X-Amz-Credential",
        "X-Goog-Signature",
        "X-Hub-Signature-256",
        "AWSAccessKey",
        "aws_secret_access_key",
        "sig",
        "jwt",
        "X-JWT-Assertion",
        "token",
        "access_token",
        "id_token",
        "refreshToken",
        "authtoken",
        "client_secret",
        "clientsecret",
        "password",
        "userPassword",
        "user[password]",
        "passwd",
        "pwd",
        "PHPSESSID",
        "JSESSIONID",
        "sessionId",
        "session_id",
        "sid",
        "X-CSRF-Token",
        "private_key",
        "key1_secret",
        "api-key-2",
        "Dd-Application-Key",
        "otp",
        "hmac",
        "api%5Fkey",
        "token2",
        "apikey3",
        "oauth2",
        "aeg-sas",
        "smtp_pass",
        "user-pw",
        "aws_creds",
    };
    for (unsigned kind = SECRET_HEADER; kind <= SECRET_MEMBER; kind++)
        expect((enum secret_kind)kind, names, COUNT(names), true);
}

static void test_names_that_do_not(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",
        "-",
        "Accept",
        "Content-Type",
        "Host",
        "Idempotency-Key",
        "idempotencyKey",
        "keyboard",
        "monkey",
        "turkey",
        "key_count",
        "author",
        "authority",
        "Author-Name",
        "zip_code",
        "country_code",
        "X-Request-Id",
        "partition_key",
        "sort-key",
        "publicKey",
        "primary key",
        "max_tokens",
        "token_type",
        "tokenCount",
        "expires_at",
        "password_hint",
        "Secretary",
        "session_ttl",
        "cookie_policy",
        "signed",
        "design",
        "passenger",
        "compass",
        "pinned",
        "X-Signature-Version",
        "authorship",
        "sidebar",
        "Sec-WebSocket-Key",
        "status_code",
        "s3_key",
        "s3Key",
        "md5",
        "x2y2",
    };
    for (unsigned kind = SECRET_HEADER; kind <= SECRET_MEMBER; kind++)
        expect((enum secret_kind)kind, names, COUNT(names), false);
}

/* "code" is a key in the URLs of Azure's functions; "key" in data is half of a pair. */
static void test_names_of_secrets_in_their_place(void **state)
{
    (void)state;
    assert_true(secret_is_name(SECRET_PARAMETER, SPAN("code")));
    assert_false(secret_is_name(SECRET_MEMBER, SPAN("code")));
    assert_false(secret_is_name(SECRET_HEADER, SPAN("X-Code")));
    assert_true(secret_is_name(SECRET_PARAMETER, SPAN("key")));
    assert_true(secret_is_name(SECRET_HEADER, SPAN("Key")));
    assert_false(secret_is_name(SECRET_MEMBER, SPAN("key")));
    assert_true(secret_is_header(SPAN("X-Key")));
    static const char *const anywhere[] = {"DPoP", "X-My-Sessionkey",   "X-Access-Code",
                                           "psk",  "verification_code", "code_verifier",
                                           "skey", "deviceCode",        "cvv"};
    for (unsigned kind = SECRET_HEADER; kind <= SECRET_MEMBER; kind++)
        expect((enum secret_kind)kind, anywhere, COUNT(anywhere), true);
    static const char *const elsewhere[] = {"CB-ACCESS-SIGN", "sign", "pin", "ticket",
                                            "KC-API-SIGN"};
    expect(SECRET_HEADER, elsewhere, COUNT(elsewhere), true);
    expect(SECRET_PARAMETER, elsewhere, COUNT(elsewhere), true);
    static const char *const in_data[] = {"max_tokens",  "tokens",  "sign",       "pin",
                                          "ticket",      "zipCode", "whiskey",    "promo_code",
                                          "status_code", "pattern", "designation"};
    expect(SECRET_MEMBER, in_data, COUNT(in_data), false);
}

static void test_long_names(void **state)
{
    (void)state;
    char name[400];
    memset(name, 'a', sizeof name);
    memcpy(name + sizeof name - 10, "-api-token", 10);
    assert_true(secret_is_header((struct ringsend_bytes){name, sizeof name}));
    for (size_t i = 0; i < sizeof name; i += 2)
        name[i] = '-';
    assert_false(secret_is_header((struct ringsend_bytes){name, sizeof name - 10}));
}

static void expect_masked(const char *text, const char *wanted)
{
    struct buf out = {0};
    assert_true(secrets_mask(&secrets, span_of(text), &pool, &out));
    if (!span_equal((struct ringsend_bytes){out.data, out.bytes}, span_of(wanted)))
        fail_msg("%s: \"%.*s\", not \"%s\"", text, (int)out.bytes, out.data, wanted);
    buf_release(&pool, &out);
}

static void test_known_values(void **state)
{
    (void)state;
    assert_true(secrets_add(&secrets, SPAN("hidden")));
    assert_true(secrets_add(&secrets, SPAN("hidden more")));
    assert_true(secrets_add(&secrets, SPAN("abc"))); /* too short */
    expect_masked("", "");
    expect_masked("abc hidden", "abc ***");
    expect_masked("hidden more, hidden, hidde", "***, ***, hidde");
    expect_masked("?hidden-key=1&b", "?***-key=***&b");
    expect_masked("?key=hidden1&b", "?key=******&b");
    expect_masked("{\"token\": \"hidden 1\", \"a\": 1}", "{\"token\": \"******\", \"a\": 1}");
    secrets_free(&secrets);
}

static void test_urls_and_forms(void **state)
{
    (void)state;
    expect_masked("http://user:pass@h/a@b", "http://***@h/a@b");
    expect_masked("http://h/a@b?c=//d@e/", "http://h/a@b?c=//***@e/");
    expect_masked("/x?api_key=1&a=2&X-Token=3#f", "/x?api_key=***&a=2&X-Token=***#f");
    expect_masked("/api?code=abc==&name=x", "/api?code=***&name=x");
    expect_masked("/x;jsessionid=1?zip_code=2", "/x;jsessionid=***?zip_code=2");
    expect_masked("/x#access_token=1&state=2", "/x#access_token=***&state=2");
    expect_masked("/x?token={{env.T}}&sid={{a|url}}#otp={{b}}",
                  "/x?token={{env.T}}&sid={{a|url}}#otp={{b}}");
    expect_masked("?token={{a}}b&sid={{a}}{{b}}&otp={{{{a}}", "?token=***&sid=***&otp=***");
    expect_masked("?key", "?key");
    expect_masked("?key=&b=1", "?key=&b=1");
    expect_masked("password=a+b&user=c", "password=***&user=c");
    expect_masked("user=c&password=a", "user=c&password=***");
}

static void test_json(void **state)
{
    (void)state;
    expect_masked("{\"user\":\"a\",\"password\":\"b\\\"c\",\"n\":1}",
                  "{\"user\":\"a\",\"password\":\"***\",\"n\":1}");
    expect_masked("{\"pin_token\" :\n 1234, \"max_tokens\": 5}",
                  "{\"pin_token\" :\n ***, \"max_tokens\": 5}");
    expect_masked("{\"token\": null, \"secret\": true}", "{\"token\": null, \"secret\": true}");
    expect_masked("{\"a\": {\"tokens\": 1, \"token\": [\"b]\", {\"c\": \"}\\\"\"}], \"d\": 2}}",
                  "{\"a\": {\"tokens\": 1, \"token\": ***, \"d\": 2}}");
    expect_masked("{\"credentials\": {\"user\": \"a\", \"b\": []}}", "{\"credentials\": ***}");
    expect_masked("{\"password\": [\"unterminated", "{\"password\": ***");
    expect_masked("{\"key\": \"k\", \"code\": \"c\", \"apiKey\": \"v\"}",
                  "{\"key\": \"k\", \"code\": \"c\", \"apiKey\": \"***\"}");
    expect_masked("{\"token\": \"{{t}}\", \"otp\": {{o}}, \"sid\": \"{{s}}1\"}",
                  "{\"token\": \"{{t}}\", \"otp\": {{o}}, \"sid\": \"***\"}");
    expect_masked("{\"token\": \"unterminated", "{\"token\": \"***");
    expect_masked("{\"token\": \"", "{\"token\": \"");
    expect_masked("\"token\"", "\"token\"");
    expect_masked("\"token\":", "\"token\":");
}

static void test_json_in_json(void **state)
{
    (void)state;
    expect_masked("{\"p\": \"{\\\"token\\\": \\\"a\\\\\\\"b\\\\\\\\\\\", \\\"n\\\": \\\"c\\\"}\"}",
                  "{\"p\": \"{\\\"token\\\": \\\"***\\\", \\\"n\\\": \\\"c\\\"}\"}");
    expect_masked("{\"p\": \"{\\\"token\\\": [\\\"a]\\\"], \\\"otp\\\": 1}\", \"q\": 2}",
                  "{\"p\": \"{\\\"token\\\": ***, \\\"otp\\\": ***}\", \"q\": 2}");
    expect_masked("[\"[\\\"{\\\\\\\"jwt\\\\\\\":\\\\\\\"a\\\\\\\",\\\\\\\"b\\\\\\\":1}\\\"]\"]",
                  "[\"[\\\"{\\\\\\\"jwt\\\\\\\":\\\\\\\"***\\\\\\\",\\\\\\\"b\\\\\\\":1}\\\"]\"]");
    expect_masked("{\"p\": \"{\\\"token\\\": \\\"cut\", \"q\": \"r\"}",
                  "{\"p\": \"{\\\"token\\\": \\\"***\", \"q\": \"r\"}");
    expect_masked("{\"p\": \"{\\\"token\\\": [cut\", \"q\": \"r\"}",
                  "{\"p\": \"{\\\"token\\\": ***\", \"q\": \"r\"}");
}

static void test_xml(void **state)
{
    (void)state;
    expect_masked("<u a='b'><s:Password Type=\"x\">p&lt;</s:Password><n>c</n></u>",
                  "<u a='b'><s:Password Type=\"x\">***</s:Password><n>c</n></u>");
    expect_masked("<token><![CDATA[a<b]]></token>", "<token>***</token>");
    expect_masked("<token/><a>b</a><token></token>", "<token/><a>b</a><token></token>");
    expect_masked("<a user='b' password='c d' api_key=\"e'f\" n=\"g\"/>",
                  "<a user='b' password='***' api_key=\"***\" n=\"g\"/>");
    expect_masked("<token>cut", "<token>***");
    expect_masked("<a token=\"cut", "<a token=\"***");
    expect_masked("<a token=\"", "<a token=\"");
    expect_masked("<token", "<token");
    expect_masked("a < token > b", "a < token > b");
}

static int set_up(void **state)
{
    (void)state;
    buf_pool_init(&pool);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_pool_free(&pool);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_secrets),
        cmocka_unit_test(test_names_that_do_not),
        cmocka_unit_test(test_names_of_secrets_in_their_place),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_urls_and_forms),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_in_json),
        cmocka_unit_test(test_xml),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

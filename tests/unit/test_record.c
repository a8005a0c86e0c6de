/* Records: each line stands against an unmapped page, so that a reader that looks one byte too far
 * crashes. What a line becomes is compared as one text, see `describe`. */
#include "records/record.h"

#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct guard guard;
static struct buf_pool pool;

static struct ringsend_header default_headers[] = {
    {{"X-Source", 8}, {"nightly", 7}},
    {{"Accept", 6}, {"a/b", 3}},
    {{"content-type", 12}, {"application/json", 16}},
};

/* No defaults at all but the content-type that stands behind. */
static const struct record_defaults none = {.headers = default_headers + 2};
static const struct record_defaults with_url = {.url = {"http://d/", 9},
                                                .headers = default_headers + 2};
static const struct record_defaults full = {
    .url = {"http://d/", 9}, .method = {"PUT", 3}, .headers = default_headers, .headers_count = 2};
static const struct record_defaults typed = {.url = {"http://d/", 9},
                                             .headers = default_headers + 2,
                                             .headers_count = 1,
                                             .has_content_type = true};

/* The same as with_url, but for read_line, which takes it for vegeta's format. */
static const struct record_defaults vegeta = {.url = {"http://d/", 9},
                                              .headers = default_headers + 2};

/* Puts `line` into the record as the source does, but where memory ends. */
static void read_line(struct record *record, const struct record_defaults *defaults,
                      struct ringsend_bytes line, struct record_error *error)
{
    *record = (struct record){0};
    char *data = guard.base + guard.capacity - line.bytes;
    guard_put(&guard, line.data, line.bytes);
    record->line = (struct buf){.data = data, .bytes = line.bytes, .capacity = line.bytes};
    struct layout layout = {.format = defaults == &vegeta ? FORMAT_VEGETA : FORMAT_JSONL};
    record_read(record, &pool, defaults, &layout, error);
}

static void release(struct record *record)
{
    record->line = (struct buf){0};
    record_release(record, &pool);
    assert_int_equal(pool.used_bytes, 0);
}

static size_t add(char *out, size_t at, const char *label, const void *data, size_t bytes)
{
    at += (size_t)snprintf(out + at, 1024 - at, "%s", label);
    for (size_t i = 0; i < bytes; i++) {
        unsigned char byte = ((const unsigned char *)data)[i];
        at += (size_t)snprintf(out + at, 1024 - at, byte < 0x20 ? "<%02x>" : "%c", byte);
    }
    return at;
}

/* "id=.. METHOD url name:value.. =body file=.. tries=.. timeout=.. keyed", absent parts left out.
 */
static const char *describe(const struct record *record)
{
    static char out[1024];
    const struct ringsend_request *r = &record->request;
    size_t at = 0;
    out[0] = '\0';
    if (record->id.bytes > 0)
        at = add(out, at, "id=", record->id.data, record->id.bytes);
    if (r->method.bytes > 0)
        at = add(out, at, " ", r->method.data, r->method.bytes);
    at = add(out, at, " ", r->url.data, r->url.bytes);
    for (size_t i = 0; i < r->headers_count; i++) {
        at = add(out, at, " ", r->headers[i].name.data, r->headers[i].name.bytes);
        at = add(out, at, ":", r->headers[i].value.data, r->headers[i].value.bytes);
    }
    if (record->data_file.bytes > 0)
        at = add(out, at, " file=", record->data_file.data, record->data_file.bytes);
    else if (r->flags & RINGSEND_HAS_BODY)
        at = add(out, at, " =", r->body.data, r->body.bytes);
    if (r->tries > 0)
        at += (size_t)snprintf(out + at, sizeof out - at, " tries=%u", r->tries);
    if (r->attempt_timeout_ns > 0)
        at += (size_t)snprintf(out + at, sizeof out - at, " timeout=%llu",
                               (unsigned long long)r->attempt_timeout_ns);
    if (r->flags & RINGSEND_KEYED)
        snprintf(out + at, sizeof out - at, " keyed");
    return out;
}

struct row {
    const struct record_defaults *defaults;
    const char *line;
    const char *becomes; /* see describe */
};

#define JSON_TYPE " content-type:application/json"

static const struct record_defaults deep = {.url = {"http://user.example:81/a?b", 26},
                                            .headers = default_headers + 2};

static const struct row good[] = {
    {&none, "\x1e{\"url\":\"http://h/\"}", " http://h/"},
    {&none, "{\"url\":\"http://h/\"}", " http://h/"},
    {&none, " {\"url\" : \"http:\\/\\/h\\u002f\"} \r", " http://h/"},
    {&none, "{\"id\":7,\"url\":\"u\"}", "id=7 u"},
    {&none, "{\"url\":\"u\",\"id\": [1, {\"a\" :null}] }", "id=[1, {\"a\" :null}] u"},
    {&none, "{\"custom_id\":\"\\u0041\",\"url\":\"u\"}", "id=\"\\u0041\" u"},
    {&none, "{\"id\":null,\"url\":\"u\"}", "id=null u"},
    {&none, "{\"url\":\"u\",\"method\":\"DELETE\"}", " DELETE u"},
    {&none, "{\"\\u0075rl\":\"u\"}", " u"},
    /* content */
    {&none, "{\"url\":\"u\",\"data\":\"\"}", " u ="},
    {&none, "{\"url\":\"u\",\"data\":\"a\\nb\"}", " u =a<0a>b"},
    {&none, "{\"url\":\"u\",\"data\":null}", " u"},
    {&none, "{\"url\":\"u\",\"body\":{\"a\" : 1.0}}", " u" JSON_TYPE " ={\"a\" : 1.0}"},
    {&none, "{\"url\":\"u\",\"data\":[ 1 ,2]}", " u" JSON_TYPE " =[ 1 ,2]"},
    {&none, "{\"url\":\"u\",\"data\":-1e5}", " u" JSON_TYPE " =-1e5"},
    {&none, "{\"url\":\"u\",\"data\":false}", " u" JSON_TYPE " =false"},
    {&none, "{\"url\":\"u\",\"data_base64\":\"\"}", " u ="},
    {&none, "{\"url\":\"u\",\"data_base64\":\"AAEC\"}", " u =<00><01><02>"},
    {&none, "{\"url\":\"u\",\"data_base64\":\"YQ==\"}", " u =a"},
    {&none, "{\"url\":\"u\",\"data_base64\":\"YWI=\"}", " u =ab"},
    {&none, "{\"url\":\"u\",\"data_base64\":\"\\u0059Wp\\/\"}", " u =aj\x7f"},
    {&none, "{\"url\":\"u\",\"data_file\":\"a\\/b\"}", " u file=a/b"},
    /* headers */
    {&none, "{\"url\":\"u\",\"headers\":{}}", " u"},
    {&none, "{\"url\":\"u\",\"headers\":{\"A\":\"1\",\"b\":[\"2\",\"\\t3\"]}}",
     " u A:1 b:2 b:<09>3"},
    {&none, "{\"url\":\"u\",\"headers\":{\"A\":\"\"}}", " u A:"},
    {&none, "{\"url\":\"u\",\"headers\":{\"Content-Type\":\"x\"},\"data\":{}}",
     " u Content-Type:x ={}"},
    {&none, "{\"url\":\"u\",\"data\":{},\"headers\":{\"content-type\":[]}}", " u ={}"},
    {&none, "{\"url\":\"u\",\"data\":{},\"headers\":{\"A\":\"1\"}}", " u A:1" JSON_TYPE " ={}"},
    {&none, "{\"url\":\"u\",\"headers\":{\"Idempotency-KEY\":\"k\"}}",
     " u Idempotency-KEY:k keyed"},
    {&full, "{\"id\":1}", "id=1 PUT http://d/ X-Source:nightly Accept:a/b"},
    {&full, "{\"id\":1,\"headers\":{\"accept\":\"c\"}}",
     "id=1 PUT http://d/ accept:c X-Source:nightly"},
    {&full, "{\"id\":1,\"headers\":{\"x-source\":[],\"accept\":[\"c\",\"d\"]}}",
     "id=1 PUT http://d/ accept:c accept:d"},
    {&full, "{\"id\":1,\"headers\":{\"x-source\":[],\"accept\":[]}}", "id=1 PUT http://d/"},
    {&full, "{\"method\":\"GET\",\"url\":\"v\",\"data\":1}",
     " GET v X-Source:nightly Accept:a/b" JSON_TYPE " =1"},
    {&typed, "{\"data\":1}", " http://d/" JSON_TYPE " =1"},
    {&typed, "{\"data\":\"[7]\"}", " http://d/" JSON_TYPE " =[7]"},
    {&typed, "{\"data\":\"{}\\n{}\"}", " http://d/" JSON_TYPE " ={}<0a>{}"},
    {&typed, "{\"data\":\"\"}", " http://d/" JSON_TYPE " ="},
    {&with_url, "{\"data\":\"t\",\"headers\":{\"content-type\":\"text/x-json\"}}",
     " http://d/ content-type:text/x-json =t"},
    {&typed, "{\"data\":1,\"headers\":{\"content-type\":\"x\"}}", " http://d/ content-type:x =1"},
    /* OpenAI's batches: the URL is a path */
    {&deep, "{\"custom_id\":\"r-1\",\"method\":\"POST\",\"url\":\"/v1/x\",\"body\":{\"m\":[1]}}",
     "id=\"r-1\" POST http://user.example:81/v1/x" JSON_TYPE " ={\"m\":[1]}"},
    {&with_url, "{\"url\":\"\\/\\u0061\"}", " http://d/a"},
    /* vegeta's targets: by the key "header", wherever it stands, or by the options */
    {&none,
     "{\"method\":\"POST\",\"url\":\"u\",\"body\":\"YQ==\",\"header\":{\"A\":[\"1\",\"2\"]}}",
     " POST u A:1 A:2 =a"},
    {&none, "{\"header\":{},\"body\":\"YQ==\",\"url\":\"u\"}", " u =a"},
    {&none, "{\"body\":\"YQ==\",\"url\":\"u\"}", " u =YQ=="},
    {&vegeta, "{\"body\":\"YQ==\",\"url\":\"u\"}", " u =a"},
    {&vegeta, "{\"data\":\"YQ==\",\"url\":\"u\"}", " u =YQ=="},
    /* numbers */
    {&none, "{\"url\":\"u\",\"tries\":1}", " u tries=1"},
    {&none, "{\"url\":\"u\",\"tries\":100}", " u tries=100"},
    {&none, "{\"url\":\"u\",\"timeout\":2}", " u timeout=2000000000"},
    {&none, "{\"url\":\"u\",\"timeout\":0.25}", " u timeout=250000000"},
    {&none, "{\"url\":\"u\",\"timeout\":\"250ms\"}", " u timeout=250000000"},
    {&none, "{\"url\":\"u\",\"timeout\":\"24h\"}", " u timeout=86400000000000"},
    /* bare bodies */
    {&with_url, "{}", " http://d/" JSON_TYPE " ={}"},
    {&with_url, " {\"name\": \"x\"} \r", " http://d/" JSON_TYPE " ={\"name\": \"x\"}"},
    {&with_url, "[1, 2] ", " http://d/" JSON_TYPE " =[1, 2]"},
    {&with_url, "\"t\\u0065xt\"", " http://d/ =text"},
    {&with_url, "12", " http://d/" JSON_TYPE " =12"},
    {&with_url, "null", " http://d/"},
    {&with_url, "{\"id\":7}", "id=7 http://d/"},
    {&with_url, "{\"x\":{\"id\":7}}", " http://d/" JSON_TYPE " ={\"x\":{\"id\":7}}"},
};

static void reads_good_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct record record;
        struct record_error error;
        read_line(&record, good[i].defaults, span_of(good[i].line), &error);
        if (error.error != RINGSEND_OK)
            fail_msg("%s: %s", good[i].line, error.detail);
        if (strcmp(describe(&record), good[i].becomes) != 0)
            fail_msg("%s\n  became \"%s\"\n  not    \"%s\"", good[i].line, describe(&record),
                     good[i].becomes);
        release(&record);
    }
}

struct bad_row {
    const struct record_defaults *defaults;
    const char *line;
    const char *id; /* that is found in spite of the error */
    const char *says;
};

static const struct bad_row bad[] = {
    {&none, "[]", "", "a record is a JSON object"},
    {&none, "\"x\"", "", "a record is a JSON object"},
    {&none, "{}", "", "no \"url\""},
    {&none, "{\"id\":3}", "3", "no \"url\""},
    {&none, "{\"id\":3,\"url\":\"u\"", "3", "column 18: expected ',' or '}'"},
    {&none, "{\"url\":\"u\"} x", "", "column 13: something follows"},
    {&none, "\x1e{\"id\":3,\"url\":\"u\"", "3",
     "column 19: a record of RFC 7464 over several lines"},
    {&none, "\xef\xbb\xbf{\"url\":\"u\"}", "", "column 1: a byte order mark"},
    {&with_url, "{\"a\":}", "", "column 6: expected a value"},
    {&with_url, "nonsense", "", "column 1: expected true"},
    /* keys */
    {&none, "{\"urls\":\"u\"}", "", "unknown key \"urls\""},
    {&none, "{\"url\":\"u\",\"id\":3,\"colour\":1}", "3", "unknown key \"colour\""},
    {&with_url, "{\"id\":3,\"name\":1}", "3", "unknown key \"name\""},
    {&with_url, "{\"name\":1,\"x\":2,\"data\":3}", "", "unknown key \"name\""},
    {&with_url, "{\"ID\":3,\"data\":3}", "", "unknown key \"ID\""},
    {&none, "{\"url\":\"u\",\"url\":\"u\"}", "", "\"url\" is given twice"},
    {&none, "{\"url\":\"u\",\"\\u0075rl\":\"u\"}", "", "\"url\" is given twice"},
    {&none, "{\"id\":1,\"id\":2,\"url\":\"u\"}", "1", "\"id\" is given twice"},
    {&none, "{\"id\":1,\"custom_id\":2,\"url\":\"u\"}", "1",
     "only one of \"id\" and \"custom_id\""},
    {&none, "{\"url\":\"u\",\"data\":1,\"body\":2}", "", "only one of \"data\" and \"body\""},
    {&none, "{\"url\":\"u\",\"data_file\":\"f\",\"data_base64\":\"\"}", "",
     "only one of \"data_file\" and \"data_base64\""},
    /* kinds of values; an id behind them is found */
    {&none, "{\"url\":5,\"id\":3}", "3", "\"url\" must be a string"},
    {&none, "{\"method\":null,\"id\":3}", "3", "\"method\" must be a string"},
    {&none, "{\"url\":\"u\",\"headers\":[],\"id\":3}", "3", "\"headers\" must be an object"},
    {&none, "{\"url\":\"u\",\"headers\":{\"a\":1,\"b\":2},\"id\":3}", "3",
     "\"headers\": the value of \"a\" must be"},
    {&none, "{\"url\":\"u\",\"headers\":{\"a\":[\"x\",null]},\"id\":3}", "3",
     "value of \"a\" must"},
    {&none, "{\"url\":\"u\",\"headers\":{\"a\":\"x\",\"A\":\"y\"},\"id\":3}", "3",
     "\"headers\": \"A\" is given twice"},
    {&none, "{\"url\":\"u\",\"headers\":{\"a\":[],\"a\":[]},\"id\":3}", "3",
     "\"a\" is given twice"},
    {&none, "{\"url\":\"u\",\"data_base64\":5,\"id\":3}", "3", "\"data_base64\" must be a string"},
    {&none, "{\"url\":\"u\",\"data_base64\":\"YQ\",\"id\":3}", "3", "not base64"},
    {&none, "{\"url\":\"u\",\"data_base64\":\"Y===\",\"id\":3}", "3", "not base64"},
    {&none, "{\"url\":\"u\",\"data_base64\":\"=YQ=\",\"id\":3}", "3", "not base64"},
    {&none, "{\"url\":\"u\",\"data_base64\":\"====\",\"id\":3}", "3", "not base64"},
    {&none, "{\"url\":\"u\",\"data_base64\":\"YR==\",\"id\":3}", "3", "not base64"},
    {&none, "{\"url\":\"u\",\"data_base64\":\"YWJ=\",\"id\":3}", "3", "not base64"},
    {&none, "{\"url\":\"u\",\"data_base64\":\"YW-_\",\"id\":3}", "3", "not base64"},
    {&none, "{\"url\":\"u\",\"data_file\":\"\",\"id\":3}", "3", "\"data_file\""},
    {&none, "{\"url\":\"u\",\"data_file\":\"a\\u0000b\",\"id\":3}", "3", "\"data_file\""},
    {&none, "{\"url\":\"u\",\"data_file\":{},\"id\":3}", "3", "\"data_file\" must be a string"},
    {&none, "{\"url\":\"u\",\"header\":{},\"body\":\"-\",\"id\":3}", "3",
     "column 31: \"body\" is not base64"},
    {&none, "{\"url\":\"u\",\"header\":{},\"body\":{},\"id\":3}", "3", "\"body\" must be a string"},
    {&none, "{\"url\":\"u\",\"headers\":{},\"header\":{}}", "",
     "only one of \"headers\" and \"header\""},
    {&none, "{\"url\":\"u\",\n\"id\":3,\n \"tries\":0}", "3", "2 lines on, column 10: \"tries\""},
    {&none, "{\"url\":\"u\",\"timeout\":0,\"id\":3}", "3", "\"timeout\""},
    {&none, "{\"url\":\"u\",\"timeout\":-1,\"id\":3}", "3", "\"timeout\""},
    {&none, "{\"url\":\"u\",\"timeout\":1e3,\"id\":3}", "3", "\"timeout\""},
    {&none, "{\"url\":\"u\",\"timeout\":86401,\"id\":3}", "3", "\"timeout\""},
    {&none, "{\"url\":\"u\",\"timeout\":\"2 s\",\"id\":3}", "3", "\"timeout\""},
    {&none, "{\"url\":\"u\",\"timeout\":[2],\"id\":3}", "3", "\"timeout\""},
    {&none, "{\"url\":\"u\",\"tries\":0,\"id\":3}", "3", "\"tries\""},
    {&none, "{\"url\":\"u\",\"tries\":101,\"id\":3}", "3", "\"tries\""},
    {&none, "{\"url\":\"u\",\"tries\":12345,\"id\":3}", "3", "\"tries\""},
    {&none, "{\"url\":\"u\",\"tries\":2.0,\"id\":3}", "3", "\"tries\""},
    {&none, "{\"url\":\"u\",\"tries\":\"2\",\"id\":3}", "3", "\"tries\""},
};

static void refuses_bad_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct record record;
        struct record_error error;
        char message[RECORD_MESSAGE_BYTES];
        read_line(&record, bad[i].defaults, span_of(bad[i].line), &error);
        const char *says =
            record_error_message(&error, span_of(bad[i].line), message, sizeof message);
        if (error.error != RINGSEND_E_BAD_RECORD || !strstr(says, bad[i].says))
            fail_msg("%s: %s \"%s\", not \"%s\"", bad[i].line, ringsend_error_name(error.error),
                     says, bad[i].says);
        assert_true(span_equal(record.id, span_of(bad[i].id)));
        release(&record);
    }
}

static void refuses_a_path_without_a_server(void **state)
{
    (void)state;
    struct record record;
    struct record_error error;
    read_line(&record, &none, SPAN("{\"url\":\"/v1/x\"}"), &error);
    assert_int_equal(error.error, RINGSEND_E_BAD_URL);
    assert_non_null(strstr(error.detail, "--url"));
    release(&record);
}

/* Not the default in its place. */
static void refuses_empty_words(void **state)
{
    (void)state;
    struct record record;
    struct record_error error;
    read_line(&record, &full, SPAN("{\"url\":\"\"}"), &error);
    assert_int_equal(error.error, RINGSEND_E_BAD_URL);
    release(&record);
    read_line(&record, &full, SPAN("{\"method\":\"\"}"), &error);
    assert_int_equal(error.error, RINGSEND_E_BAD_METHOD);
    release(&record);
}

static void survives_every_truncation(void **state)
{
    (void)state;
    static const char line[] =
        "{\"id\":[1],\"url\":\"http:\\/\\/h\",\"headers\":{\"a\":[\"x\\n\",\"y\"],\"b\":\"z\"},"
        "\"data_base64\":\"YW\\u0049=\",\"timeout\":\"2s\",\"tries\":3}";
    for (size_t bytes = 1; bytes < sizeof line; bytes++) {
        struct record record;
        struct record_error error;
        read_line(&record, &full, (struct ringsend_bytes){line, bytes}, &error);
        assert_int_equal(error.error == RINGSEND_OK, bytes == sizeof line - 1);
        release(&record);
    }
}

static void limits_headers(void **state)
{
    (void)state;
    for (int count = 253; count <= 258; count++) {
        char line[8192];
        size_t at = (size_t)snprintf(line, sizeof line, "{\"headers\":{");
        for (int i = 0; i < count; i++)
            at += (size_t)snprintf(line + at, sizeof line - at, "%s\"h%d\":\"v\"", i ? "," : "", i);
        at += (size_t)snprintf(line + at, sizeof line - at, "}}");
        struct record record;
        struct record_error error;
        read_line(&record, &full, (struct ringsend_bytes){line, at},
                  &error); /* which has two more */
        assert_int_equal(error.error, count + 2 <= 256 ? RINGSEND_OK : RINGSEND_E_BAD_HEADER);
        if (error.error == RINGSEND_OK)
            assert_int_equal(record.request.headers_count, count + 2);
        release(&record);
    }
}

/* A name shown in a message is cut between characters: 59 bytes, then one of two bytes. */
static void cuts_names_between_characters(void **state)
{
    (void)state;
    char line[256], name[128];
    memset(name, 'n', 59);
    snprintf(name + 59, sizeof name - 59, "\xc3\xa9tail");
    snprintf(line, sizeof line, "{\"url\":\"u\",\"%s\":1}", name);
    struct record record;
    struct record_error error;
    read_line(&record, &none, span_of(line), &error);
    name[59] = '\0';
    char says[256];
    snprintf(says, sizeof says, "unknown key \"%s\" (", name);
    assert_non_null(strstr(error.detail, says));
    release(&record);
}

/* The engine's words about a header do not always say which one it is. */
static void names_the_refused_header(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
    } rows[] = {
        {"{\"headers\":{\"A\":\"fine\",\"X-Bad\":\"a\\nb\"}}", "header \"X-Bad\": words"},
        {"{\"headers\":{\"A\":\"\\t\",\"b c\":\"1\"}}", "header \"b c\": words"},
        {"{\"headers\":{\"\":\"1\"}}", "header \"\": words"},
        {"{\"headers\":{\"x\\u00e9\":\"1\"}}", "header \"x\xc3\xa9\": words"},
        {"{\"headers\":{\"TE\":\"gzip\",\"C\":\"\\u00e9\"}}", "words"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct record record;
        struct record_error error;
        read_line(&record, &full, span_of(rows[i].line), &error);
        assert_int_equal(error.error, RINGSEND_OK);
        error.error = RINGSEND_E_BAD_HEADER;
        record_explain(&record, "words", &error);
        assert_string_equal(error.detail, rows[i].says);
        error.error = RINGSEND_E_BAD_URL;
        record_explain(&record, NULL, &error);
        assert_string_equal(error.detail, ringsend_error_text(RINGSEND_E_BAD_URL));
        release(&record);
    }
}

/* Fixed for ever: keys must be the same in every version. */
static void makes_the_same_keys_for_ever(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        uint64_t number;
        const char *key;
    } rows[] = {
        {"{}", 0, "26535901-eb8c-86b2-957c-c9f0a4c9b9f4"},
        {"{}", 1, "fb9f7033-f502-8c2b-b07a-f56ccd28dd4d"},
        {"{\"method\":\"POST\",\"data\":\"x\"}", 0, "0c15b1be-b9b5-895a-925e-55bed216cba4"},
        {"{\"data\":\"x\"}", 0, "0c15b1be-b9b5-895a-925e-55bed216cba4"},
        {"{\"data\":\"x\",\"method\":\"PUT\"}", 0, "9fe6bb97-b80c-8e54-8908-64bdbae32155"},
        {"{\"data\":\"x\",\"url\":\"http://d/x\"}", 0, "803823cf-938e-868d-9b78-53c8e3421e4b"},
        {"{\"data\":\"\"}", 12345678901, "815c4aec-5a88-84ed-a1e9-d014d9102bc2"},
    };
    static const struct record_defaults keyed = {.url = {"http://d/", 9},
                                                 .key_header = {"Idempotency-Key", 15},
                                                 .headers = default_headers + 2};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct record record;
        struct record_error error;
        read_line(&record, &keyed, span_of(rows[i].line), &error);
        assert_int_equal(error.error, RINGSEND_OK);
        assert_true(record.needs_key);
        record_make_key(&record, rows[i].number);
        const struct ringsend_request *r = &record.request;
        assert_true(r->flags & RINGSEND_KEYED);
        const struct ringsend_header *header = &r->headers[r->headers_count - 1];
        assert_true(span_equal(header->name, SPAN("Idempotency-Key")));
        if (!span_equal(header->value, span_of(rows[i].key)))
            fail_msg("%zu: %.36s", i, header->value.data);
        release(&record);
    }
}

static void make_key(const char *line, uint64_t number, char key[RECORD_KEY_BYTES])
{
    static const struct record_defaults keyed = {.url = {"http://d/", 9},
                                                 .key_header = {"Idempotency-Key", 15},
                                                 .headers = default_headers + 2};
    struct record record;
    struct record_error error;
    read_line(&record, &keyed, span_of(line), &error);
    assert_int_equal(error.error, RINGSEND_OK);
    assert_true(record.has_made_key);
    record_make_key(&record, number);
    memcpy(key, record.key, RECORD_KEY_BYTES);
    release(&record);
}

/* Its line may be sent again from another place, where one of several lines has become one. */
static void makes_the_same_key_of_an_id_wherever_it_stands(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"{\"id\":7,\"data\":\"x\"}", "{\"data\":\"x\", \"custom_id\":7}", true},
        {"{\"id\":7,\"data\":\"x\"}", "{\"id\":8,\"data\":\"x\"}", false},
        {"{\"id\":7,\"data\":\"x\"}", "{\"id\":\"7\",\"data\":\"x\"}", false},
        {"{\"id\":7,\"data\":\"x\"}", "{\"id\":7,\"data\":\"y\"}", false},
        {"{\"id\":7,\"data\":\"x\"}", "{\"id\":7,\"data\":\"x\",\"url\":\"http://e/\"}", false},
        {"{\"id\":7,\"data\":\"x\"}", "{\"id\":7,\"data\":\"x\",\"method\":\"PUT\"}", false},
        {"{\"id\":7,\"data\":{\"a\":\n1}}", "{\"id\":7,\"data\":{\"a\": 1}}", true},
        {"{\"id\":{\"a\":\r\n1},\"data\":1}", "{\"id\":{\"a\":  1},\"data\":1}", true},
        {"{\"data\":\"x\"}", "{\"data\":\"x\"}", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char a[RECORD_KEY_BYTES], b[RECORD_KEY_BYTES];
        make_key(rows[i].a, 3, a);
        make_key(rows[i].b, 12345678901, b);
        if ((memcmp(a, b, sizeof a) == 0) != rows[i].same)
            fail_msg("%zu", i);
    }
}

static void leaves_keys_that_are_there(void **state)
{
    (void)state;
    static const struct record_defaults keyed = {.url = {"http://d/", 9},
                                                 .key_header = {"X-Key", 5},
                                                 .headers = default_headers,
                                                 .headers_count = 2};
    static const struct row rows[] = {
        {&keyed, "{\"headers\":{\"x-key\":\"k\"}}",
         " http://d/ x-key:k X-Source:nightly Accept:a/b keyed"},
        {&keyed, "{\"headers\":{\"idempotency-key\":\"k\"}}",
         " http://d/ idempotency-key:k X-Source:nightly Accept:a/b keyed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct record record;
        struct record_error error;
        read_line(&record, rows[i].defaults, span_of(rows[i].line), &error);
        assert_false(record.needs_key);
        assert_string_equal(describe(&record), rows[i].becomes);
        release(&record);
    }
}

/* Nor does the engine take it for one, whoever says that the request is keyed. */
static void takes_no_blank_key_for_one(void **state)
{
    (void)state;
    static const struct record_defaults plain = {.url = {"http://d/", 9},
                                                 .headers = default_headers + 2};
    static const char *const values[] = {"\"\"",         "\" \"",        "\"\\t\"",
                                         "\"\\\"\\\"\"", "[\"\",\"k\"]", "[\"a\",\"b\"]"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char line[100];
        struct record record;
        struct record_error error;
        snprintf(line, sizeof line, "{\"headers\":{\"IDEMPOTENCY-Key\":%s},\"data\":1}", values[i]);
        read_line(&record, &plain, span_of(line), &error);
        assert_int_equal(error.error, RINGSEND_OK);
        if (record.request.flags & RINGSEND_KEYED)
            fail_msg("%s", line);
        assert_false(ringsend_may_repeat(&record.request));
        record.request.flags |= RINGSEND_KEYED;
        assert_false(ringsend_may_repeat(&record.request));
        record.request.flags |= RINGSEND_AT_LEAST_ONCE;
        assert_true(ringsend_may_repeat(&record.request));
        release(&record);
    }
}

static void puts_a_key_in_place_of_blank_ones(void **state)
{
    (void)state;
    static const struct record_defaults keyed = {.url = {"http://d/", 9},
                                                 .key_header = {"X-Key", 5},
                                                 .headers = default_headers,
                                                 .headers_count = 1};
    static const char *const lines[] = {
        "{\"headers\":{\"A\":\"b\",\"x-key\":\"\"}}",
        "{\"headers\":{\"A\":\"b\",\"x-key\":[\"\",\" \"],\"Idempotency-Key\":\"\"}}"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct record record;
        struct record_error error;
        read_line(&record, &keyed, span_of(lines[i]), &error);
        assert_true(record.needs_key);
        record_make_key(&record, 0);
        assert_string_equal(describe(&record), " http://d/ A:b X-Source:nightly X-Key:"
                                               "2c608902-6637-8396-87bf-78c78192659e keyed");
        assert_true(ringsend_may_repeat(&record.request));
        release(&record);
    }
}

/* The platform would take one of them, or none. */
static void adds_no_key_to_several(void **state)
{
    (void)state;
    static const struct record_defaults keyed = {
        .url = {"http://d/", 9}, .key_header = {"X-Key", 5}, .headers = default_headers + 2};
    struct record record;
    struct record_error error;
    read_line(&record, &keyed, SPAN("{\"headers\":{\"x-key\":[\"a\",\"b\"]}}"), &error);
    assert_false(record.needs_key);
    assert_string_equal(describe(&record), " http://d/ x-key:a x-key:b");
    release(&record);
}

static void knows_blank_lines(void **state)
{
    (void)state;
    assert_true(record_is_blank(SPAN("")));
    assert_true(record_is_blank(SPAN(" \t\r")));
    assert_false(record_is_blank(SPAN(" 1")));
    assert_false(record_is_blank(SPAN("\0")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_good_records),
        cmocka_unit_test(refuses_bad_records),
        cmocka_unit_test(refuses_empty_words),
        cmocka_unit_test(survives_every_truncation),
        cmocka_unit_test(limits_headers),
        cmocka_unit_test(cuts_names_between_characters),
        cmocka_unit_test(refuses_a_path_without_a_server),
        cmocka_unit_test(knows_blank_lines),
        cmocka_unit_test(makes_the_same_keys_for_ever),
        cmocka_unit_test(makes_the_same_key_of_an_id_wherever_it_stands),
        cmocka_unit_test(leaves_keys_that_are_there),
        cmocka_unit_test(takes_no_blank_key_for_one),
        cmocka_unit_test(puts_a_key_in_place_of_blank_ones),
        cmocka_unit_test(adds_no_key_to_several),
        cmocka_unit_test(names_the_refused_header),
    };
    guard_open(&guard, 1 << 14);
    buf_pool_init(&pool);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_pool_free(&pool);
    guard_close(&guard);
    return failed;
}

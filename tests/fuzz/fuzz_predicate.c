/* libFuzzer target: the first line is a predicate, the rest a response body. A refused predicate
 * has its reason; one that is taken judges any body, and says the same of it twice, and the
 * opposite within !( ), but for what is unknown. */
#include "engine/predicate.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static const char header_text[] = "x-statebusyx-code7";
static const struct response_header headers[] = {{0, 7, 7, 4}, {11, 6, 17, 1}};

static struct predicate *compile(const char *text)
{
    char message[300] = "";
    struct predicate *p = NULL;
    enum ringsend_error error = predicate_compile(&p, NULL, text, message, sizeof message);
    CHECK((error == RINGSEND_OK) == (p != NULL));
    CHECK(p || message[0]);
    return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const uint8_t *lf = bytes > 0 ? memchr(data, '\n', bytes) : NULL;
    size_t text_bytes = lf ? (size_t)(lf - data) : bytes;
    char *text = calloc(1, text_bytes + 5), *body = malloc(bytes + 1);
    CHECK(text && body);
    if (text_bytes > 0)
        memcpy(text, data, text_bytes);
    struct predicate *p = compile(text);
    if (p && text_bytes < 4000) {
        size_t body_bytes = lf ? bytes - text_bytes - 1 : 0;
        if (body_bytes > 0)
            memcpy(body, lf + 1, body_bytes);
        struct predicate_view view = {.status = 200,
                                      .body = {body, body_bytes},
                                      .header_text = header_text,
                                      .headers = headers,
                                      .headers_count = 2};
        struct predicate_fault fault = {0};
        enum predicate_truth truth = predicate_judge(p, &view, &fault);
        CHECK((truth == PREDICATE_UNKNOWN) == (fault.text != NULL));
        CHECK(fault.column <= body_bytes + 1);
        CHECK(predicate_judge(p, &view, &fault) == truth);
        char *denied = malloc(text_bytes + 5);
        CHECK(denied);
        snprintf(denied, text_bytes + 5, "!(%s)", text);
        struct predicate *not = compile(denied); /* null: one part or level too many */
        static const enum predicate_truth opposite[] = {
            [PREDICATE_FAILS] = PREDICATE_HOLDS,
            [PREDICATE_HOLDS] = PREDICATE_FAILS,
            [PREDICATE_UNKNOWN] = PREDICATE_UNKNOWN,
        };
        CHECK(!not || predicate_judge(not, &view, &fault) == opposite[truth]);
        predicate_free(not );
        free(denied);
    }
    predicate_free(p);
    free(text);
    free(body);
    return 0;
}

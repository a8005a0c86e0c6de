/* Streamed bodies on the real kernel. */
#include "ringsend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer.h"

/* A GET of this path; the URL is valid until the next one. */
static struct ringsend_request get(const struct peer *peer, const char *path, uint32_t flags)
{
    static char url[128];
    snprintf(url, sizeof url, "%s%s", peer->url, path);
    return (struct ringsend_request){
        .size = sizeof(struct ringsend_request), .url = {url, strlen(url)}, .flags = flags};
}

static const struct ringsend_result *result_of(struct ringsend *engine,
                                               struct ringsend_request *request)
{
    const struct ringsend_result *result = NULL;
    assert_int_equal(ringsend_submit(engine, request), 0);
    while (ringsend_run(engine, RINGSEND_NEVER) == 0)
        ;
    assert_int_equal(ringsend_reap(engine, &result, 1), 1);
    return result;
}

/* Good ones are counted, however long; others are stored. */
static void a_discarded_response_is_counted(void **state)
{
    struct ringsend_options options = {
        .size = sizeof options, .body_max_bytes = 1000, .tries = 1, .ok_if = "body == \"\""};
    struct ringsend *engine;
    assert_int_equal(ringsend_new(&engine, &options), 0);
    struct ringsend_request big = get(*state, "big", RINGSEND_RESPONSE_DISCARD);
    const struct ringsend_result *result = result_of(engine, &big);
    assert_int_equal(result->error, RINGSEND_OK);
    assert_true(result->ok);
    assert_int_equal(result->status, 200);
    assert_int_equal(result->body.bytes, 0);
    assert_int_equal(result->packed_bytes, PEER_BIG_BYTES);
    big.flags = 0;
    assert_int_equal(result_of(engine, &big)->error, RINGSEND_E_BODY_TOO_LARGE);
    ringsend_free(engine);

    options.ok_if = NULL;
    options.ok_status.bits[0] = 1;
    assert_int_equal(ringsend_new(&engine, &options), 0);
    struct ringsend_request small = get(*state, "", RINGSEND_RESPONSE_DISCARD);
    result = result_of(engine, &small);
    assert_int_equal(result->error, RINGSEND_OK);
    assert_false(result->ok);
    assert_int_equal(result->body.bytes, 2);
    assert_int_equal(result->packed_bytes, 2);
    ringsend_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_discarded_response_is_counted),
    };
    return cmocka_run_group_tests(tests, peer_start, peer_stop);
}

/* A host program that speaks Turkish, where "I" is not the capital of "i": names of hosts and of
 * headers stay ASCII. Passed over where localedef(1) cannot make that locale. */
#include "pair.h"

#include "base/span.h"
#include "http/response.h"

#include <ctype.h>
#include <locale.h>
#include <sys/wait.h>
#include <unistd.h>

static bool speak_turkish(void)
{
    static char directory[512], path[600];
    int status;
    struct file_name f = certs_file("locales.XXXXXX", "");
    memcpy(directory, f.text, sizeof f.text);
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/tr_TR.ISO-8859-9", directory);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("localedef", "localedef", "-i", "tr_TR", "-f", "ISO-8859-9", path, NULL);
        _exit(127);
    }
    return waitpid(pid, &status, 0) == pid && status == 0 && setenv("LOCPATH", directory, 1) == 0 &&
           setlocale(LC_ALL, "tr_TR.ISO-8859-9");
}

static void test_header_names(void **state)
{
    static const char wire[] = "HTTP/1.1 200 OK\r\nCONTENT-LENGTH: 2\r\nRETRY-AFTER: 7\r\n\r\nok";
    static const struct response_limits limits = {1000, 10, 1000, false, true};
    struct buf_pool bufs;
    struct response r;
    size_t used;
    (void)state;
    buf_pool_init(&bufs);
    response_init(&r, &limits, &bufs, false);
    assert_int_equal(response_feed(&r, wire, sizeof wire - 1, &used), RESPONSE_DONE);
    assert_int_equal(used, sizeof wire - 1);
    assert_int_equal(r.hints.said.after.ms, 7000);
    response_release(&r);
    buf_pool_free(&bufs);
    assert_true(span_equal_nocase(SPAN("TITLE"), SPAN("title")));
}

static void test_host_names(void **state)
{
    struct pair p;
    (void)state;
    pair_open(&p, false);
    for (int resumed = 0; resumed < 2; resumed++) {
        pair_connect(&p);
        tls_free(p.client);
        p.client = tls_client_new(p.client_local, "I.WILD.EXAMPLE.COM", 443, tls_http1);
        shake_hands(&p, SIZE_MAX);
        assert_int_equal(tls_error(p.client), RINGSEND_OK);
        assert_true(tls_keep_session(p.client));
        assert_true(tls_has_session(p.client_local, "i.wild.example.com", 443, tls_http1));
    }
    pair_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header_names),
        cmocka_unit_test(test_host_names),
    };
    if (!speak_turkish() || tolower('I') == 'i') {
        puts("localedef made no Turkish locale");
        return 77;
    }
    return cmocka_run_group_tests_name("locale", tests, NULL, NULL);
}

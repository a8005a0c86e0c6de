/* Lists of outcomes: what they name, and that everything else ends the program. A refusal exits, so
 * each one runs in a child. */
#include "cli/options/outcomes.h"

#include "base/errors.h"
#include "cli/options/values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct ringsend_outcomes read_list(const char *text)
{
    struct ringsend_outcomes set = {0};
    outcomes_read("send", "--retry-on", text, &set);
    return set;
}

static bool has_error(const struct ringsend_outcomes *set, enum ringsend_error error)
{
    return set->errors[error / 64] >> (error % 64) & 1;
}

static bool has_status(const struct ringsend_outcomes *set, int status)
{
    return set->statuses.bits[(status - 100) / 64] >> ((status - 100) % 64) & 1;
}

static void names_statuses(void **state)
{
    (void)state;
    struct ringsend_outcomes set = read_list("200,3xx,404-406,599,100");
    for (int status = 100; status <= 599; status++) {
        bool expected = status == 200 || status / 100 == 3 || (status >= 404 && status <= 406) ||
                        status == 599 || status == 100;
        assert_int_equal(has_status(&set, status), expected);
    }
    for (unsigned i = 0; i < RINGSEND_ERROR_COUNT; i++)
        assert_false(has_error(&set, (enum ringsend_error)i));
}

static void names_each_error(void **state)
{
    (void)state;
    for (unsigned i = 1; i < RINGSEND_ERROR_COUNT; i++) {
        enum ringsend_error error = (enum ringsend_error)i;
        if (!error_is_of_attempt(error))
            continue;
        struct ringsend_outcomes set = read_list(ringsend_error_name(error));
        for (unsigned k = 0; k < RINGSEND_ERROR_COUNT; k++)
            assert_int_equal(has_error(&set, (enum ringsend_error)k), k == i);
    }
}

static void names_phases(void **state)
{
    static const struct {
        const char *word;
        enum ringsend_error in, out;
    } rows[] = {
        {"dns", RINGSEND_E_DNS_NOT_FOUND, RINGSEND_E_CONNECT_REFUSED},
        {"connect", RINGSEND_E_TIMEOUT_CONNECT, RINGSEND_E_TIMEOUT_DNS},
        {"tls", RINGSEND_E_TLS_EXPIRED, RINGSEND_E_CONNECT_RESET},
        {"send", RINGSEND_E_SEND_FAILED, RINGSEND_E_CLOSED_NO_RESPONSE},
        {"no_response", RINGSEND_E_TIMEOUT_FIRST_BYTE, RINGSEND_E_TRUNCATED_HEAD},
        {"head", RINGSEND_E_BAD_RESPONSE, RINGSEND_E_BAD_BODY},
        {"body", RINGSEND_E_TRUNCATED_BODY, RINGSEND_E_BAD_FRAMING},
        {"timeout", RINGSEND_E_TIMEOUT_DNS, RINGSEND_E_TIMEOUT_RECORD},
        {"timeout", RINGSEND_E_TIMEOUT_ATTEMPT, RINGSEND_E_CONNECT_REFUSED},
        {"default", RINGSEND_E_CONNECT_REFUSED, RINGSEND_E_DNS_NOT_FOUND},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ringsend_outcomes set = read_list(rows[i].word);
        if (!has_error(&set, rows[i].in) || has_error(&set, rows[i].out))
            fail_msg("%s", rows[i].word);
    }
    struct ringsend_outcomes set = read_list("default,404");
    assert_true(has_status(&set, 503) && has_status(&set, 404) && !has_status(&set, 400));
}

static void may_be_empty(void **state)
{
    (void)state;
    struct ringsend_outcomes set = read_list(""), none = {0};
    assert_memory_equal(&set, &none, sizeof set);
}

static void refuses_the_rest(void **state)
{
    static const char *const bad[] = {"99",   "600",  "6xx",        "0xx",       "5x",
                                      "50",   "5xx,", ",503",       "504-500",   "500-50",
                                      "Send", "sen",  "bad_record", "cancelled", "timeout_record",
                                      "full", " 503"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(STDERR_FILENO);
            read_list(bad[i]);
            _exit(99);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_USAGE)
            fail_msg("\"%s\" was not refused", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_statuses),   cmocka_unit_test(names_each_error),
        cmocka_unit_test(names_phases),     cmocka_unit_test(may_be_empty),
        cmocka_unit_test(refuses_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The error table: its names are part of the result format, so each must be there, be unique and be
 * a lower_snake word; its columns must not contradict each other. */
#include "base/errors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void names_are_lower_snake(void **state)
{
    (void)state;
    for (int i = 0; i < RINGSEND_ERROR_COUNT; i++) {
        const char *name = ringsend_error_name((enum ringsend_error)i);
        size_t bytes = strlen(name);
        assert_true(bytes > 0);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"), bytes);
        assert_true(name[0] != '_' && name[bytes - 1] != '_');
        assert_null(strstr(name, "__"));
    }
}

static void names_and_texts_are_unique(void **state)
{
    (void)state;
    for (int i = 0; i < RINGSEND_ERROR_COUNT; i++) {
        for (int j = 0; j < i; j++) {
            enum ringsend_error a = (enum ringsend_error)i, b = (enum ringsend_error)j;
            assert_string_not_equal(ringsend_error_name(a), ringsend_error_name(b));
            assert_string_not_equal(ringsend_error_text(a), ringsend_error_text(b));
        }
    }
}

static void texts_are_for_people(void **state)
{
    (void)state;
    for (int i = 0; i < RINGSEND_ERROR_COUNT; i++) {
        const char *text = ringsend_error_text((enum ringsend_error)i);
        size_t bytes = strlen(text);
        assert_true(bytes > 0 && text[bytes - 1] != '.');
        assert_true(strlen(error_phase((enum ringsend_error)i)) > 0);
    }
}

static void names_are_those_of_the_format(void **state)
{
    (void)state;
    static const struct {
        enum ringsend_error error;
        const char *name;
    } cases[] = {
        {RINGSEND_OK, "ok"},
        {RINGSEND_E_BAD_RECORD, "bad_record"},
        {RINGSEND_E_CONNECT_REFUSED, "connect_refused"},
        {RINGSEND_E_TIMEOUT_FIRST_BYTE, "timeout_first_byte"},
        {RINGSEND_E_TRUNCATED_BODY, "truncated_body"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(ringsend_error_name(cases[i].error), cases[i].name);
}

/* What happens before a connection stands cannot have reached the peer; what happens in a response
 * can. */
static void sent_follows_the_phase(void **state)
{
    (void)state;
    static const struct {
        const char *phase;
        bool after_sending;
    } phases[] = {
        {"call", false},      {"record", false}, {"lookup", false}, {"connect", false},
        {"first byte", true}, {"head", true},    {"body", true},
    };
    for (int i = 1; i < RINGSEND_ERROR_COUNT; i++) {
        enum ringsend_error error = (enum ringsend_error)i;
        for (size_t p = 0; p < sizeof phases / sizeof *phases; p++) {
            if (strcmp(error_phase(error), phases[p].phase) == 0)
                assert_int_equal(error_is_after_sending(error), phases[p].after_sending);
        }
    }
}

static void only_outside_faults_are_retried(void **state)
{
    (void)state;
    assert_false(error_is_retryable(RINGSEND_OK));
    assert_false(error_is_of_attempt(RINGSEND_OK));
    assert_false(error_is_of_attempt(RINGSEND_E_FULL));
    assert_false(error_is_of_attempt(RINGSEND_E_BAD_RECORD));
    assert_false(error_is_of_attempt(RINGSEND_E_CANCELLED));
    assert_false(error_is_of_attempt((enum ringsend_error)12345));
    assert_true(error_is_of_attempt(RINGSEND_E_DNS_NOT_FOUND));
    assert_true(error_is_of_attempt(RINGSEND_E_NO_MEMORY));
    assert_true(error_is_of_attempt(RINGSEND_E_TIMEOUT_ATTEMPT));
    for (int i = 1; i < RINGSEND_ERROR_COUNT; i++) {
        enum ringsend_error error = (enum ringsend_error)i;
        const char *phase = error_phase(error);
        if (!strcmp(phase, "call") || !strcmp(phase, "record") || !strcmp(phase, "stop"))
            assert_false(error_is_retryable(error));
        if (!strcmp(phase, "connect"))
            assert_true(error_is_retryable(error));
    }
    assert_false(error_is_retryable(RINGSEND_E_DNS_NOT_FOUND));
    assert_true(error_is_retryable(RINGSEND_E_DNS_FAILED));
    assert_false(error_is_retryable(RINGSEND_E_BAD_RESPONSE));
}

static void unknown_values_are_named(void **state)
{
    (void)state;
    assert_string_equal(ringsend_error_name(RINGSEND_ERROR_COUNT), "unknown");
    assert_string_equal(ringsend_error_name((enum ringsend_error) - 1), "unknown");
    assert_false(error_is_retryable((enum ringsend_error)12345));
    /* Nobody knows what an unknown error did: never send again on its account. */
    assert_true(error_is_after_sending((enum ringsend_error)12345));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_lower_snake),
        cmocka_unit_test(names_and_texts_are_unique),
        cmocka_unit_test(texts_are_for_people),
        cmocka_unit_test(names_are_those_of_the_format),
        cmocka_unit_test(sent_follows_the_phase),
        cmocka_unit_test(only_outside_faults_are_retried),
        cmocka_unit_test(unknown_values_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

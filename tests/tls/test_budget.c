/* What a chain may cost: signature checks, the only expensive step, are counted. */
#include "pair.h"

#include "tls/x509/path.h"

#include <bearssl.h>

static unsigned checks;

uint32_t __real_br_ecdsa_i31_vrfy_asn1(const br_ec_impl *, const void *, size_t,
                                       const br_ec_public_key *, const void *, size_t);
uint32_t __wrap_br_ecdsa_i31_vrfy_asn1(const br_ec_impl *, const void *, size_t,
                                       const br_ec_public_key *, const void *, size_t);

uint32_t __wrap_br_ecdsa_i31_vrfy_asn1(const br_ec_impl *impl, const void *hash, size_t hash_bytes,
                                       const br_ec_public_key *key, const void *signature,
                                       size_t signature_bytes)
{
    checks++;
    return __real_br_ecdsa_i31_vrfy_asn1(impl, hash, hash_bytes, key, signature, signature_bytes);
}

static enum ringsend_error judge(const char *chain)
{
    struct pair p;
    pair_open(&p, false);
    tls_local_free(p.server_local);
    tls_config_free(p.server_config);
    p.server_config = new_server_config(chain, "leaf", false);
    p.server_local = tls_local_new(p.server_config, 1, NULL);
    pair_connect(&p);
    checks = 0;
    shake_hands(&p, SIZE_MAX);
    enum ringsend_error error = tls_error(p.client);
    pair_close(&p);
    return error;
}

static void test_honest_chains(void **state)
{
    (void)state;
    assert_int_equal(judge("good"), RINGSEND_OK);
    assert_int_equal(checks, 2);
    assert_int_equal(judge("long-enough"), RINGSEND_OK);
    assert_int_equal(checks, PATH_SIGNATURES_MAX);
}

/* Twelve authorities by the name of the trusted one. */
static void test_hostile_chain(void **state)
{
    (void)state;
    assert_int_equal(judge("hostile"), RINGSEND_E_TLS_BAD_SIGNATURE);
    assert_int_equal(checks, PATH_SIGNATURES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_honest_chains),
        cmocka_unit_test(test_hostile_chain),
    };
    return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}

/* BearSSL's part of a configuration: identity, and the model that connections are copied from.
 *
 * Why a model: choosing the fastest code for this CPU costs a CPUID instruction for each algorithm,
 * 9 us apiece in a virtual machine; the first reset of a context seeds its generator from the
 * system once more; and a reset runs the interpreter of BearSSL's handshake, for a client up to the
 * end of its ClientHello. A copy of a model has all that behind it: 4 us instead of 100. Such
 * copies share one generator state and are worth nothing until fresh random bytes are mixed in;
 * that is why only connection.c makes them, and always does it.
 *
 * A context knows its own address in four places: the two buffers and the two stacks of the
 * interpreter. All else in it that points, points to tables, or is set anew whenever BearSSL is
 * entered, or by connection.c. BearSSL's header shows these fields, and says that they are its own:
 * tests/tls checks what rests on them with the BearSSL that is built against.
 *
 * A server answers no ALPN: BearSSL 0.6 reads far outside its list of names when a client resumes a
 * session and offers none of them (the index 0xFFFF of "no match" is only cleared in full
 * handshakes). Clients take silence for http/1.1.
 *
 * The profile is listed here instead of taken from br_ssl_client_init_full, which offers TLS 1.0,
 * CBC, 3DES and static RSA as well: TLS 1.2, ephemeral keys, SHA-2, AEAD; AES-GCM first, which this
 * CPU generation does six times as fast as ChaCha20. */
#include "tls/bearssl/config.h"

#include "base/check.h"
#include "tls/bearssl/sha256.h"

#include <stdlib.h>

/* A point of small order makes a shared secret that everybody knows: all zeros (RFC 8422 5.11, RFC
 * 7748 6.1). BearSSL computes it and goes on. */
static uint32_t multiply(unsigned char *point, size_t point_bytes, const unsigned char *factor,
                         size_t factor_bytes, int curve)
{
    uint32_t ok = br_ec_get_default()->mul(point, point_bytes, factor, factor_bytes, curve);
    unsigned any = curve != BR_EC_curve25519;
    for (size_t i = 0; i < point_bytes; i++)
        any |= point[i];
    return any == 0 ? 0 : ok;
}

static void set_profile(struct bear_config *bear, br_ssl_engine_context *engine)
{
    static const uint16_t suites[] = {BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                                      BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                                      BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                                      BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
                                      BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                                      BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384};
    br_ssl_engine_set_versions(engine, BR_TLS12, BR_TLS12);
    br_ssl_engine_set_suites(engine, suites, sizeof suites / sizeof suites[0]);
    struct sha256 sha256 = sha256_choose();
    br_ssl_engine_set_hash(engine, br_sha256_ID, sha256.hash);
    br_ssl_engine_set_hash(engine, br_sha384_ID, &br_sha384_vtable);
    br_ssl_engine_set_hash(engine, br_sha512_ID, &br_sha512_vtable);
    br_ssl_engine_set_prf_sha256(engine, sha256.prf);
    br_ssl_engine_set_prf_sha384(engine, &br_tls12_sha384_prf);
    br_ssl_engine_set_default_rsavrfy(engine);
    br_ssl_engine_set_default_ecdsa(engine);
    bear->curves = *br_ec_get_default();
    bear->curves.mul = multiply;
    br_ssl_engine_set_ec(engine, &bear->curves);
    br_ssl_engine_set_default_aes_gcm(engine);
    br_ssl_engine_set_default_chapol(engine);
    br_ssl_engine_add_flags(engine, BR_OPT_NO_RENEGOTIATION);
}

/* The ClientHello that the reset wrote: nobody will see it. */
static void drop_output(br_ssl_engine_context *engine)
{
    size_t bytes;
    while (br_ssl_engine_sendrec_buf(engine, &bytes))
        br_ssl_engine_sendrec_ack(engine, bytes);
}

/* The buffer serves only here. */
static bool build_model(const struct tls_config *config, struct bear_config *bear,
                        struct message message)
{
    br_ssl_engine_context *engine = &bear->model.engine;
    uint8_t *buffer = malloc(bear->buffer_bytes);
    if (!buffer)
        return message_fail(message, TLS_NO_MEMORY);
    int ok;
    if (config->server) {
        br_ssl_server_zero(&bear->model.server);
        set_profile(bear, engine);
        br_ssl_engine_add_flags(engine, BR_OPT_ENFORCE_SERVER_PREFERENCES);
        br_ssl_engine_set_buffer(engine, buffer, bear->buffer_bytes, !config->half_duplex);
        ok = br_ssl_server_reset(&bear->model.server);
    } else {
        br_ssl_client_zero(&bear->model.client);
        set_profile(bear, engine);
        br_ssl_engine_add_flags(engine, BR_OPT_FAIL_ON_ALPN_MISMATCH);
        br_ssl_engine_set_buffer(engine, buffer, bear->buffer_bytes, !config->half_duplex);
        ok = br_ssl_client_reset(&bear->model.client, NULL, 0);
    }
    if (ok) {
        drop_output(engine);
        CHECK(br_ssl_engine_current_state(engine) == BR_SSL_RECVREC);
        bear->ibuf_at = (size_t)(engine->ibuf - buffer);
        bear->obuf_at = (size_t)(engine->obuf - buffer);
    }
    free(buffer);
    if (!ok)
        return message_fail(message, "the TLS library finds no random bytes to start with");
    return true;
}

void config_copy_model(const struct bear_config *bear, union context *to, uint8_t *buffer)
{
    const br_ssl_engine_context *model = &bear->model.engine;
    *to = bear->model;
    to->engine.ibuf = buffer + bear->ibuf_at;
    to->engine.obuf = buffer + bear->obuf_at;
    to->engine.cpu.dp = to->engine.dp_stack + (model->cpu.dp - model->dp_stack);
    to->engine.cpu.rp = to->engine.rp_stack + (model->cpu.rp - model->rp_stack);
}

static bool build(const struct tls_config *config, struct bear_config *bear,
                  const struct tls_options *options, struct message message)
{
    bear->buffer_bytes = options->half_duplex ? BR_SSL_BUFSIZE_MONO : BR_SSL_BUFSIZE_BIDI;
    return (!options->chain_file ||
            identity_load(&bear->identity, options->chain_file, options->key_file, message)) &&
           build_model(config, bear, message);
}

struct bear_config *bear_config_new(struct tls_config *config, const struct tls_options *options,
                                    struct message message)
{
    struct bear_config *bear = calloc(1, sizeof *bear);
    if (!bear) {
        message_fail(message, TLS_NO_MEMORY);
        return NULL;
    }
    if (build(config, bear, options, message)) {
        if (bear->identity.count > 0)
            config->own = &bear->identity.own;
        return bear;
    }
    bear_config_free(bear);
    return NULL;
}

void bear_config_free(struct bear_config *bear)
{
    if (!bear)
        return;
    identity_free(&bear->identity);
    explicit_bzero(bear, sizeof *bear);
    free(bear);
}

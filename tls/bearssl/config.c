/* Builds a tls_config: trust, identity, and the model that connections are copied from.
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
#include "base/time.h"
#include "tls/bearssl/sha256.h"

#include <stdlib.h>

int64_t config_now_s(const struct tls_config *config)
{
    return config->fixed_now_s ? config->fixed_now_s : clock_wall_s();
}

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

static void set_profile(struct tls_config *config, br_ssl_engine_context *engine)
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
    config->curves = *br_ec_get_default();
    config->curves.mul = multiply;
    br_ssl_engine_set_ec(engine, &config->curves);
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
static bool build_model(struct tls_config *config, struct message message)
{
    br_ssl_engine_context *engine = &config->model.engine;
    uint8_t *buffer = malloc(config->buffer_bytes);
    if (!buffer)
        return message_fail(message, TLS_NO_MEMORY);
    int ok;
    if (config->server) {
        br_ssl_server_zero(&config->model.server);
        set_profile(config, engine);
        br_ssl_engine_add_flags(engine, BR_OPT_ENFORCE_SERVER_PREFERENCES);
        br_ssl_engine_set_buffer(engine, buffer, config->buffer_bytes, !config->half_duplex);
        ok = br_ssl_server_reset(&config->model.server);
    } else {
        br_ssl_client_zero(&config->model.client);
        set_profile(config, engine);
        br_ssl_engine_set_protocol_names(engine, config->protocols, 1);
        br_ssl_engine_set_buffer(engine, buffer, config->buffer_bytes, !config->half_duplex);
        ok = br_ssl_client_reset(&config->model.client, NULL, 0);
    }
    if (ok) {
        drop_output(engine);
        CHECK(br_ssl_engine_current_state(engine) == BR_SSL_RECVREC);
        config->ibuf_at = (size_t)(engine->ibuf - buffer);
        config->obuf_at = (size_t)(engine->obuf - buffer);
    }
    free(buffer);
    if (!ok)
        return message_fail(message, "the TLS library finds no random bytes to start with");
    return true;
}

void config_copy_model(const struct tls_config *config, union context *to, uint8_t *buffer)
{
    const br_ssl_engine_context *model = &config->model.engine;
    *to = config->model;
    to->engine.ibuf = buffer + config->ibuf_at;
    to->engine.obuf = buffer + config->obuf_at;
    to->engine.cpu.dp = to->engine.dp_stack + (model->cpu.dp - model->dp_stack);
    to->engine.cpu.rp = to->engine.rp_stack + (model->cpu.rp - model->rp_stack);
}

static bool build(struct tls_config *config, const struct tls_options *options,
                  struct message message)
{
    config->server = options->server;
    config->insecure = options->insecure;
    config->half_duplex = options->half_duplex;
    config->legacy_renegotiation = options->legacy_renegotiation;
    config->fixed_now_s = options->now_s;
    config->buffer_bytes = options->half_duplex ? BR_SSL_BUFSIZE_MONO : BR_SSL_BUFSIZE_BIDI;
    config->protocols[0] = "http/1.1";
    if (options->server && !options->chain_file)
        return message_fail(message, "a TLS server needs a certificate and its key");
    if (options->key_file && !options->chain_file)
        return message_fail(message, "a private key without its certificate is of no use");
    if (options->chain_file &&
        !identity_load(&config->identity, options->chain_file, options->key_file, message))
        return false;
    if (!options->server && !options->insecure &&
        !trust_load(&config->trust, options->ca_file, message))
        return false;
    return build_model(config, message);
}

struct tls_config *tls_config_new(const struct tls_options *options, char *message,
                                  size_t message_bytes)
{
    struct message m = {.text = message, .room = message_bytes};
    struct tls_config *config = calloc(1, sizeof *config);
    if (message_bytes > 0)
        message[0] = 0;
    if (!config) {
        message_fail(m, TLS_NO_MEMORY);
        return NULL;
    }
    if (!build(config, options, m)) {
        tls_config_free(config);
        return NULL;
    }
    return config;
}

void tls_config_free(struct tls_config *config)
{
    if (!config)
        return;
    identity_free(&config->identity);
    trust_free(&config->trust);
    explicit_bzero(config, sizeof *config);
    free(config);
}

size_t tls_config_anchors(const struct tls_config *config)
{
    return config->trust.anchors_count;
}

const char *tls_config_anchors_source(const struct tls_config *config)
{
    return config->trust.source;
}

/* OpenSSL's functions, looked up when the first connection wants them. Linked, its two libraries
 * would cost every start of the program dozens of system calls and a millisecond, for http as
 * well; and the program could not start where they are missing.
 *
 * Its headers are used for types and numbers alone. Their macros that stand for calls would name
 * functions that nobody linked: what they do is written out over SSL_ctrl and its like. */
#ifndef RINGSEND_TLS_OPENSSL_LOAD_H
#define RINGSEND_TLS_OPENSSL_LOAD_H

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <stdbool.h>

/* clang-format off */
#define OPENSSL_OF_SSL(X)                                                                          \
    X(OPENSSL_init_ssl) X(TLS_client_method)                                                       \
    X(SSL_CTX_new) X(SSL_CTX_free) X(SSL_CTX_ctrl) X(SSL_CTX_set_options)                          \
    X(SSL_CTX_set_cipher_list) X(SSL_CTX_set_ciphersuites) X(SSL_CTX_set_security_level)           \
    X(SSL_CTX_set_cert_verify_callback) X(SSL_CTX_set_verify) X(SSL_CTX_sess_set_new_cb)           \
    X(SSL_CTX_set_cert_cb) X(SSL_CTX_use_certificate_ASN1) X(SSL_CTX_use_PrivateKey)               \
    X(SSL_set_alpn_protos)                                                                         \
    X(SSL_new) X(SSL_free) X(SSL_ctrl) X(SSL_set_bio) X(SSL_set_connect_state)                     \
    X(SSL_do_handshake) X(SSL_is_init_finished) X(SSL_get_error) X(SSL_read) X(SSL_write)          \
    X(SSL_shutdown) X(SSL_set_shutdown) X(SSL_set_session) X(SSL_session_reused)                   \
    X(SSL_set_ex_data) X(SSL_get_ex_data) X(SSL_get_ex_data_X509_STORE_CTX_idx)                    \
    X(SSL_get_version) X(SSL_version) X(SSL_get0_alpn_selected)                                    \
    X(SSL_SESSION_free) X(SSL_SESSION_up_ref) X(SSL_SESSION_get_protocol_version)
#define OPENSSL_OF_CRYPTO(X)                                                                       \
    X(OPENSSL_sk_num) X(OPENSSL_sk_value)                                                          \
    X(BIO_meth_new) X(BIO_meth_free) X(BIO_meth_set_read) X(BIO_meth_set_write)                    \
    X(BIO_meth_set_ctrl) X(BIO_new) X(BIO_free) X(BIO_set_data) X(BIO_get_data)                    \
    X(BIO_set_init) X(BIO_set_flags) X(BIO_clear_flags)                                            \
    X(ERR_clear_error) X(ERR_peek_error) X(OpenSSL_version)                                        \
    X(EVP_PKEY_free) X(EVP_MD_CTX_new) X(EVP_MD_CTX_free) X(EVP_DigestVerifyInit)                  \
    X(EVP_DigestVerify) X(EVP_sha256) X(EVP_sha384) X(EVP_sha512)                                  \
    X(EVP_PKEY_CTX_set_rsa_padding) X(EVP_PKEY_CTX_set_rsa_pss_saltlen)                            \
    X(EVP_PKEY_CTX_set_rsa_mgf1_md)                                                                \
    X(d2i_PUBKEY) X(d2i_AutoPrivateKey) X(i2d_X509) X(d2i_X509) X(X509_free)                       \
    X(X509_STORE_CTX_get_ex_data) X(X509_STORE_CTX_get0_untrusted)                                 \
    X(X509_STORE_CTX_set_error)
/* clang-format on */

struct openssl {
#define X(name) __typeof__(name) *name; /* NOLINT(bugprone-macro-parentheses) */
    OPENSSL_OF_SSL(X)
    OPENSSL_OF_CRYPTO(X)
#undef X
};

/* Filled in by openssl_load (door.h), then only read. */
extern struct openssl openssl;

#endif

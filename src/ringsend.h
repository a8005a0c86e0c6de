/* ringsend: sends HTTP requests over a bounded pool of connections, each with exactly one
 * result.
 *
 * THE CONTRACT
 *
 * Shape. Pull, not push: ringsend_submit hands requests over, ringsend_run does the work,
 * ringsend_reap takes results. No code of yours runs inside the engine, and the engine starts
 * no threads but those for name lookups and one for TLS handshakes, when first needed, with all
 * signals blocked. When ringsend_free returns they have ended, but for those that hang in a
 * lookup, which nobody can end: these end by themselves, and touch nothing of the engine's.
 * From the first lookup on the library, or the plugin that libringsend.a is linked into,
 * therefore stays in memory: dlclose is safe after ringsend_free, and unloads it no more. It
 * installs no signal handler, prints nothing, and never exits.
 *
 * Threads. An engine belongs to the thread that first calls ringsend_run (the kernel ties an
 * io_uring to one thread, IORING_SETUP_SINGLE_ISSUER, Linux 6.0); every call on it is made from
 * there, which builds with slow_checks check. Any thread may call ringsend_post, which hands a
 * request over without a lock, and ringsend_wake, which a signal handler may call as well.
 * Engines share nothing but a ringsend_tls and a ringsend_limits, where you give them some.
 *
 * Ownership. The engine owns itself and its results. A request and all it points to are yours;
 * they are borrowed from a ringsend_submit that returned 0 until the request's result has been
 * reaped, and must not change meanwhile.
 *
 * Lifetime. A result stays valid until the next ringsend_run or ringsend_free on its engine.
 * Builds with slow_checks overwrite it then, so that a late look does not go unseen.
 *
 * Structs. `size` is the sizeof of the struct as your header has it. Fields that an older,
 * shorter one lacks are 0; of a later, longer one, 4 KiB at most, all that this library does
 * not know must be 0, else INVALID. A pointer may be null where its length is 0; null with a
 * length is INVALID.
 *
 * Names. A host is looked up as the system does it, unless `resolve` of the options gives
 * addresses for it. localhost and what ends in .localhost are 127.0.0.1 and ::1, whichever
 * answers (RFC 6761 6.3). Each lookup has a thread, and as a rule a descriptor, as long as it
 * lasts: 8 of them as a rule, more when names hang, 512 at most or an eighth of the descriptors
 * that the process may have. Further names wait, and no clock runs for their requests; equal
 * ones are looked up once.
 *
 * Time. Lengths of time are nanoseconds (..._ns) on CLOCK_MONOTONIC. 0 means the default named
 * at the field, RINGSEND_NEVER means no limit where a limit may be absent.
 *
 * Errors. Functions return 0 or a count, or the negated enum ringsend_error. What fails for one
 * request is told in its result. Input never stops the program.
 *
 * THE PROMISES, numbered as everywhere in this project
 *
 * P1. One final result for each accepted request. It is ok only for a complete, well-framed
 * response to that very request, which was sent to its end. HTTP/1.1 says of no response whose
 * it is. So a peer that nobody knows yet is watched for 2 ms behind an answer, and one that has
 * been seen to answer twice gets nothing on a connection that has not stood since its answer.
 * What such a peer had sent before, later than that and on a connection in use again, nobody can
 * tell: answers_suspect of the stats counts what it may be. Requests with Connection: close are
 * safe from it.
 *
 * P2. Nothing accepted is lost: a limit, a pause or a broken connection makes it wait, and what
 * cannot be sent is told. in_doubt of a request is for who must know after the process has
 * died.
 *
 * P3. A request that may already have been processed is sent again only if its method is
 * idempotent (RFC 9110 9.2.2), or RINGSEND_KEYED or RINGSEND_AT_LEAST_ONCE is set; else its
 * result says `ambiguous`. That nothing was done is shown by what left, or by the head of a
 * 408, 421, 425, 429, 503 or 529.
 *
 * P4. Bounds on connections, rate, memory and time hold exactly; no clock runs while a request
 * waits for a connection, or for its turn by rate, retry budget or pause, but its own deadline.
 * So it is when this machine is out of local ports, descriptors or memory for another
 * connection: the request waits, and that is no try. Nor while its handshake is computed here.
 *
 * P5. Times are true: what had come by a deadline counts as come, however late ringsend_run is
 * called after it.
 *
 * P6. TLS is verified unless `insecure` of the options is set.
 *
 * P7. ringsend_run is the only call that waits, no peer holds up another's exchange, and none
 * of disk, pipe, name server or handshake holds up the loop. Origins share the connections: a
 * free one goes to who holds the fewest, to a factor of two. Who lets clocks run out has half
 * at most beside others that answer. A connect or handshake not answered in 250 ms to 1 s makes
 * way for others: made again later, its clocks stopped, no attempt. How many requests wait is
 * yours to bound.
 *
 * The process. When connections_max is above the soft limit of descriptors, ringsend_new raises
 * that limit up to the hard one (io_uring wants it so, though it uses none of them).
 * Descriptors are close-on-exec; a child of fork must not touch the engine. A broken connection
 * raises no SIGPIPE.
 *
 * Versions. libringsend.so.0 stays compatible: functions are only added (each under the version
 * that brought it, ringsend.map), structs only grow at their end. Whatever had to break that
 * would come as libringsend.so.1.
 *
 * C99 and later, C++11 and later. In C++ say `struct ringsend_stats`: the function of that name
 * hides it.
 *
 * Linux 6.1 or later. */
#ifndef RINGSEND_H
#define RINGSEND_H

/* Set by hand: at most 96 columns, a comment above each field. */
/* clang-format off */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RINGSEND_VERSION "0.1.0" /* of this header */
#define RINGSEND_API __attribute__((visibility("default")))

/* ---- Errors ----
 *
 * The one table. Columns: identifier, name in results, phase in which it happens, may another
 * try help (RETRY or FINAL), can the peer have got anything of the request (SENT_NOTHING or
 * SENT_MAYBE), text for people. Of complete responses, another try may help 500, 502, 504, 520
 * to 524, 530, and 408, 425, 429, 503, 529. The latter, and 421, say that nothing was done: with
 * their heads, so that an error in the body behind is not ambiguous, and the status, too, may
 * ask for another try.
 * Options retry_on and no_retry_on change what may be helped. */
#define RINGSEND_ERRORS(X) \
    /* calls of this library */ \
    X(FULL, "full", CALL, FINAL, SENT_NOTHING, \
      "no room for another request: reap results first") \
    X(INVALID, "invalid", CALL, FINAL, SENT_NOTHING, \
      "an argument is out of its documented range") \
    X(NO_MEMORY, "out_of_memory", ANY, FINAL, SENT_MAYBE, "memory is out") \
    X(RING, "ring_failed", CALL, FINAL, SENT_NOTHING, \
      "the io_uring could not be set up or broke") \
    /* the record or request itself */ \
    X(BAD_RECORD, "bad_record", RECORD, FINAL, SENT_NOTHING, "the record cannot be read") \
    X(RECORD_TOO_LONG, "record_too_long", RECORD, FINAL, SENT_NOTHING, \
      "the record is longer than the limit") \
    X(BAD_URL, "bad_url", RECORD, FINAL, SENT_NOTHING, "the URL cannot be used") \
    X(TLS_CONFIG, "tls_config", RECORD, FINAL, SENT_NOTHING, \
      "the certificates or keys to use cannot be read") \
    X(BAD_METHOD, "bad_method", RECORD, FINAL, SENT_NOTHING, \
      "the method is not a usable token") \
    X(BAD_HEADER, "bad_header", RECORD, FINAL, SENT_NOTHING, "a header cannot be sent") \
    X(DATA_FILE, "data_file", RECORD, FINAL, SENT_NOTHING, "the data file cannot be read") \
    /* name lookup */ \
    X(DNS_NOT_FOUND, "dns_not_found", LOOKUP, FINAL, SENT_NOTHING, \
      "the host name does not exist") \
    X(DNS_FAILED, "dns_failed", LOOKUP, RETRY, SENT_NOTHING, \
      "the host name could not be looked up") \
    X(TIMEOUT_DNS, "timeout_dns", LOOKUP, RETRY, SENT_NOTHING, \
      "the name lookup took longer than the connect timeout") \
    /* connect */ \
    X(CONNECT_REFUSED, "connect_refused", CONNECT, RETRY, SENT_NOTHING, \
      "nothing listens at this address and port") \
    X(CONNECT_UNREACHABLE, "connect_unreachable", CONNECT, RETRY, SENT_NOTHING, \
      "there is no route to the address") \
    X(CONNECT_RESET, "connect_reset", CONNECT, RETRY, SENT_NOTHING, \
      "the peer broke the connection while it was being made") \
    X(CONNECT_NO_PORT, "connect_no_port", CONNECT, RETRY, SENT_NOTHING, \
      "no local port is left for another connection to this address") \
    X(CONNECT_FAILED, "connect_failed", CONNECT, RETRY, SENT_NOTHING, \
      "the connection could not be made") \
    X(TIMEOUT_CONNECT, "timeout_connect", CONNECT, RETRY, SENT_NOTHING, \
      "the connection was not made within the connect timeout") \
    /* TLS handshake; the last four may also come later */ \
    X(TLS_NO_RANDOM, "tls_no_random", HANDSHAKE, RETRY, SENT_NOTHING, \
      "the kernel gave no random bytes") \
    X(TLS_EXPIRED, "tls_expired", HANDSHAKE, FINAL, SENT_NOTHING, \
      "a certificate has expired: the server must renew it, unless the clock here is wrong") \
    X(TLS_NOT_YET_VALID, "tls_not_yet_valid", HANDSHAKE, FINAL, SENT_NOTHING, \
      "a certificate is not valid yet: check the clock here, then the server's certificate") \
    X(TLS_WRONG_HOST, "tls_wrong_host", HANDSHAKE, FINAL, SENT_NOTHING, \
      "the certificate is not for this host: check the URL, or have the host added to it") \
    X(TLS_UNKNOWN_CA, "tls_unknown_ca", HANDSHAKE, FINAL, SENT_NOTHING, \
      "no trusted authority stands behind the certificate: trust its CA, or have the server " \
      "send its whole chain") \
    X(TLS_WEAK_KEY, "tls_weak_key", HANDSHAKE, FINAL, SENT_NOTHING, \
      "a key of the chain is too weak (RSA below 2048 bits): the server needs a new one") \
    X(TLS_WEAK_SIGNATURE, "tls_weak_signature", HANDSHAKE, FINAL, SENT_NOTHING, \
      "a certificate is signed with MD5 or SHA-1: the server needs a new one") \
    X(TLS_BAD_SIGNATURE, "tls_bad_signature", HANDSHAKE, FINAL, SENT_NOTHING, \
      "a signature does not verify: the chain is damaged, or somebody is in between") \
    X(TLS_ALGORITHM, "tls_algorithm", HANDSHAKE, FINAL, SENT_NOTHING, \
      "a certificate uses an algorithm this build lacks: it knows RSA (PKCS#1) and ECDSA " \
      "(P-256, P-384, P-521)") \
    X(TLS_CRITICAL_EXTENSION, "tls_critical_extension", HANDSHAKE, FINAL, SENT_NOTHING, \
      "a certificate has a critical extension that is not understood and so must be refused") \
    X(TLS_NAME_CONSTRAINT, "tls_name_constraint", HANDSHAKE, FINAL, SENT_NOTHING, \
      "an authority of the chain may not vouch for a name in the certificate, or whether it may " \
      "is not known here") \
    X(TLS_USAGE, "tls_usage", HANDSHAKE, FINAL, SENT_NOTHING, \
      "a certificate's declared usage does not allow it here: the server needs one for TLS " \
      "servers (serverAuth, digitalSignature)") \
    X(TLS_BAD_CHAIN, "tls_bad_chain", HANDSHAKE, FINAL, SENT_NOTHING, \
      "a certificate of the chain may not sign others (not a CA, the path is too long), or has " \
      "no policy where one is required") \
    X(TLS_BAD_CERTIFICATE, "tls_bad_certificate", HANDSHAKE, FINAL, SENT_NOTHING, \
      "a certificate is malformed") \
    X(TLS_VERSION, "tls_version", HANDSHAKE, FINAL, SENT_NOTHING, \
      "the peer speaks no version of TLS that is offered: 1.2 by BearSSL, 1.3 by OpenSSL where " \
      "that is there and allowed") \
    X(TLS_REFUSED, "tls_refused", HANDSHAKE, FINAL, SENT_NOTHING, \
      "the peer refused the handshake: nothing in common (TLS 1.2 with ECDHE and AES-GCM or " \
      "ChaCha20, RSA PKCS#1 or ECDSA), or it does not know the host name") \
    X(TLS_RENEGOTIATION, "tls_renegotiation", HANDSHAKE, FINAL, SENT_NOTHING, \
      "the server has no secure renegotiation (RFC 5746), so somebody in between could put " \
      "requests before yours: have it updated, or allow legacy renegotiation") \
    X(TLS_CLIENT_CERTIFICATE, "tls_client_certificate", HANDSHAKE, FINAL, SENT_NOTHING, \
      "the server wants a client certificate that it trusts: give one with its key") \
    X(TLS_LATE_REFUSAL, "tls_late_refusal", HANDSHAKE, FINAL, SENT_MAYBE, \
      "the server refused the client certificate once the request had left, as TLS 1.3 has it: " \
      "give one that it trusts, with its key") \
    X(TLS_ALERT, "tls_alert", HANDSHAKE, RETRY, SENT_MAYBE, \
      "the peer broke the connection off with a TLS alert") \
    X(TLS_PROTOCOL, "tls_protocol", HANDSHAKE, RETRY, SENT_MAYBE, \
      "the peer broke the TLS protocol: check that the port speaks TLS, and what stands " \
      "between") \
    X(TLS_CLOSED, "tls_closed", HANDSHAKE, RETRY, SENT_NOTHING, \
      "the peer closed the connection during the TLS handshake: it may refuse this client, " \
      "speak plain HTTP, or not speak TLS 1.2") \
    X(TIMEOUT_HANDSHAKE, "timeout_handshake", HANDSHAKE, RETRY, SENT_NOTHING, \
      "the TLS handshake took longer than the handshake timeout") \
    /* the way through a proxy: nothing of the request has left */ \
    X(PROXY_REFUSED, "proxy_refused", CONNECT, RETRY, SENT_NOTHING, \
      "no connection to the proxy could be made") \
    X(PROXY_STATUS, "proxy_status", TUNNEL, RETRY, SENT_NOTHING, \
      "the proxy opened no way to the host") \
    X(PROXY_AUTH, "proxy_auth", TUNNEL, FINAL, SENT_NOTHING, \
      "the proxy wants to know who asks (407), or does not know that user: give it user and " \
      "password") \
    X(PROXY_PROTOCOL, "proxy_protocol", TUNNEL, RETRY, SENT_NOTHING, \
      "what the proxy answered is no answer: check that it is one, and its scheme") \
    X(PROXY_CLOSED, "proxy_closed", TUNNEL, RETRY, SENT_NOTHING, \
      "the proxy broke the connection before the way was open") \
    X(SOCKS_REFUSED, "socks_refused", TUNNEL, RETRY, SENT_NOTHING, \
      "the SOCKS proxy opened no way to the host") \
    X(TIMEOUT_PROXY, "timeout_proxy", TUNNEL, RETRY, SENT_NOTHING, \
      "the proxy opened no way within the proxy timeout") \
    /* request out, response in */ \
    X(SEND_FAILED, "send_failed", SEND, RETRY, SENT_NOTHING, \
      "the connection broke before any of the request was sent") \
    X(SEND_BROKEN, "send_broken", SEND, RETRY, SENT_MAYBE, \
      "the connection broke while the request was being sent") \
    X(CLOSED_NO_RESPONSE, "closed_no_response", FIRST_BYTE, RETRY, SENT_MAYBE, \
      "the peer closed the connection without a response") \
    X(RESET_NO_RESPONSE, "reset_no_response", FIRST_BYTE, RETRY, SENT_MAYBE, \
      "the peer reset the connection without a response") \
    X(TIMEOUT_FIRST_BYTE, "timeout_first_byte", FIRST_BYTE, RETRY, SENT_MAYBE, \
      "no byte of a response came within the first-byte timeout") \
    X(TRUNCATED_HEAD, "truncated_head", HEAD, RETRY, SENT_MAYBE, \
      "the connection ended inside the response head") \
    X(BAD_RESPONSE, "bad_response", HEAD, FINAL, SENT_MAYBE, \
      "the response is not valid HTTP/1.1") \
    X(BAD_STATUS, "bad_status", HEAD, FINAL, SENT_MAYBE, \
      "the status is not within 100 to 999") \
    X(BAD_FRAMING, "bad_framing", HEAD, FINAL, SENT_MAYBE, \
      "the response contradicts itself about its length") \
    X(UNSUPPORTED_CODING, "unsupported_coding", HEAD, FINAL, SENT_MAYBE, \
      "the response has a transfer coding that was not asked for") \
    X(UNEXPECTED_UPGRADE, "unexpected_upgrade", HEAD, FINAL, SENT_MAYBE, \
      "the peer switched protocols unasked (101)") \
    X(TOO_MANY_INTERIM, "too_many_interim", HEAD, FINAL, SENT_MAYBE, \
      "too many 1xx responses came before the final one") \
    X(HEAD_TOO_LARGE, "head_too_large", HEAD, FINAL, SENT_MAYBE, \
      "the response head or trailer is larger than the limit") \
    X(BODY_TOO_LARGE, "body_too_large", BODY, FINAL, SENT_MAYBE, \
      "the response body is larger than the limit") \
    X(BAD_BODY, "bad_body", BODY, FINAL, SENT_MAYBE, "the chunks of the body are malformed") \
    X(BAD_ENCODING, "bad_encoding", BODY, FINAL, SENT_MAYBE, \
      "the body is not what its Content-Encoding says") \
    X(TOO_MANY_REDIRECTS, "too_many_redirects", BODY, FINAL, SENT_MAYBE, \
      "there are more redirects one after another than are followed") \
    X(BAD_REDIRECT, "bad_redirect", BODY, FINAL, SENT_MAYBE, \
      "a redirect leads where nothing can be sent") \
    X(TRUNCATED_BODY, "truncated_body", BODY, RETRY, SENT_MAYBE, \
      "the connection ended inside the response body") \
    X(TIMEOUT_ATTEMPT, "timeout_attempt", BODY, RETRY, SENT_MAYBE, \
      "the attempt took longer than its timeout") \
    /* the end by decision */ \
    X(TIMEOUT_RECORD, "timeout_record", STOP, FINAL, SENT_MAYBE, \
      "the record's deadline passed") \
    X(STOPPED, "stopped", STOP, FINAL, SENT_NOTHING, \
      "the run was stopped before this was sent") \
    X(CANCELLED, "cancelled", STOP, FINAL, SENT_MAYBE, \
      "cancelled before the response was complete") \
    /* of a job that goes on after its process died */ \
    X(IN_DOUBT, "in_doubt", STOP, FINAL, SENT_MAYBE, \
      "an earlier run may have sent this before it ended; whether it was processed, nobody " \
      "can tell") \
    /* streamed bodies */ \
    X(BODY_READ, "body_read", SEND, FINAL, SENT_MAYBE, \
      "the request's body could not be read from its descriptor") \
    X(BODY_WRITE, "body_write", BODY, FINAL, SENT_MAYBE, \
      "the response's body could not be written to its descriptor") \
    /* HTTP/2 */ \
    X(REFUSED_STREAM, "refused_stream", SEND, RETRY, SENT_NOTHING, \
      "the server refused the request's stream, and has not processed it") \
    X(STREAM_RESET, "stream_reset", FIRST_BYTE, RETRY, SENT_MAYBE, \
      "the server reset the request's stream before the response was complete") \
    X(HTTP2, "http2_error", FIRST_BYTE, RETRY, SENT_MAYBE, \
      "the peer did what HTTP/2 does not allow, or too much of what brings nothing")

enum ringsend_error {
    RINGSEND_OK = 0,
#define X(id, name, phase, retry, sent, text) RINGSEND_E_##id,
    RINGSEND_ERRORS(X)
#undef X
        RINGSEND_ERROR_COUNT
};

/* The name as it stands in results ("connect_refused"); of an unknown value "unknown". A static
 * string. Any thread. */
RINGSEND_API const char *ringsend_error_name(enum ringsend_error error);
/* A sentence for people, likewise. */
RINGSEND_API const char *ringsend_error_text(enum ringsend_error error);

/* ---- Options ---- */

#define RINGSEND_NEVER UINT64_MAX     /* of a length of time: no limit */
#define RINGSEND_UNLIMITED UINT32_MAX /* retry_budget_percent: no budget */
#define RINGSEND_UNKNOWN UINT64_MAX   /* body_bytes: until its end */
#define RINGSEND_COSTS_MAX 4          /* limits by weight: see struct ringsend_cost */
#define RINGSEND_SEQUENTIAL (-1)      /* body_at: at the descriptor's own position */

/* A set of status codes 100..599; the others up to 999 have no meaning and are in none. All
 * zero stands for the default of the field. */
struct ringsend_status_set {
    /* Bit (status - 100). */
    uint64_t bits[8];
};

/* A set of outcomes: complete responses by their status, and errors. All zero is the empty set.
 */
struct ringsend_outcomes {
    /* Of complete responses. */
    struct ringsend_status_set statuses;
    /* Bit (error % 64) of errors[error / 64]: enum ringsend_error. */
    uint64_t errors[2];
};

struct ringsend_tls;
struct ringsend_limits;

/* Addresses for a host, in place of a lookup. Request, Host header and what TLS verifies stay
 * as the URL says. */
struct ringsend_resolve {
    /* As in URLs, without the brackets of IPv6, any case; "*": any host. */
    const char *host;
    /* Of the URL, 80 or 443 where it has none; 0: any. */
    uint16_t port;
    /* One to 64 IP addresses with commas between them, in the order in which they are tried. */
    const char *addresses;
};

/* Another host to connect to, which is looked up as any. Request, Host header and what TLS verifies
 * stay as the URL says. */
struct ringsend_connect_to {
    /* As in URLs, without the brackets of IPv6, any case; null: any host. */
    const char *host;
    /* Of the URL, 80 or 443 where it has none; 0: any. */
    uint16_t port;
    /* In its place; null: the same. */
    const char *to_host;
    /* 0: the same. */
    uint16_t to_port;
};

/* Where the engine's memory comes from: its tables, taken by ringsend_new, and heads, bodies
 * and other texts of requests and responses as they come, TLS's state of each connection (some
 * 41 KiB), sessions, decoders, predicates. Called on the engine's thread alone. Not asked: for
 * what is shared with other threads (name lookups, a TLS handshake while it lasts, the
 * certificates) and with the kernel (the ring). Some is kept for the next bodies, and given
 * back once no request and no connection is left: see idle_timeout_ns. */
struct ringsend_allocator {
    /* Aligned as malloc's; null: there is none. */
    void *(*allocate)(void *context, size_t bytes);
    /* Bytes as it was asked for. */
    void (*release)(void *context, void *memory, size_t bytes);
    /* Yours: handed to both. */
    void *context;
};

/* How operations reach the kernel. io_uring is what this library is made for; containers and
 * hardened hosts refuse it. Over epoll all promises are kept, with more system calls. */
enum ringsend_io {
    /* io_uring; epoll where that is refused, by any error but a want of memory or descriptors. */
    RINGSEND_IO_AUTO = 0,
    /* Nothing else: ringsend_new fails with RING where it is refused. */
    RINGSEND_IO_URING,
    /* Nothing else. */
    RINGSEND_IO_EPOLL
};

/* Which version of HTTP is spoken. With HTTP/2 a request is a stream of a connection that carries
 * many, and what was refused, or is above a GOAWAY's last one, was for sure not processed (P3). */
enum ringsend_http {
    /* 1.1. */
    RINGSEND_HTTP1 = 0,
    /* With https 2, where the server chooses it (ALPN), and 1.1 elsewhere. */
    RINGSEND_HTTP2,
    /* 2, of which the server is known to speak it, without being asked. */
    RINGSEND_HTTP2_KNOWN
};

/* Which library TLS goes by. BearSSL has TLS 1.2, OpenSSL 1.3 as well. */
enum ringsend_tls_library {
    /* BearSSL, and OpenSSL for each origin whose server needs it: loaded at the first. */
    RINGSEND_TLS_AUTO = 0,
    /* Nothing else. */
    RINGSEND_TLS_BEARSSL,
    /* Nothing else. */
    RINGSEND_TLS_OPENSSL
};

/* Zeroed but for `size` (see above), it holds the defaults. Fields are only ever appended. The
 * engine copies it. Lengths of time, head_max_ and body_max_bytes may be anything but where
 * bounds are named. */
struct ringsend_options {
    /* sizeof(struct ringsend_options): see Structs above. */
    size_t size;

    /* ---- Why ringsend_new failed ---- */

    /* Where ringsend_new writes why it failed, and the cure; null: nowhere. When it succeeds:
     * why the engine works over epoll where io_uring was refused, and what the files of
     * certificates have that was passed over, or a key that others can read; else nothing.
     * Yours. */
    char *message;
    /* The room there; what is written is NUL-terminated within it. */
    size_t message_bytes;

    /* ---- Pool ---- */

    /* Sockets at once, all origins together, half-open and closing ones counted; 1..32768,
     * default 40. */
    uint32_t connections_max;
    /* The same for each origin: scheme, host and port. Default connections_max. */
    uint32_t connections_per_origin;
    /* Requests accepted and not yet reaped; 1..1048576, default 2 x connections_max + 16. */
    uint32_t requests_max;
    /* Requests posted and not yet taken; 1 to 1048576, rounded up to a power of two, at least
     * 2; default requests_max. */
    uint32_t posts_max;
    /* Limits that several engines share, see ringsend_limits_new; it outlives them. null: the
     * engine has its own. */
    struct ringsend_limits *limits;

    /* ---- Time ---- */

    /* Name lookup once it has begun, and each connect; default 10 s. */
    uint64_t connect_timeout_ns;
    /* Connected to TLS established; default 10 s. */
    uint64_t handshake_timeout_ns;
    /* Request sent to first byte of the response; default 30 s. */
    uint64_t first_byte_timeout_ns;
    /* Connection in hand or begun to response's end; default 60 s. */
    uint64_t attempt_timeout_ns;
    /* Submit to result, waiting and all tries included; default never. */
    uint64_t deadline_ns;
    /* Unused connections are closed then; default 4 s. A server's Keep-Alive: timeout= takes
     * its place (less one second). */
    uint64_t idle_timeout_ns;

    /* ---- Tries ---- */

    /* Attempts in all, the first included; 1..100, default 4. */
    uint32_t tries;
    /* Full jitter: before try n + 1 a random time up to min(backoff_max, backoff_min x
     * 2^(n-1)). 250 ms and 30 s; a day at most. */
    uint64_t backoff_min_ns, backoff_max_ns;
    /* Longest wait that a response can ask for; default 60 s. */
    uint64_t retry_after_max_ns;
    /* What another try may help, in place of the error table's RETRY rows and 408, 425, 429,
     * 500, 502, 503, 504, 520 to 524, 529, 530; less what no_retry_on holds. Read by
     * ringsend_new; null: the default, and what a response says by x-should-retry.
     * Of errors those of an attempt alone matter (name lookup to body). What is ok is
     * never tried again, and the promise stands: after any response but 408, 421, 425, 429, 503
     * and 529, or an error after which the request may have been processed, only what may be sent
     * twice is sent again. */
    const struct ringsend_outcomes *retry_on;
    /* What is taken out of that. Read by ringsend_new; null: nothing. */
    const struct ringsend_outcomes *no_retry_on;
    /* The retry budget of the engine: over any window at most so many % of the first tries
     * begun within it, plus so many per second as the next field says (and ten seconds' worth
     * in reserve) are retries. A retry that is over it waits for its turn, while first tries go
     * on. The free try after a dead reused connection does not count. 1 to 1000, default 20;
     * RINGSEND_UNLIMITED: no budget. */
    uint32_t retry_budget_percent;
    /* Retries per second beside those; 1 to 10^6, default 10. */
    uint32_t retry_budget_per_s;

    /* ---- What counts as ok ---- */

    /* What counts as ok and is never retried, unless ok_if or retry_if say otherwise; default
     * 2xx. */
    struct ringsend_status_set ok_status;
    /* A predicate (below) that takes the place of ok_status; null: none. */
    const char *ok_if;
    /* A predicate: a response for which it holds is never ok, and another try is made, whatever
     * the method, as long as there are tries left. By it you say that such an answer means "not
     * processed" (P3 rests on that): so it is not called ambiguous. null: none. */
    const char *retry_if;

    /* ---- Pace ---- */

    /* At most so many attempts begin within rate_per_ns, wherever it begins; 1 to 10^9, default:
     * no limit. First tries and others of all origins count, but none that ends with the name
     * lookup. */
    uint32_t rate_count;
    /* 1 ns to 1 h, default 1 s. */
    uint64_t rate_per_ns;
    /* 1 to 10^6: over any window rate x window + burst instead. Default: none. */
    uint32_t rate_burst;
    /* The rate grows linearly from 0 within so long after the first attempt; at most 1 h,
     * default not. */
    uint64_t rate_ramp_ns;

    /* ---- HTTP ---- */

    /* Of a response, decoded; more is body_too_large. Default 64 MiB. */
    uint64_t body_max_bytes;
    /* Of a response, and of all 1xx before it together; default 64 KiB. */
    uint32_t head_max_bytes;
    /* Of the same; default 256. */
    uint32_t head_max_lines;
    /* Refuse heads with bare LF, and empty lines ahead. */
    bool strict_http;
    /* Send Accept-Encoding, unless the request has one, and decode bodies: gzip, deflate, br,
     * zstd, two upon each other at most. body_max_bytes holds for the decoded body as well,
     * however well it was packed; bad_encoding when it cannot be decoded. A 206, and codings
     * not known, stay as they are. */
    bool decode;
    /* Fill in results' headers. */
    bool store_headers;

    /* ---- TLS (P6) ---- */

    /* PEM: whom to trust; default $SSL_CERT_FILE and $SSL_CERT_DIR, else the system's store.
     * Read by ringsend_new when given, else at the first https request. This file and the next
     * two may be FIFOs: each is read once. */
    const char *ca_file;
    /* PEM: own certificate, then its issuers, for servers that want one. */
    const char *cert_file;
    /* PEM: its key, unencrypted; default: it is in cert_file. */
    const char *key_file;
    /* Do NOT verify servers. */
    bool insecure;
    /* Take servers without secure renegotiation (RFC 5746): those before 2010. */
    bool tls_legacy_renegotiation;
    /* Certificates that several engines share, in place of ca_file, cert_file, key_file,
     * insecure and tls_legacy_renegotiation, which are then not looked at. It outlives the
     * engine. null: the engine has its own. */
    struct ringsend_tls *tls;

    /* ---- Names ---- */

    /* Addresses in place of lookups: the first that fits counts. Read by ringsend_new. */
    const struct ringsend_resolve *resolve;
    /* How many they are, 0 to 256. */
    size_t resolve_count;

    /* ---- Memory ---- */

    /* Where memory comes from; null: malloc. Copied. */
    const struct ringsend_allocator *allocator;
    /* The most that the engine holds at a time (what an allocator would be asked for): what
     * does not fit fails with NO_MEMORY. 0: no cap. Bodies are what grows: see
     * stats.memory_bytes for the rest. */
    size_t memory_max_bytes;
    /* Responses that are kept in memory wait for each other so that all buffers stay about
     * below this: a body that is to grow above it is received no further, and no clock of its
     * request runs, until others have been reaped. One at a time goes on all the same, and 16
     * KiB of a body never wait. Unlike with memory_max_bytes nothing fails; but results must be
     * reaped, or all stands still. 0: they do not wait. */
    size_t memory_target_bytes;

    /* ---- Measuring (P5) ---- */

    /* Fill in results' attempts_list. */
    bool store_attempts;
    /* For measuring: ringsend_run takes each completion as soon as the kernel has it, instead
     * of several at a time, and what begins is stamped with the clock's time, not the turn's.
     * Costs about a tenth more CPU per request at full speed. */
    bool exact_times;
    /* ringsend_run does not sleep but asks the kernel over and over: microseconds less, for a
     * whole CPU. Implies exact_times. */
    bool spin;
    /* So many connections at a time are watched for ringsend_tcp_samples, and at most so many
     * more from one call of it to the next; 0..32768, default 0. Each takes a descriptor of the
     * process. */
    uint32_t watch_max;
    /* Results' times have left_at_ns and arrived_at_ns, on watched connections from their
     * second request on. Costs a system call for each such request. */
    bool timestamps;
    /* For measuring: responses make no origin pause (below). */
    bool no_pauses;
    /* For measuring: a reused connection that turns out to be dead costs a try as any other
     * failure does, unless none of the request has left on it. So with `tries` 1 nothing is
     * ever sent twice, and each loss of a connection is told, and counts in stats.pushed_back.
     */
    bool no_free_try;
    /* The seed of all jitter; 0: from the kernel. */
    uint64_t seed;
    /* By which of the kernel's ways the engine works. */
    enum ringsend_io io;
    /* Which library TLS goes by; with `tls`, what that was made with. */
    enum ringsend_tls_library tls_library;
    /* The oldest version of TLS: 12, the default, or 13, which is OpenSSL's. */
    uint32_t tls_min;
    /* Limits by weight, beside that of attempts: request.cost[i] counts against costs[i]. Read by
     * ringsend_new. */
    const struct ringsend_cost *costs;
    /* How many they are, 0 to RINGSEND_COSTS_MAX. */
    size_t costs_count;

    /* ---- HTTP/2 ---- */

    /* Which version of HTTP is spoken; default RINGSEND_HTTP1. */
    enum ringsend_http http;
    /* Of HTTP/2: so many exchanges share a connection, if the server takes as many; 1 to 1000,
     * default 100. connections_max bounds connections and, as each exchange has a place of its own,
     * what is in flight. A connection's session takes some 64 KiB, and 1 MiB and 64 KiB an exchange
     * at most; each response that is not read 256 KiB more. */
    uint32_t streams_max;

    /* ---- Ways ---- */

    /* A path: all connections go to that unix socket, and no name is looked up; Host, and what TLS
     * verifies, are the URL's. 107 bytes at most. Read by ringsend_new; null: none. When its
     * listener's queue is full, requests wait, and that is no try (P4). */
    const char *unix_socket;
    /* That is a name in the abstract namespace (unix(7)), and no path. */
    bool unix_abstract;
    /* 4 or 6: addresses of that IP version alone are used; 0: of both. */
    uint32_t ip_version;
    /* Connections go out from that IP address, or one of each version with a comma between them;
     * null: as the kernel says. With one, none of the other version are used. */
    const char *local_address;
    /* They go out by that network device alone (SO_BINDTODEVICE); null: by any. */
    const char *local_device;
    /* Whom to connect to in place of URLs' hosts: the first that fits counts. Read by
     * ringsend_new. */
    const struct ringsend_connect_to *connect_to;
    /* How many they are, 0 to 256. */
    size_t connect_to_count;

    /* ---- Redirects ---- */

    /* So many of 301, 302, 303, 307 and 308 with a Location are followed, one after another, 1000
     * at most; 0: none, they are results. After 303, and of a POST after 301 and 302, a GET without
     * the body follows: the request was processed, and is never sent again, whatever becomes of the
     * GET. 307 and 308 say that it was not. A hop is no try; time, tries and limits hold on. To
     * another scheme, host or port Authorization, Cookie, keys in headers and Host do not go. */
    uint32_t redirects_max;

    /* ---- Proxies: all of it is read by ringsend_new ---- */

    /* By whom http: requests go, as curl reads it:
     * [http://|socks5://|socks5h://][USER:PASSWORD@]HOST[:PORT]; null: nobody. They go
     * in absolute form, over connections that all origins share where connections_per_origin is
     * no bound of its own. */
    const char *proxy_http;
    /* The same of https: requests, which go by CONNECT. */
    const char *proxy_https;
    /* USER:PASSWORD for those that have none themselves; null: none. */
    const char *proxy_user;
    /* Hosts that are reached without: "*", or names, which stand for all below them, addresses
     * and networks (10.0.0.0/8), with commas between them; null: none. */
    const char *no_proxy;
    /* Further lines for an http proxy alone. */
    const struct ringsend_header *proxy_headers;
    /* How many they are. */
    size_t proxy_headers_count;
    /* CONNECT for http: requests, too. */
    bool proxy_tunnel;
    /* Whoever listens there lets wait on purpose: no clock runs until the way is open but the
     * record's deadline, and http: requests go by CONNECT. tcp:// as a scheme: https: requests
     * alone, their TLS is with the origin, and they wait for its first word. */
    bool proxy_queues;
    /* How long a proxy may be silent before the way is open; default 60 s. */
    uint64_t proxy_timeout_ns;

    /* ---- Connections that others wait for ---- */

    /* Unused connections are closed then, whatever the server says; 0: idle_timeout_ns. */
    uint64_t keep_max_ns;
    /* A connection carries no more requests than that; 0: any number. */
    uint32_t requests_per_connection;
};

/* ---- Limits by weight ----
 *
 * What attempts of which weight may begin, as platforms count it in tokens. An attempt counts as
 * its request's cost says from its begin on: over any window at most rate x window + burst, and
 * within per_ns at most count + burst. Without a burst begins are smoothed to about a twentieth
 * of the count at once, and no period of per_ns, wherever it begins, holds more than count. What
 * is heavier than the burst begins alone, what is heavier than both counts as much as they are. A
 * request waits for its turn as for the rate; those behind it wait with it.
 *
 * When an answer is complete and `actual` finds in it what the request really cost, it counts
 * that, from its begin on: what it counted too much is given back, what it counted too little is
 * owed. An attempt of which nothing left counts nothing. */

/* One of these limits. */
struct ringsend_cost {
    /* So much may begin within per_ns; 1 to 2^40. */
    uint64_t count;
    /* 1 ns to 1 h, default 1 s. */
    uint64_t per_ns;
    /* Up to 2^40; 0: none. */
    uint64_t burst;
    /* An expression over the body of an answer, such as ".usage.total_tokens", as
     * ringsend-records(5) has those of --cost; null: requests cost what they say. */
    const char *actual;
};

/* ---- Pauses ----
 *
 * A platform that has had enough is left alone. After a 429, 503 or 529 with Retry-After (or
 * retry-after-ms), and after any response that says that nothing remains of a rate limit until
 * its reset, no attempt begins at its origin for so long, retry_after_max_ns at most; what is in
 * flight goes on. The headers are RateLimit, RateLimit-Policy (drafts of the IETF to the 10th),
 * and all whose names say ratelimit or rate-limit, and remaining or reset: of each limit by its
 * name, with a reset in seconds, a duration (6m0s), seconds or milliseconds since 1970 when it
 * is that large, or a date. After a 429 that says nothing else, a reset alone counts as well.
 *
 * The restart is spread over a tenth of the pause, at least backoff_min_ns, with jitter. No
 * clock of a request runs in a pause but its own deadline; one that would end before the pause
 * does is finished with its last outcome. With Retry-After on other statuses only the request
 * itself waits. */

/* ---- Predicates ----
 *
 * What ok_if and retry_if hold: an expression about a complete response, such as
 *
 *   status == 200 && .code == 0
 *   .error.type == "overloaded" || header("x-state") == "busy"
 *   body contains "try again"
 *
 * Values: status (a number), body (its text), header("name") (the first one's value, any case),
 * paths into a body of JSON: .a.b[0]."odd key", where . alone is all of it; numbers, "texts"
 * with JSON's escapes, true, false, null; exists(.path).
 *
 * A path that leads nowhere is null, and so is an absent header. Of repeated keys the last one
 * counts. Numbers compare exactly, however long; texts by their bytes. Values of different
 * kinds are unequal, and neither is less; but a header's value that is a number compares with
 * numbers. Objects and arrays equal nothing.
 *
 * Signs: == != < <= > >=, VALUE contains "text", ! && || ( ). && binds closer than ||. A value
 * by itself holds unless it is null or false.
 *
 * The body is looked at as its server meant it: without its Content-Encoding, whether `decode`
 * is set or not. JSON is read leniently: with a byte order mark, half surrogates (as U+FFFD),
 * bytes that are not UTF-8, NaN and Infinity (as null), 10,000 levels. When all the same it is
 * not JSON as a whole (a page of HTML, lines of JSON), or not to be decoded, its paths are
 * unknown, and so is what hangs on them: true || UNKNOWN is true, false && UNKNOWN is false. A
 * response for which retry_if or ok_if is unknown is not ok and `unjudged`; it is tried again
 * if its status alone says so. To have texts beside JSON, ask for the path second:
 * header("content-type") contains "json" && .code == 17.
 *
 * An empty body has no values: its paths are null for retry_if, and for ok_if when there can be
 * none (HEAD, 204, 205, 304, a streamed body); elsewhere ok_if asks for JSON, and an empty body
 * is none.
 *
 * Limits: 4096 bytes, 128 parts, 32 different paths. */

/* What retry_on stands for by default, as a set to be changed. Any thread. */
RINGSEND_API void ringsend_retry_on_default(struct ringsend_outcomes *outcomes);

/* ---- Requests ---- */

/* Bytes that are borrowed. No NUL needed. */
struct ringsend_bytes {
    /* Where they begin. */
    const char *data;
    /* How many. */
    size_t bytes;
};

/* One line of a head. */
struct ringsend_header {
    /* As it stands there; any case. */
    struct ringsend_bytes name;
    /* What stands behind the colon. */
    struct ringsend_bytes value;
};

/* Of a request, added up. */
enum ringsend_request_flags {
    /* May be sent again even if it may have been processed. */
    RINGSEND_AT_LEAST_ONCE = 1,
    /* Carries an idempotency key, in whichever header: the same, and doing it twice has no
     * effect. Of no effect itself with a header Idempotency-Key that is blank, or more than
     * one. */
    RINGSEND_KEYED = 2,
    /* Send a body, be it empty: adds Content-Length: 0 for any method. */
    RINGSEND_HAS_BODY = 4,
    /* Streamed bodies, see below: at most one of each kind. The body is read from body_fd. */
    RINGSEND_BODY_FD = 8,
    /* The body is handed over by ringsend_body. */
    RINGSEND_BODY_PIECES = 16,
    /* The response's body is written to response_fd. */
    RINGSEND_RESPONSE_FD = 32,
    /* It is taken in pieces through ringsend_reap. */
    RINGSEND_RESPONSE_PIECES = 64,
    /* It is counted (packed_bytes) and not stored. */
    RINGSEND_RESPONSE_DISCARD = 128
};

/* One request, and how it is sent. Zeroed but for `size`, `url` and what it needs. */
struct ringsend_request {
    /* sizeof(struct ringsend_request): see Structs above. */
    size_t size;
    /* Empty: GET, or POST when there is a body. */
    struct ringsend_bytes method;
    /* Absolute, http: or https: */
    struct ringsend_bytes url;
    /* Names are tokens, values hold no control characters but tab: refused otherwise, never
     * repaired. Host takes the place of ours; Content-Length must be the body's; Connection may
     * be close or keep-alive; Transfer-Encoding, Upgrade, TE, Trailer, Expect, Keep-Alive and
     * Proxy-Connection are refused. */
    const struct ringsend_header *headers;
    /* At most 256; with the URL, the whole head is 1 MiB at most. */
    size_t headers_count;
    /* At most 1 GiB; longer ones are streamed. */
    struct ringsend_bytes body;
    /* enum ringsend_request_flags. */
    uint32_t flags;
    /* 0: as in the options. */
    uint32_t tries;
    /* 0: as in the options. */
    uint64_t attempt_timeout_ns;
    /* 0: as in the options. */
    uint64_t deadline_ns;
    /* Yours. */
    void *user;
    /* Written by ringsend_submit; for ringsend_cancel, _body and _hold. */
    uint64_t handle;
    /* Null, or where to mark that the request may have been processed, for a caller who must
     * know that even when the process dies: *in_doubt |= in_doubt_mask right before the first
     * byte of an attempt can leave. The bits are cleared again when the attempt's outcome shows
     * that neither it nor one before was processed: nothing of it left, or the answer was 408,
     * 421, 425, 429, 503, 529 (not ok), or one that retry_if holds for. Atomic: requests, of other
     * engines too, may share the byte. Bits that are set at the submit stay. Borrowed as all of
     * the request. */
    unsigned char *in_doubt;
    /* Which bits of that byte. */
    unsigned char in_doubt_mask;
    /* With RINGSEND_BODY_FD: a file, pipe, socket or terminal, O_NONBLOCK or not. Yours to
     * close, after the result. */
    int body_fd;
    /* The position in a file or block device to read from, again for another try: what lies
     * there must not change meanwhile. RINGSEND_SEQUENTIAL: the descriptor's own. Whatever has
     * no positions (pipes, sockets, terminals, other devices) is read so anyway. Such a body
     * can be read once only. */
    int64_t body_at;
    /* With RINGSEND_BODY_FD and _PIECES: how many, told by Content-Length. RINGSEND_UNKNOWN:
     * until the descriptor's end or the last piece, sent with Transfer-Encoding: chunked. */
    uint64_t body_bytes;
    /* With RINGSEND_RESPONSE_FD: written at its own position; a file, pipe, socket or terminal.
     * Yours to close, after the result. As with write(2), one without a reader raises SIGPIPE,
     * unless that is ignored. A write that a regular file takes only a part of (a full disk) is
     * the end, unless it is in O_APPEND mode. */
    int response_fd;
    /* What it weighs for each of options.costs; up to 2^40. */
    uint64_t cost[RINGSEND_COSTS_MAX];
};

/* ---- Early responses ----
 *
 * A response may be complete while the request is still going out. With a status of 300 or
 * above it is the result: nothing more is sent, and the connection is closed. With one below
 * 300 the rest is sent (RFC 9110 7.5, and as curl does), and then it is the result; when the
 * connection breaks before (send_broken) or attempt_timeout_ns is over (timeout_attempt), that
 * is the outcome, with the response's status. */

/* ---- Streamed bodies ----
 *
 * Out. A request's body may be read from a descriptor, or be handed over in pieces by
 * ringsend_body. At most 128 KiB of it are in hand at a time.
 *
 * In. With one of the RINGSEND_RESPONSE_ flags the body of a response with a status of
 * ok_status is written to a descriptor, taken in pieces, or only counted. It may be of any
 * length: body_max_bytes does not hold for it. It is not decoded (`encoding` says what it has,
 * and `decode` asks for no coding), and predicates see an empty body. Responses with any other
 * status are stored as ever, and are in the final result. At most 256 KiB are gathered ahead of
 * the piece that is out; then nothing more is received, and TCP holds the peer back (what has
 * come by then is on top). A response that breaks off behind its first piece is passed on as
 * far as it came.
 *
 * Once only. When a piece of the response was ready or a write of it begun, or when a part of a
 * body that can be read once only is gone (of a descriptor without positions or
 * RINGSEND_SEQUENTIAL any byte, of pieces the first that was followed by RINGSEND_WANTS), no
 * other try is made: the outcome is final, and `ambiguous` as ever. While none was, as with
 * ringsend_hold from the beginning, a response that breaks off may be fetched again as any
 * other. A body that can be read once only goes out on a new connection, as a dead idle one
 * could not be made good.
 *
 * Time. The clock of the attempt counts what the host and the descriptors take as well: long
 * streams want attempt_timeout_ns RINGSEND_NEVER. While a complete response only waits to be
 * taken or written, no clock but the request's own deadline runs. A descriptor that blocks
 * holds up its own request alone.
 *
 * A response may come, and decides, while the body is still going out; the rest of that is then
 * not asked for. */

/* ---- Results ---- */

/* Where a request's time went, over all its attempts; 0 for what did not happen. */
struct ringsend_times {
    /* Waiting for a connection and between tries. */
    uint64_t queue_ns;
    /* The name lookup. This and what follows is of the last attempt. */
    uint64_t dns_ns;
    /* The connect. */
    uint64_t connect_ns;
    /* The TLS handshake. */
    uint64_t tls_ns;
    /* From the request's first byte handed to the kernel to the response's. */
    uint64_t first_byte_ns;
    /* Submit to result. */
    uint64_t total_ns;
    /* Points in time on CLOCK_MONOTONIC, all of the last attempt. An end is stamped when
     * ringsend_run takes it from the kernel: late by what the turn of the loop before it had
     * left to do (handing over the sends of one turn costs some microseconds each), and without
     * exact_times by up to 200 us more. The connection was in hand, or its making began, be it
     * to an address that failed before another one was tried; the lookup was before that. */
    uint64_t begun_at_ns;
    /* The request's first byte was handed to the kernel. */
    uint64_t sent_at_ns;
    /* Of the response. */
    uint64_t first_byte_at_ns;
    /* The response was complete, or the attempt given up. */
    uint64_t done_at_ns;
    /* With options.timestamps, stamped by the kernel: the request's last byte left for the
     * network device; the first part of the response came in from it. 0: unknown. */
    uint64_t left_at_ns, arrived_at_ns;
};

/* Why the next attempt did not begin at once: what held it back last. */
enum ringsend_wait {
    /* There was no next one, nor a wait for it. */
    RINGSEND_WAIT_NONE,
    /* It began as soon as it could: the connection had been dead. */
    RINGSEND_WAIT_FREE,
    /* The random time between tries. */
    RINGSEND_WAIT_BACKOFF,
    /* The response had asked for a time. */
    RINGSEND_WAIT_RETRY_AFTER,
    /* The rate: rate_count of the options. */
    RINGSEND_WAIT_RATE,
    /* The retry budget: retry_budget_percent. */
    RINGSEND_WAIT_BUDGET,
    /* The origin was paused for another response. */
    RINGSEND_WAIT_PAUSE,
    /* It began as soon as it could: it goes where the response leads. */
    RINGSEND_WAIT_REDIRECT,
    /* A limit by weight: one of options.costs. */
    RINGSEND_WAIT_COST,
    /* How many there are. */
    RINGSEND_WAIT_COUNT
};
/* "none", "free", "backoff", "retry_after", "rate", "budget", "pause", "redirect",
 * "cost". Static strings; of an unknown value "unknown". Any thread. */
RINGSEND_API const char *ringsend_wait_name(enum ringsend_wait wait);

/* One attempt. Times are of this attempt, 0 for what did not happen. */
struct ringsend_attempt {
    /* Submit to begin: a connection in hand, or begun. */
    uint64_t began_ns;
    /* A lookup, which comes before the begin. */
    uint64_t dns_ns;
    /* As in struct ringsend_times. */
    uint64_t connect_ns, tls_ns, first_byte_ns;
    /* Begin to outcome. */
    uint64_t total_ns;
    /* Outcome to the next one's begin, or to the result. */
    uint64_t wait_ns;
    /* What that was for. */
    enum ringsend_wait wait;
    /* Its outcome. */
    enum ringsend_error error;
    /* As in struct ringsend_result. */
    int status;
    /* On a connection that had carried an exchange before. */
    bool reused;
    /* For so long its response made the origin pause. */
    uint64_t pause_ns;
};

/* Each request has exactly one final result, its last. Only those that asked for them get
 * others before. */
enum ringsend_result_kind {
    /* The last one: the request is yours again. */
    RINGSEND_FINAL,
    /* `body` is the next piece of the response (RINGSEND_RESPONSE_PIECES), never empty.
     * request, status, encoding and headers are set, nothing else. The next one comes when this
     * one's life is over. */
    RINGSEND_PIECE,
    /* ringsend_body may be called (RINGSEND_BODY_PIECES); request is set, nothing else. */
    RINGSEND_WANTS
};

/* What became of a request. */
struct ringsend_result {
    /* Which: as it was submitted or posted. */
    struct ringsend_request *request;
    /* RINGSEND_OK exactly when a complete, well-framed response came and, with `decode`, could
     * be decoded. */
    enum ringsend_error error;
    /* Of the last attempt's response, once its head was complete; else 0. */
    int status;
    /* `error` is RINGSEND_OK, the request was sent to its end, and ok_status, ok_if and
     * retry_if agree. */
    bool ok;
    /* May have been processed, and nobody can tell. Never with ok, nor for idempotent methods
     * and keyed requests. */
    bool ambiguous;
    /* Tries made; 0: it never came to one. Maybe one more than asked for: when a reused
     * connection turns out to be dead before any byte of a response (or with a 408 that closes
     * it), the next does not count (no_free_try of the options: only when nothing has left on
     * it). */
    uint32_t attempts;
    /* A sentence more about the error, or null. */
    const char *detail;
    /* Of the last attempt's response if it was complete, whatever its status. */
    struct ringsend_bytes body;
    /* With store_headers. */
    const struct ringsend_header *headers;
    /* 0 also when memory was out for them. */
    size_t headers_count;
    /* Where its time went. */
    struct ringsend_times times;
    /* With store_attempts, the first one first: */
    const struct ringsend_attempt *attempts_list;
    /* `attempts` of them, or fewer when memory was out. */
    size_t attempts_list_count;
    /* ringsend_stop or ringsend_cancel kept it from a try that it would have had, or from the
     * response it waited for. */
    bool cut_short;
    /* What the last response asked for, be it longer than retry_after_max_ns: with Retry-After,
     * or with a rate limit that is used up until its reset. 0: nothing. */
    uint64_t retry_after_ns;
    /* The Content-Encoding that the body still has, at most 64 bytes of it; empty: none. */
    struct ringsend_bytes encoding;
    /* Of the complete response's head. */
    size_t head_bytes;
    /* Its body as it came: before `decode`. Of a streamed one also when it did not become
     * complete. */
    size_t packed_bytes;
    /* Whether it is the final one. */
    enum ringsend_result_kind kind;
    /* What ok_if or retry_if asked for in the body could not be read: see Predicates. Never
     * with ok; `detail` tells why. */
    bool unjudged;
    /* With a status of 300 to 399: the Location, as it came. */
    struct ringsend_bytes location;
    /* So many were followed: */
    uint32_t redirects;
    /* to these URLs, one to a line; the last attempt was at the last one. */
    struct ringsend_bytes redirect_urls;
    /* An answer that led to a GET says that the request itself was processed. With cut_short, too:
     * it is not to be sent again. */
    bool processed;
};

/* ---- The engine ---- */

struct ringsend;

/* What an engine has done since ringsend_new, and how it stands now. */
struct ringsend_stats {
    /* Set it to sizeof(struct ringsend_stats); then: so many are filled. */
    size_t size;
    /* Requests accepted, and those of them that have their final result. */
    uint64_t submitted, finished;
    /* Begun so far, of all requests. */
    uint64_t attempts;
    /* Connects that succeeded. */
    uint64_t connections_opened;
    /* Exchanges on a connection that had carried one before. */
    uint64_t connections_reused;
    /* Now: half-open, in use, idle and closing. */
    uint32_t connections_open;
    /* With options.limits: of all their engines. */
    uint32_t connections_peak;
    /* Requests without a connection. */
    uint32_t waiting;
    /* TLS handshakes that succeeded: with certificates, and without, by a session. */
    uint64_t handshakes_full, handshakes_resumed;
    /* On all connections, as the kernel took and gave them: TLS included. */
    uint64_t bytes_sent, bytes_received;
    /* System calls to move bytes and to wait: io_uring_enter; over epoll several for each
     * request. */
    uint64_t enters;
    /* When ringsend_run is to be called though ringsend_fd is not readable, on CLOCK_MONOTONIC;
     * UINT64_MAX: not at all. In the past when there is work to hand to the kernel, or a reaped
     * piece to give back. */
    uint64_t next_deadline_ns;
    /* Of those waiting: held back by rate, retry budget or pause. */
    uint32_t held;
    /* Now: no attempt begins there. */
    uint32_t origins_paused;
    /* When the last of these pauses ends, on CLOCK_MONOTONIC; 0: none. */
    uint64_t pause_ends_ns;
    /* For whoever steers ringsend_limit, of attempts with a request sent or a connect tried:
     * complete responses but 429, 503 and 529, with the sum of their times from the first byte
     * handed to the kernel to the last one received. */
    uint64_t completed, service_ns;
    /* For the same, of the same: what says that there is too much: 429, 503, 529, a connect that
     * was refused or reset, a connection that was reset or closed without response, timeouts. */
    uint64_t pushed_back;
    /* Now: requests on a connection that is ready. */
    uint32_t exchanges;
    /* As ringsend_limit says. */
    uint32_t connections_limit;
    /* Now: held by the engine, see struct ringsend_allocator. */
    uint64_t memory_bytes;
    /* That responses have asked for, those made longer counted again. */
    uint64_t pauses;
    /* Retries that began later because of the budget. */
    uint64_t retries_held;
    /* For want of local ports, descriptors or memory; made again. */
    uint64_t connects_put_off;
    /* Connections that were to be kept, and right behind an answer ended or brought what nobody
     * asked for. */
    uint64_t closed_silently, spoke_unasked;
    /* Answers that may have been another request's: see P1. */
    uint64_t answers_suspect;
    /* The way in use: RINGSEND_IO_URING or RINGSEND_IO_EPOLL. */
    enum ringsend_io io;
    /* Of options.costs: what all attempts weighed as their requests said, and as far as answers
     * told it what they really weighed. */
    uint64_t cost_guessed[RINGSEND_COSTS_MAX], cost_known[RINGSEND_COSTS_MAX];
    /* For so long some request was held back by: a pause, the retry budget, the rate; one of
     * options.costs; and for want of a connection, with all there may be in use. */
    uint64_t held_pause_ns, held_budget_ns, held_rate_ns, held_cost_ns[RINGSEND_COSTS_MAX];
    /* The last of these. */
    uint64_t held_connections_ns;
    /* Of pushed_back: 429, 503 and 529. */
    uint64_t refused;
};

/* Makes an engine; options null: all defaults. On failure *engine is untouched. Errors:
 * INVALID, NO_MEMORY, RING (the kernel grants none: options->message tells cause and
 * cure). */
RINGSEND_API int ringsend_new(struct ringsend **engine, const struct ringsend_options *options);
/* Cancels what is in flight, waits for the kernel to let go of it, and frees all. Results that
 * were not reaped are lost. Null is allowed. */
RINGSEND_API void ringsend_free(struct ringsend *engine);

/* Certificates and keys for several engines, on any threads: for options.tls. Of the options it
 * takes ca_file, cert_file, key_file, insecure, tls_... and connections_max,
 * which should be that of the engines: above 1000 a connection gets 21 KB of buffers instead of
 * 41. Files that are named are read here, once; the system's authorities by the first engine
 * that has an https request, once. Sessions are each engine's own. Errors: INVALID, NO_MEMORY,
 * TLS_CONFIG (options->message tells cause and cure, without an error what ringsend_new writes
 * of the files); *tls is then untouched. Any thread. */
RINGSEND_API int ringsend_tls_new(struct ringsend_tls **tls,
                                  const struct ringsend_options *options);
/* Wipes the key. All engines that were made with it are freed before. Null is allowed. Any
 * thread. */
RINGSEND_API void ringsend_tls_free(struct ringsend_tls *tls);
/* Of the https origin of that number, in the order of their first connections by these
 * certificates: "host:443: TLS 1.3 by OpenSSL", and why, if it was BearSSL's turn first. Cut off to
 * text_bytes, with a NUL. Returns its length; 0: there are fewer. */
RINGSEND_API size_t ringsend_tls_origin(const struct ringsend *engine, size_t number, char *text,
                                        size_t text_bytes);
/* Likewise of the https origin of that number among those that went over from BearSSL to OpenSSL,
 * in the order in which they did: which, and why. */
RINGSEND_API size_t ringsend_tls_move(const struct ringsend *engine, size_t number, char *text,
                                      size_t text_bytes);
/* Writes which libraries for TLS there are: "BearSSL, OpenSSL 3.0.19 27 Jan 2026", or why there is
 * but one. Cut off to text_bytes, with a NUL. Returns its length. Loads OpenSSL. Any thread. */
RINGSEND_API size_t ringsend_tls_libraries(char *text, size_t text_bytes);

/* Limits that hold exactly over all engines which are given them (options.limits): of the
 * options it takes rate_..., costs, retry_budget_..., connections_max and
 * connections_per_origin (an engine's own hold as well). A pause asked of one holds for all. A
 * free place is for the engine that holds the fewest, idle connections make way: run all of
 * them when due. Errors: INVALID (options->message tells why), NO_MEMORY; *limits is then
 * untouched. Any thread. */
RINGSEND_API int ringsend_limits_new(struct ringsend_limits **limits,
                                     const struct ringsend_options *options);
/* All engines that were made with it are freed before. Null is allowed. Any thread. */
RINGSEND_API void ringsend_limits_free(struct ringsend_limits *limits);

/* Accepts a request: 0, and exactly one result will follow. Or an error, and none will: FULL
 * (reap first), INVALID, BAD_URL, TLS_CONFIG, BAD_METHOD, BAD_HEADER, STOPPED, NO_MEMORY. For
 * those about the request ringsend_submit_detail tells more. Sends nothing yet: ringsend_run
 * does. */
RINGSEND_API int ringsend_submit(struct ringsend *engine, struct ringsend_request *request);
/* True when the request may be sent again although it may have been processed: its method is
 * idempotent, or RINGSEND_AT_LEAST_ONCE or (with the key) RINGSEND_KEYED is set. Any thread. */
RINGSEND_API bool ringsend_may_repeat(const struct ringsend_request *request);
/* The same from any thread, as often as fits into posts_max. 0: the engine's thread takes it at
 * its next ringsend_run when there is room for it, and exactly one result follows there, also
 * when it cannot be sent after all (STOPPED, TLS_CONFIG, NO_MEMORY, BAD_HEADER when `decode`
 * makes its head too long). Or an error, and none will: FULL (posts_max are waiting to be
 * taken), INVALID, BAD_URL, BAD_METHOD, BAD_HEADER. Its clocks begin, and its handle is
 * written, when it is taken. Whoever posts must be done before ringsend_free. */
RINGSEND_API int ringsend_post(struct ringsend *engine, struct ringsend_request *request);
/* The same, but where it would say FULL it sleeps until there is room, at most wait_ns
 * (RINGSEND_NEVER: as long as it takes): then FULL. Any thread but the engine's own, which is
 * the one that makes room. */
RINGSEND_API int ringsend_post_wait(struct ringsend *engine, struct ringsend_request *request,
                                    uint64_t wait_ns);
/* A few words on why the last ringsend_submit refused, or null. Static. */
RINGSEND_API const char *ringsend_submit_detail(const struct ringsend *engine);
/* Looks at a request as ringsend_submit would, without an engine and without sending it: 0 or a
 * negated error; *detail gets a few static words on why, or null. `detail` may be null. Any
 * thread. */
RINGSEND_API int ringsend_check(const struct ringsend_request *request, const char **detail);
/* Looks at the text of a predicate as ringsend_new would: 0, or INVALID with what is wrong and
 * in which column, NUL-terminated within message_bytes, or NO_MEMORY. From any thread. */
RINGSEND_API int ringsend_check_predicate(const char *text, char *message,
                                          size_t message_bytes);

/* Works, waiting at most wait_ns (0: not at all, RINGSEND_NEVER: as long as it takes) until a
 * result is ready or ringsend_wake came; it may also return early with none. The only call that
 * waits. Ends the life of all results reaped before. Returns the number of results ready, or
 * -RINGSEND_E_RING.
 *
 * Work alone keeps it for some milliseconds at most, however much flows: then it returns, and
 * stats.next_deadline_ns says that there is more to do at once. Longer, about 1 ms a MB, takes
 * only what is done in one piece: a predicate's look at a large body of JSON, and hundreds of
 * bodies of MBs that begin to leave at the same moment. */
RINGSEND_API int ringsend_run(struct ringsend *engine, uint64_t wait_ns);
/* Takes up to `max` results, in the order in which they were finished; those that are not final
 * come first. Returns how many. */
RINGSEND_API size_t ringsend_reap(struct ringsend *engine,
                                  const struct ringsend_result **results,
                                  size_t max);

/* The next piece of the body of a RINGSEND_BODY_PIECES request: one at a time, the first one
 * right after ringsend_submit, or as RINGSEND_WANTS asks for it, each other one when
 * RINGSEND_WANTS has come. Borrowed until the next RINGSEND_WANTS of the request or its final
 * result. The body ends with the `last` one, which may be empty, or with the last of
 * body_bytes. 0, also when the request has its result already; FULL: the piece before has not
 * left yet; INVALID: no such request ever, not in pieces, after the last one, or more or fewer
 * bytes than body_bytes. Sends nothing yet: ringsend_run does. */
RINGSEND_API int ringsend_body(struct ringsend *engine, uint64_t handle,
                               struct ringsend_bytes piece, bool last);

/* While `hold`, no piece of the response to a RINGSEND_RESPONSE_PIECES request comes, one that
 * is ready neither: for a host that cannot take more of it now. 0, also when the request has
 * its result already; INVALID: no such request ever, or not in pieces. */
RINGSEND_API int ringsend_hold(struct ringsend *engine, uint64_t handle, bool hold);

/* Ends a request early; its result says cancelled, and ambiguous if some of it may have been
 * processed. Harmless when the request has its result already. 0 or INVALID for a handle that
 * never was. */
RINGSEND_API int ringsend_cancel(struct ringsend *engine, uint64_t handle);
/* The same for all requests that have no result yet, but those that were posted and not taken.
 */
RINGSEND_API void ringsend_cancel_all(struct ringsend *engine);
/* Takes no more requests and starts no more tries. Requests that wait for a first try end as
 * STOPPED, those between tries with their last error; what is in flight goes on. */
RINGSEND_API void ringsend_stop(struct ringsend *engine);
/* True when every accepted request has been reaped. */
RINGSEND_API bool ringsend_idle(const struct ringsend *engine);
/* A descriptor that polls readable when ringsend_run has work, or -INVALID when none can be
 * had; see also stats.next_deadline_ns. It stays the engine's: do not read or close it. */
RINGSEND_API int ringsend_fd(const struct ringsend *engine);
/* Makes ringsend_run return, now or at its next call. */
RINGSEND_API void ringsend_wake(struct ringsend *engine);

/* From now on at most so many connections, 1 to connections_max (which it is at the beginning):
 * idle ones above it are closed, busy ones when they have finished. With options.limits: of all
 * their engines. 0 or INVALID. */
RINGSEND_API int ringsend_limit(struct ringsend *engine, uint32_t connections);

/* From now on at most so many attempts begin within per_ns as well, evenly: what a platform seems
 * to allow. count 0: no more. With options.limits: of all their engines. At most 10^9 in 1 ns to
 * 1 h. 0 or INVALID. */
RINGSEND_API int ringsend_limit_rate(struct ringsend *engine, uint32_t count, uint64_t per_ns);

#if defined(__cplusplus) && defined(__GNUC__) /* that it hides the struct */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
/* Fills in what stats->size has room for. */
RINGSEND_API void ringsend_stats(struct ringsend *engine, struct ringsend_stats *stats);
#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
/* What the kernel's TCP knew of one watched connection when asked. */
struct ringsend_tcp_sample {
    /* Which: numbered from 1 on as they begin to be watched. */
    uint64_t connection;
    /* Smoothed round-trip time. */
    uint64_t rtt_ns;
    /* Segments sent again in its life so far. */
    uint64_t retransmits;
    /* The last sample of it, taken before it was closed. */
    bool ended;
};
/* Takes samples: first of the connections that have ended since the last call, then of all that
 * are open and watched; 3 x watch_max places hold all of them, and what does not fit is lost.
 * Returns how many, or -INVALID where the kernel cannot do it (before Linux 6.8). */
RINGSEND_API int ringsend_tcp_samples(struct ringsend *engine,
                                      struct ringsend_tcp_sample *samples,
                                      size_t max);
/* Writes by which of the kernel's ways the engine works, and the names of the optional features
 * that this kernel has and the engine uses, with spaces between them: "io_uring defer_taskrun
 * ring_fd min_wait direct_sockopt install", or "epoll direct_sockopt install". Without
 * exact_times, where min_wait is not used it says why: "min_wait:lacking" (before Linux 6.12),
 * "min_wait:late" (a wait would sleep over what comes late, as some kernels' up to 6.18 do) or
 * "min_wait:unproven". As snprintf: cut off and NUL-terminated within text_bytes, of which 0 write
 * nothing, and returns the length of all of it. */
RINGSEND_API size_t ringsend_features(const struct ringsend *engine, char *text,
                                      size_t text_bytes);
/* Of the library that runs; RINGSEND_VERSION is that of the header. A static string. Any
 * thread. */
RINGSEND_API const char *ringsend_version(void);

#ifdef __cplusplus
}
#endif

#endif

/* Several engines on as many threads share one ringsend_tls, against a TLS server in this process:
 * what is named is read once, when it is named; the default trust once, when it is first needed;
 * and nothing is read again. Under ThreadSanitizer this is the test of the sharing. */
#include "pair.h"

#include "ringsend.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <unistd.h>

#ifdef __SANITIZE_THREAD__
/* liburing maps and unmaps the rings by system calls of its own, which the sanitizer does not see:
 * a ring at the address of another thread's former one looks like a race to it. */
__attribute__((visibility("default"))) const char *
__tsan_default_suppressions(void);            /* NOLINT(bugprone-reserved-identifier) */
const char *__tsan_default_suppressions(void) /* NOLINT(bugprone-reserved-identifier) */
{
    return "race:uring/io_uring\nrace:liburing.h\n";
}
#endif

enum { THREADS = 4, REQUESTS = 6 };

struct server {
    int listen_fd;
    char url[64];
    struct tls_config *config;
    pthread_t threads[THREADS];
};

/* One connection: an answer to whatever is asked, and the end. */
static void answer(struct tls *t, int fd)
{
    static const char text[] =
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    char wire[1 << 14];
    bool answered = false;
    while (!(tls_state(t) & TLS_CLOSED)) {
        size_t bytes = tls_take(t, wire, sizeof wire), plain_bytes;
        if (bytes > 0 && send(fd, wire, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
            return;
        if (answered && bytes == 0)
            return;
        if (tls_peek(t, &plain_bytes)) {
            tls_consume(t, plain_bytes);
            tls_write(t, text, sizeof text - 1);
            tls_close(t);
            answered = true;
        } else if (bytes == 0) {
            ssize_t n = read(fd, wire, sizeof wire);
            if (n <= 0)
                return;
            for (size_t at = 0, used = 1; at < (size_t)n && used > 0; at += used)
                used = tls_feed(t, wire + at, (size_t)n - at);
        }
    }
}

/* Until the listener is shut. */
static void *serve(void *argument)
{
    struct server *s = argument;
    struct tls_local *local = tls_local_new(s->config, 16, NULL);
    int fd;
    while ((fd = accept(s->listen_fd, NULL, NULL)) >= 0) {
        struct tls *t = tls_server_new(local);
        answer(t, fd);
        tls_free(t);
        close(fd);
    }
    tls_local_free(local);
    return NULL;
}

static int server_start(void **state)
{
    static struct server s;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;
    s.config = new_server_config("good", "leaf", false);
    s.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(s.listen_fd, (struct sockaddr *)&address, bytes) != 0 ||
        listen(s.listen_fd, 64) != 0 ||
        getsockname(s.listen_fd, (struct sockaddr *)&address, &bytes) != 0)
        return -1;
    snprintf(s.url, sizeof s.url, "https://127.0.0.1:%d/", ntohs(address.sin_port));
    *state = &s;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&s.threads[i], NULL, serve, &s) != 0)
            return -1;
    return 0;
}

static int server_stop(void **state)
{
    struct server *s = *state;
    shutdown(s->listen_fd, SHUT_RDWR);
    for (int i = 0; i < THREADS; i++)
        pthread_join(s->threads[i], NULL);
    close(s->listen_fd);
    tls_config_free(s->config);
    return 0;
}

struct client {
    const struct server *server;
    struct ringsend_tls *tls;
    pthread_t thread;
    enum ringsend_error error; /* of the first request that failed */
    unsigned ok;
};

/* An engine's whole life. */
static void *run_client(void *argument)
{
    struct client *c = argument;
    struct ringsend *engine;
    struct ringsend_options options = {
        .size = sizeof options, .connections_max = 2, .tries = 1, .tls = c->tls};
    struct ringsend_request requests[REQUESTS];
    const struct ringsend_result *result;
    if (ringsend_new(&engine, &options) != 0)
        return NULL;
    for (int i = 0; i < REQUESTS; i++) {
        requests[i] = (struct ringsend_request){.size = sizeof requests[i],
                                                .url = {c->server->url, strlen(c->server->url)}};
        int refused = ringsend_submit(engine, &requests[i]);
        if (refused)
            c->error = (enum ringsend_error) - refused;
    }
    while (!ringsend_idle(engine) && ringsend_run(engine, RINGSEND_NEVER) >= 0) {
        while (ringsend_reap(engine, &result, 1) == 1) {
            c->ok += result->ok;
            if (!c->error)
                c->error = result->error;
        }
    }
    ringsend_free(engine);
    return NULL;
}

/* On so many threads at once, all of which must come to the same end. */
static void run_clients(const struct server *s, struct ringsend_tls *tls, enum ringsend_error error)
{
    struct client clients[THREADS];
    for (int i = 0; i < THREADS; i++) {
        clients[i] = (struct client){.server = s, .tls = tls};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(clients[i].thread, NULL);
        if (clients[i].error != error)
            fail_msg("%s instead of %s", ringsend_error_name(clients[i].error),
                     ringsend_error_name(error));
        assert_int_equal(clients[i].ok, error ? 0 : REQUESTS);
    }
}

/* A copy of the authority's certificate, which a test may take away. */
static void copy_root(char path[static 64])
{
    struct file_name root = certs_file("root", ".pem");
    char text[1 << 14];
    snprintf(path, 64, "/tmp/ringsend-root-XXXXXX");
    int fd = mkstemp(path);
    FILE *file = fopen(root.text, "r");
    assert_non_null(file);
    size_t bytes = fread(text, 1, sizeof text, file);
    fclose(file);
    assert_true(bytes > 0 && bytes < sizeof text);
    assert_int_equal(write(fd, text, bytes), bytes);
    close(fd);
}

static void test_named_files(void **state)
{
    char path[64];
    struct ringsend_tls *tls = NULL;
    copy_root(path);
    struct ringsend_options options = {.size = sizeof options, .ca_file = path};
    assert_int_equal(ringsend_tls_new(&tls, &options), 0);
    unlink(path);
    run_clients(*state, tls, RINGSEND_OK);
    ringsend_tls_free(tls);
}

static void test_default_trust(void **state)
{
    char path[64];
    struct ringsend_tls *tls = NULL;
    copy_root(path);
    setenv("SSL_CERT_FILE", path, 1);
    assert_int_equal(ringsend_tls_new(&tls, NULL), 0);
    run_clients(*state, tls, RINGSEND_OK); /* all of them need it first */
    unlink(path);
    run_clients(*state, tls, RINGSEND_OK);
    ringsend_tls_free(tls);

    /* What cannot be read is told to everybody. */
    assert_int_equal(ringsend_tls_new(&tls, NULL), 0);
    run_clients(*state, tls, RINGSEND_E_TLS_CONFIG);
    ringsend_tls_free(tls);
    unsetenv("SSL_CERT_FILE");
}

static void test_verification_is_the_shared_one(void **state)
{
    struct file_name unrelated = certs_file("unrelated", ".pem");
    struct ringsend_tls *tls = NULL;
    struct ringsend_options options = {.size = sizeof options, .ca_file = unrelated.text};
    assert_int_equal(ringsend_tls_new(&tls, &options), 0);
    run_clients(*state, tls, RINGSEND_E_TLS_UNKNOWN_CA);
    ringsend_tls_free(tls);
    options.insecure = true;
    assert_int_equal(ringsend_tls_new(&tls, &options), 0);
    run_clients(*state, tls, RINGSEND_OK);
    ringsend_tls_free(tls);
}

static void test_refusals(void **state)
{
    (void)state;
    char message[256] = "";
    struct ringsend_tls *tls = NULL;
    struct ringsend_options options = {.size = sizeof options,
                                       .ca_file = "/nowhere.pem",
                                       .message = message,
                                       .message_bytes = sizeof message};
    assert_int_equal(ringsend_tls_new(&tls, &options), -RINGSEND_E_TLS_CONFIG);
    assert_non_null(strstr(message, "/nowhere.pem"));
    options = (struct ringsend_options){.size = 1};
    assert_int_equal(ringsend_tls_new(&tls, &options), -RINGSEND_E_INVALID);
    assert_null(tls);
    ringsend_tls_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_named_files),
        cmocka_unit_test(test_default_trust),
        cmocka_unit_test(test_verification_is_the_shared_one),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, server_start, server_stop);
}

/* Real servers: openssl s_server, gnutls-serv, nginx, and some that misbehave; each started for its
 * line of the table, on a free port, and spoken to over a blocking socket: once with the choice of
 * the library left open, and once with OpenSSL ($TLS_LIBRARY). What must happen stands in the line,
 * the same for both. Servers that are not installed are passed over, but openssl must be there. */
#include "pair.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum kind { OPENSSL, GNUTLS, NGINX };
enum resumption { NEVER, BY_ID, BY_TICKET }; /* the last with OpenSSL alone */

struct server {
    enum kind kind;
    const char *name;
    const char *arguments; /* of the program; of nginx: lines of its server block */
    const char *client;    /* certificate of the client, or null */
    const char *client_key;
    enum ringsend_error expected; /* with whichever library can speak to it */
    enum resumption resumption;
    enum ringsend_error bear; /* what BearSSL is told, and OpenSSL then asked; OK: it can speak */
};

#define CERT(chain, key) "-cert_chain " chain ".chain -cert " chain ".pem -key " key ".key"
#define EC_CERT CERT("good", "leaf")
#define RSA_CERT CERT("good-rsa2048", "rsa2048")
#define MUTUAL_ANY EC_CERT " -CAfile root.pem -Verify 3 -verify_return_error"
#define MUTUAL MUTUAL_ANY " -tls1_2"
#define MUTUAL_13 MUTUAL_ANY " -tls1_3"
#define NGINX_CERT "ssl_certificate good.chain; ssl_certificate_key leaf.key;"

static const struct server servers[] = {
    {OPENSSL, "tls 1.2, ECDSA", EC_CERT " -tls1_2", NULL, NULL, RINGSEND_OK, BY_ID, RINGSEND_OK},
    {OPENSSL, "tls 1.2, RSA", RSA_CERT " -tls1_2", NULL, NULL, RINGSEND_OK, BY_ID, RINGSEND_OK},
    {OPENSSL, "tls 1.2, RSA 4096", CERT("good-rsa4096", "rsa4096") " -tls1_2", NULL, NULL,
     RINGSEND_OK, BY_ID, RINGSEND_OK},
    {OPENSSL, "tls 1.2, RSA 8192", CERT("good-rsa8192", "rsa8192") " -tls1_2", NULL, NULL,
     RINGSEND_OK, BY_ID, RINGSEND_E_TLS_ALGORITHM},
    {OPENSSL, "tls 1.3, RSA 8192", CERT("good-rsa8192", "rsa8192") " -tls1_3", NULL, NULL,
     RINGSEND_OK, BY_ID, RINGSEND_E_TLS_VERSION},
    {OPENSSL, "tls 1.2, P-384", CERT("good-p384", "p384") " -tls1_2", NULL, NULL, RINGSEND_OK,
     BY_ID, RINGSEND_OK},
    {OPENSSL, "tls 1.2, P-521", CERT("good-p521", "p521") " -tls1_2", NULL, NULL, RINGSEND_OK,
     BY_ID, RINGSEND_OK},
    {OPENSSL, "tls 1.2 and 1.3", EC_CERT, NULL, NULL, RINGSEND_OK, BY_ID, RINGSEND_OK},
    {OPENSSL, "without session cache", EC_CERT " -tls1_2 -no_cache -no_ticket", NULL, NULL,
     RINGSEND_OK, NEVER, RINGSEND_OK},
    {OPENSSL, "chacha20 only", EC_CERT " -tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305", NULL, NULL,
     RINGSEND_OK, BY_ID, RINGSEND_OK},
    {OPENSSL, "aes256 only", RSA_CERT " -tls1_2 -cipher ECDHE-RSA-AES256-GCM-SHA384", NULL, NULL,
     RINGSEND_OK, BY_ID, RINGSEND_OK},
    {OPENSSL, "x25519 only", EC_CERT " -tls1_2 -groups X25519", NULL, NULL, RINGSEND_OK, BY_ID,
     RINGSEND_OK},
    {OPENSSL, "p-521 only", RSA_CERT " -tls1_2 -groups P-521", NULL, NULL, RINGSEND_OK, BY_ID,
     RINGSEND_OK},
    {OPENSSL, "alpn", EC_CERT " -tls1_2 -alpn h2,http/1.1", NULL, NULL, RINGSEND_OK, BY_ID,
     RINGSEND_OK},
    {OPENSSL, "small records", EC_CERT " -tls1_2 -max_send_frag 512", NULL, NULL, RINGSEND_OK,
     BY_ID, RINGSEND_OK},
    {OPENSSL, "alpn without ours", EC_CERT " -tls1_2 -alpn h2", NULL, NULL, RINGSEND_E_TLS_REFUSED,
     NEVER, RINGSEND_OK},
    {OPENSSL, "tls 1.3 only", EC_CERT " -tls1_3", NULL, NULL, RINGSEND_OK, BY_ID,
     RINGSEND_E_TLS_VERSION},
    {OPENSSL, "tls 1.3, no tickets", EC_CERT " -tls1_3 -num_tickets 0", NULL, NULL, RINGSEND_OK,
     NEVER, RINGSEND_E_TLS_VERSION},
    {OPENSSL, "tls 1.3, hello retry", EC_CERT " -tls1_3 -groups P-384", NULL, NULL, RINGSEND_OK,
     BY_ID, RINGSEND_E_TLS_VERSION},
    {OPENSSL, "tls 1.3, P-521", CERT("good-p521", "p521") " -tls1_3", NULL, NULL, RINGSEND_OK,
     BY_ID, RINGSEND_E_TLS_VERSION},
    {OPENSSL, "tls 1.3, chacha20 only",
     EC_CERT " -tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256", NULL, NULL, RINGSEND_OK, BY_ID,
     RINGSEND_E_TLS_VERSION},
    {OPENSSL, "tls 1.3, another host", CERT("other-host", "leaf") " -tls1_3", NULL, NULL,
     RINGSEND_E_TLS_WRONG_HOST, NEVER, RINGSEND_E_TLS_VERSION},
    {OPENSSL, "tls 1.3, client certificate, none", MUTUAL_13, NULL, NULL,
     RINGSEND_E_TLS_LATE_REFUSAL, NEVER, RINGSEND_E_TLS_VERSION},
    {OPENSSL, "tls 1.3, client certificate, EC", MUTUAL_13, "client", "client", RINGSEND_OK, BY_ID,
     RINGSEND_E_TLS_VERSION},
    {OPENSSL, "tls 1.3, client certificate, unknown", MUTUAL_13, "client-unknown", "client",
     RINGSEND_E_TLS_LATE_REFUSAL, NEVER, RINGSEND_E_TLS_VERSION},
    {OPENSSL, "tls 1.1 only", EC_CERT " -tls1_1 -cipher ALL:@SECLEVEL=0", NULL, NULL,
     RINGSEND_E_TLS_VERSION, NEVER, RINGSEND_E_TLS_REFUSED},
    {OPENSSL, "cbc only", EC_CERT " -tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256", NULL, NULL,
     RINGSEND_E_TLS_REFUSED, NEVER, RINGSEND_E_TLS_REFUSED},
    {OPENSSL, "static rsa only", RSA_CERT " -tls1_2 -cipher AES128-GCM-SHA256", NULL, NULL,
     RINGSEND_E_TLS_REFUSED, NEVER, RINGSEND_E_TLS_REFUSED},
    {OPENSSL, "dhe only", RSA_CERT " -tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256", NULL, NULL,
     RINGSEND_E_TLS_REFUSED, NEVER, RINGSEND_E_TLS_REFUSED},
    {OPENSSL, "x448 only", EC_CERT " -tls1_2 -groups X448", NULL, NULL, RINGSEND_E_TLS_REFUSED,
     NEVER, RINGSEND_E_TLS_REFUSED},
    {OPENSSL, "pss signatures only", RSA_CERT " -tls1_2 -sigalgs rsa_pss_rsae_sha256", NULL, NULL,
     RINGSEND_OK, BY_ID, RINGSEND_E_TLS_REFUSED},
    {OPENSSL, "ed25519 key", CERT("ed25519-key", "ed25519") " -tls1_2", NULL, NULL, RINGSEND_OK,
     BY_ID, RINGSEND_E_TLS_REFUSED},
    {OPENSSL, "client certificate, none", MUTUAL, NULL, NULL, RINGSEND_E_TLS_CLIENT_CERTIFICATE,
     NEVER, RINGSEND_OK},
    {OPENSSL, "client certificate, EC", MUTUAL, "client", "client", RINGSEND_OK, BY_ID,
     RINGSEND_OK},
    {OPENSSL, "client certificate, RSA", MUTUAL, "client-rsa", "rsa2048", RINGSEND_OK, BY_ID,
     RINGSEND_OK},
    {OPENSSL, "client certificate, unknown", MUTUAL, "client-unknown", "client",
     RINGSEND_E_TLS_CLIENT_CERTIFICATE, NEVER, RINGSEND_OK},
    {OPENSSL, "client certificate, for rsa only", MUTUAL " -client_sigalgs RSA+SHA256", "client",
     "client", RINGSEND_E_TLS_CLIENT_CERTIFICATE, NEVER, RINGSEND_OK},
    {OPENSSL, "client certificate, unasked", EC_CERT " -tls1_2", "client", "client", RINGSEND_OK,
     BY_ID, RINGSEND_OK},
    {OPENSSL, "another host", CERT("other-host", "leaf") " -tls1_2", NULL, NULL,
     RINGSEND_E_TLS_WRONG_HOST, NEVER, RINGSEND_OK},
    {OPENSSL, "unknown authority", CERT("by-unknown", "leaf") " -tls1_2", NULL, NULL,
     RINGSEND_E_TLS_UNKNOWN_CA, NEVER, RINGSEND_OK},
    {OPENSSL, "no intermediate", "-cert good.pem -key leaf.key -tls1_2", NULL, NULL,
     RINGSEND_E_TLS_UNKNOWN_CA, NEVER, RINGSEND_OK},
    {OPENSSL, "self-signed", CERT("self-signed", "leaf") " -tls1_2", NULL, NULL,
     RINGSEND_E_TLS_UNKNOWN_CA, NEVER, RINGSEND_OK},
    {OPENSSL, "weak key", CERT("weak-key", "rsa1024") " -tls1_2 -cipher ALL:@SECLEVEL=0", NULL,
     NULL, RINGSEND_E_TLS_WEAK_KEY, NEVER, RINGSEND_OK},
    {OPENSSL, "name constraint", CERT("by-nc-exclude-critical", "leaf") " -tls1_2", NULL, NULL,
     RINGSEND_E_TLS_NAME_CONSTRAINT, NEVER, RINGSEND_OK},
    {OPENSSL, "for clients", CERT("usage-client", "leaf") " -tls1_2", NULL, NULL,
     RINGSEND_E_TLS_USAGE, NEVER, RINGSEND_OK},
    {GNUTLS, "gnutls, tls 1.2", "--priority NORMAL:-VERS-ALL:+VERS-TLS1.2", NULL, NULL, RINGSEND_OK,
     BY_ID, RINGSEND_OK},
    {GNUTLS, "gnutls, tls 1.2 and 1.3", "--priority NORMAL", NULL, NULL, RINGSEND_OK, BY_ID,
     RINGSEND_OK},
    {GNUTLS, "gnutls, tls 1.3 only", "--priority NORMAL:-VERS-ALL:+VERS-TLS1.3", NULL, NULL,
     RINGSEND_OK, BY_ID, RINGSEND_E_TLS_REFUSED},
    {GNUTLS, "gnutls, no secure renegotiation",
     "--priority NORMAL:-VERS-ALL:+VERS-TLS1.2:%DISABLE_SAFE_RENEGOTIATION", NULL, NULL,
     RINGSEND_E_TLS_RENEGOTIATION, NEVER, RINGSEND_OK},
    {GNUTLS, "gnutls, client certificate",
     "--priority NORMAL:-VERS-ALL:+VERS-TLS1.2 --require-client-cert --verify-client-cert", NULL,
     NULL, RINGSEND_E_TLS_CLIENT_CERTIFICATE, NEVER, RINGSEND_OK},
    {GNUTLS, "gnutls, with client certificate", "--require-client-cert --verify-client-cert",
     "client", "client", RINGSEND_OK, BY_ID, RINGSEND_OK},
    {NGINX, "nginx, session cache", NGINX_CERT "ssl_session_cache shared:x:1m;", NULL, NULL,
     RINGSEND_OK, BY_ID, RINGSEND_OK},
    {NGINX, "nginx as it comes", NGINX_CERT, NULL, NULL, RINGSEND_OK, BY_TICKET, RINGSEND_OK},
    {NGINX, "nginx, tls 1.3 only", NGINX_CERT "ssl_protocols TLSv1.3;", NULL, NULL, RINGSEND_OK,
     BY_ID, RINGSEND_E_TLS_VERSION},
    {NGINX, "nginx, client certificate",
     NGINX_CERT "ssl_verify_client on; ssl_verify_depth 3; ssl_client_certificate root.pem;",
     "client", "client", RINGSEND_OK, BY_TICKET, RINGSEND_OK},
    {NGINX, "nginx, rsa", "ssl_certificate good-rsa2048.chain; ssl_certificate_key rsa2048.key;",
     NULL, NULL, RINGSEND_OK, BY_TICKET, RINGSEND_OK},
    {NGINX, "nginx, plain http", "plain", NULL, NULL, RINGSEND_E_TLS_PROTOCOL, NEVER, RINGSEND_OK},
};

/* ---- Processes ---- */

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t bytes = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &bytes), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static int try_connect(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_port = htons(port)};
    struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

/* The command is split at spaces. */
static pid_t start(char *command)
{
    char *arguments[64];
    size_t count = 0;
    for (char *rest = command, *word; (word = strsep(&rest, " ")) && count < 63;) {
        if (*word)
            arguments[count++] = word;
    }
    arguments[count] = NULL;
    const char *directory = getenv("TLS_CERTS");
    if (count == 0 || !directory)
        return -1;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int null = STDERR_FILENO;
        if (chdir(directory) == 0 && freopen("/dev/null", "r", stdin) &&
            freopen("server.log", "w", stdout) && dup2(STDOUT_FILENO, null) == null)
            execvp(arguments[0], arguments);
        _exit(127);
    }
    return pid;
}

static void stop(pid_t pid)
{
    int status;
    kill(pid, SIGTERM);
    waitpid(pid, &status, 0);
}

static void write_nginx(const struct server *s, uint16_t port)
{
    struct file_name f = certs_file("nginx", ".conf");
    FILE *file = fopen(f.text, "w");
    bool plain = strcmp(s->arguments, "plain") == 0;
    assert_non_null(file);
    fprintf(
        file,
        "daemon off; master_process off; pid nginx.pid; error_log nginx.log;\n"
        "events { worker_connections 64; }\n"
        "http { access_log off; client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t;"
        " uwsgi_temp_path t; scgi_temp_path t;\n"
        "server { listen 127.0.0.1:%u %s; %s location / { return 200 hello; } } }\n",
        port, plain ? "" : "ssl", plain ? "" : s->arguments);
    fclose(file);
}

/* -1: such a server is not installed. */
static pid_t start_server(const struct server *s, uint16_t port)
{
    char command[1024], absolute[512];
    assert_non_null(realpath(getenv("TLS_CERTS"), absolute));
    switch (s->kind) {
    case OPENSSL:
        snprintf(command, sizeof command, "openssl s_server -accept 127.0.0.1:%u -www -quiet %s",
                 port, s->arguments);
        break;
    case GNUTLS:
        if (access("/usr/bin/gnutls-serv", X_OK) != 0)
            return -1;
        snprintf(command, sizeof command,
                 "gnutls-serv --http -p %u --x509certfile good.chain --x509keyfile leaf.key "
                 "--x509cafile root.pem %s",
                 port, s->arguments);
        break;
    case NGINX:
        if (access("/usr/sbin/nginx", X_OK) != 0)
            return -1;
        write_nginx(s, port);
        snprintf(command, sizeof command, "/usr/sbin/nginx -p %s -c nginx.conf -e nginx.log",
                 absolute);
        break;
    }
    pid_t pid = start(command);
    for (int i = 0; i < 1000; i++) {
        int status, fd = try_connect(port);
        if (fd >= 0) {
            close(fd);
            return pid;
        }
        if (waitpid(pid, &status, WNOHANG) == pid)
            fail_msg("%s does not start: see server.log", s->name);
        poll(NULL, 0, 10);
    }
    stop(pid);
    fail_msg("%s does not listen", s->name);
    return -1;
}

/* ---- The client ---- */

static void send_ready(struct tls *t, int fd)
{
    char wire[8192];
    size_t bytes;
    while ((bytes = tls_take(t, wire, sizeof wire)) > 0) {
        for (size_t at = 0; at < bytes;) {
            ssize_t n = send(fd, wire + at, bytes - at, MSG_NOSIGNAL);
            if (n <= 0)
                return; /* what it said before it went is still to be read */
            at += (size_t)n;
        }
    }
}

/* False: the end. */
static bool receive_some(struct tls *t, int fd, char *text, size_t room)
{
    char wire[4096];
    size_t at = 0;
    ssize_t n = recv(fd, wire, sizeof wire, 0);
    if (n <= 0) {
        tls_end(t);
        return false;
    }
    while (at < (size_t)n && tls_state(t) != TLS_CLOSED) {
        size_t ready, used = tls_feed(t, wire + at, (size_t)n - at);
        const char *plain = tls_peek(t, &ready);
        size_t have = strlen(text), take = ready < room - 1 - have ? ready : room - 1 - have;
        memcpy(text + have, plain ? plain : "", take);
        text[have + take] = 0;
        tls_consume(t, ready);
        at += used;
        if (used == 0 && ready == 0)
            break;
    }
    return true;
}

/* One connection with one request; the response's beginning is in `text`. */
static void converse(struct tls *t, int fd, char *text, size_t room)
{
    const char request[] = "GET / HTTP/1.0\r\nHost: www.example.com\r\n\r\n";
    bool more = true;
    text[0] = 0;
    send_ready(t, fd);
    while (more && !tls_is_ready(t) && tls_state(t) != TLS_CLOSED) {
        more = receive_some(t, fd, text, room);
        send_ready(t, fd);
    }
    if (!tls_is_ready(t))
        return;
    assert_int_equal(tls_write(t, request, sizeof request - 1), sizeof request - 1);
    tls_flush(t);
    send_ready(t, fd);
    while (more && tls_state(t) != TLS_CLOSED && !tls_peer_closed(t))
        more = receive_some(t, fd, text, room);
    tls_close(t);
    send_ready(t, fd);
}

static struct tls *connect_and_converse(struct tls_local *local, uint16_t port, int *fd, char *text,
                                        size_t room)
{
    struct tls *t = tls_client_new(local, "www.example.com", port, tls_http1);
    assert_non_null(t);
    *fd = try_connect(port);
    assert_true(*fd >= 0);
    converse(t, *fd, text, room);
    return t;
}

static void check(const struct server *s, struct tls_local *local, uint16_t port, bool second)
{
    char text[8192];
    int fd;
    struct tls *t = connect_and_converse(local, port, &fd, text, sizeof text);
    if (!second && !with_openssl() && s->bear != RINGSEND_OK) {
        assert_int_equal(tls_error(t), s->bear);
        assert_true(tls_ask_again(t));
        tls_free(t);
        close(fd);
        t = connect_and_converse(local, port, &fd, text, sizeof text);
    }
    enum ringsend_error error = tls_error(t);
    assert_false(tls_ask_again(t));
    print_message("  %-34s %-24s %s%s\n", s->name, ringsend_error_name(error),
                  tls_resumed(t) ? "resumed " : "", tls_detail(t) ? tls_detail(t) : "");
    if (error != s->expected)
        fail_msg("%s: %s instead of %s", s->name, ringsend_error_name(error),
                 ringsend_error_name(s->expected));
    assert_int_equal(tls_is_ready(t), error == RINGSEND_OK || error == RINGSEND_E_TLS_LATE_REFUSAL);
    if (error == RINGSEND_OK) {
        if (strncmp(text, "HTTP/1.", 7) != 0)
            fail_msg("%s: no response but \"%s\"", s->name, text);
        bool resumes = s->resumption == BY_ID || (s->resumption == BY_TICKET && with_openssl());
        assert_int_equal(tls_resumed(t), second && resumes);
        tls_keep_session(t);
    } else {
        tls_forget_session(t);
    }
    tls_free(t);
    close(fd);
}

static void test_servers(void **state)
{
    (void)state;
    size_t passed_over = 0;
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++) {
        const struct server *s = &servers[i];
        uint16_t port = free_port();
        pid_t pid = start_server(s, port);
        if (pid < 0) {
            passed_over++;
            continue;
        }
        struct file_name ca = certs_file("root", ".pem"),
                         chain = certs_file(s->client ? s->client : "", ".chain"),
                         key = certs_file(s->client_key ? s->client_key : "", ".key");
        struct tls_config *config =
            new_open_config(&(struct tls_options){.ca_file = ca.text,
                                                  .half_duplex = i % 2,
                                                  .chain_file = s->client ? chain.text : NULL,
                                                  .key_file = s->client ? key.text : NULL,
                                                  .now_s = certs_now_s()});
        struct tls_local *local = tls_local_new(config, 4, NULL);
        check(s, local, port, false);
        check(s, local, port, true);
        tls_local_free(local);
        tls_config_free(config);
        stop(pid);
    }
    if (passed_over > 0)
        print_message("  %zu servers are not installed here\n", passed_over);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_servers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

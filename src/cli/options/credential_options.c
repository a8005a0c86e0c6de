/* What curl has of it means the same here. Where curl shrugs, we do not: a file of passwords that
 * cannot be read is no reason to send without one. */
#include "cli/options/credential_options.h"

#include "base/base64.h"
#include "base/span.h"
#include "base/whole_file.h"
#include "cli/credentials/command_secrets.h"
#include "cli/credentials/token_file.h"
#include "cli/options/values.h"
#include "cli/read_files.h"
#include "http/url.h"
#include "records/netrc.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SECRET_BYTES_MAX = 64 << 10, /* of a password or token */
    NETRC_BYTES_MAX = 1 << 20
};

static bool has_header(const struct request_options *o, struct ringsend_bytes name)
{
    for (size_t i = 0; i < o->defaults.headers_count; i++) {
        if (span_equal_nocase(o->headers[i].name, name))
            return true;
    }
    return false;
}

__attribute__((noreturn)) static void no_memory(const struct request_options *o)
{
    usage_error(o->command, "memory is out");
}

/* Without line ends at its end, and what editors put at its beginning: a byte order mark is no part
 * of a name or a token. */
static struct ringsend_bytes trimmed(struct ringsend_bytes text)
{
    static const char mark[] = "\xef\xbb\xbf";
    if (text.bytes >= 3 && memcmp(text.data, mark, 3) == 0) {
        text.data += 3;
        text.bytes -= 3;
    }
    while (text.bytes > 0 && strchr("\r\n", text.data[text.bytes - 1]))
        text.bytes--;
    return text;
}

/* What @FILE or env:VARIABLE holds: a copy, which is a secret from now on. Null: it is neither. */
static char *read_secret(struct request_options *o, const char *option, const char *source)
{
    static const char environment[] = "env:";
    char *held = NULL;
    size_t bytes = 0;
    if (source[0] == '@') {
        held = whole_file_read(source + 1, SECRET_BYTES_MAX, &bytes);
        read_files_add(option, source + 1);
        if (!held)
            usage_error(o->command, "%s %s: %s", option, source, whole_file_fault(errno));
        if (memchr(held, '\0', bytes))
            usage_error(o->command, "%s %s: it holds a NUL byte", option, source);
    } else if (strncmp(source, environment, sizeof environment - 1) == 0) {
        const char *value = getenv(source + sizeof environment - 1);
        if (!value)
            usage_error(o->command, "%s %s: this variable is not set", option, source);
        held = strdup(value);
        if (!held)
            no_memory(o);
    } else {
        return NULL;
    }
    struct ringsend_bytes text = trimmed(span_of(held));
    if (text.bytes == 0)
        usage_error(o->command, "%s %s: it is empty", option, source);
    char *copy = strndup(text.data, text.bytes);
    free(held);
    if (!copy || !secrets_add(&o->secrets, span_of(copy)))
        no_memory(o);
    return copy;
}

/* Of the options, those of --header win, as with curl. */
static void add_login(struct request_options *o, const char *scheme, const char *value)
{
    char *line;
    if (has_header(o, SPAN("authorization")))
        return;
    if (asprintf(&line, "Authorization: %s %s", scheme, value) < 0)
        no_memory(o);
    request_options_add_header(o, line);
    o->login_at = o->defaults.headers_count;
    free(line);
}

/* ---- --user ---- */

/* NAME:PASSWORD, a copy, and where its colon is. */
static char *read_user(struct request_options *o, const char *text, size_t *name_bytes)
{
    char *held = text[0] == '@' ? read_secret(o, "--user", text) : NULL;
    if (!held)
        held = strdup(text);
    if (!held)
        no_memory(o);
    *name_bytes = strcspn(held, ":");
    if (!held[*name_bytes]) /* not repeated: it may be the password */
        usage_error(o->command,
                    "--user must be NAME:PASSWORD, or @FILE, which holds that: nobody is asked for "
                    "a password here");
    if (!secrets_add(&o->secrets, span_of(held + *name_bytes + 1)))
        no_memory(o);
    return held;
}

static void take_user(struct request_options *o, const char *text)
{
    size_t name_bytes;
    char *held = read_user(o, text, &name_bytes);
    struct ringsend_bytes pair = span_of(held);
    char *value = malloc(base64_bytes(pair.bytes) + 1);
    if (!value)
        no_memory(o);
    *base64_encode(pair, value) = '\0';
    if (!secrets_add(&o->secrets, span_of(value)))
        no_memory(o);
    add_login(o, "Basic", value);
    free(value);
    free(held);
}

/* ---- --netrc ---- */

static char *home_netrc(const struct request_options *o)
{
    const char *home = getenv("HOME");
    const struct passwd *user = home && *home ? NULL : getpwuid(getuid());
    char *path;
    if (user)
        home = user->pw_dir;
    if (!home || !*home)
        usage_error(o->command, "--netrc: there is no home directory ($HOME): --netrc-file FILE");
    if (asprintf(&path, "%s/.netrc", home) < 0)
        no_memory(o);
    return path;
}

/* What is secret and all users of the machine can read is worth a word, and no more: it is their
 * owner's to say. */
static void note_mode(const struct request_options *o, const char *what, const char *path,
                      bool quiet)
{
    struct stat about;
    if (!quiet && stat(path, &about) == 0 && S_ISREG(about.st_mode) && about.st_mode & S_IROTH)
        fprintf(stderr,
                "ringsend %s: note: everybody on this machine can read %s in %s "
                "(chmod 600)\n",
                o->command, what, path);
}

static void take_netrc(struct request_options *o, const char *option, const char *path, bool quiet)
{
    size_t bytes;
    unsigned line;
    const char *fault;
    char *text = whole_file_read(path, NETRC_BYTES_MAX, &bytes);
    if (!text)
        usage_error(o->command, "%s: %s: %s", option, path, whole_file_fault(errno));
    if (memchr(text, '\0', bytes))
        usage_error(o->command, "%s: %s: it holds a NUL byte", option, path);
    o->netrc = netrc_read((struct ringsend_bytes){text, bytes}, &fault, &line);
    free(text);
    if (!o->netrc && line > 0)
        usage_error(o->command, "%s: %s, line %u: %s", option, path, line, fault);
    if (!o->netrc || !netrc_add_secrets(o->netrc, &o->secrets))
        no_memory(o);
    note_mode(o, "the passwords", path, quiet);
    o->defaults.netrc = o->netrc;
}

static void take_netrc_options(struct request_options *o, const struct options *given)
{
    const char *file = option_text(given, OPTION_NETRC_FILE);
    bool quiet = option_given(given, OPTION_QUIET);
    if (file) {
        take_netrc(o, "--netrc-file", file, quiet);
        read_files_add("--netrc-file", file);
    } else if (option_given(given, OPTION_NETRC)) {
        char *path = home_netrc(o);
        o->netrc_path = path;
        take_netrc(o, "--netrc", path, quiet);
        read_files_add("--netrc", path);
    }
}

/* ---- --bearer ---- */

static void take_bearer(struct request_options *o, const char *source)
{
    char *token = read_secret(o, "--bearer", source);
    if (!token) /* not repeated: it may be the token */
        usage_error(o->command, "--bearer must be @FILE or env:VARIABLE: what stands on a command "
                                "line can be read by everybody on the machine");
    for (const char *c = token; *c; c++) {
        if (*c <= ' ' || *c > '~' || strchr("{}", *c))
            usage_error(o->command,
                        "--bearer %s: what it holds is no token: one has no white space, braces or "
                        "bytes beyond ASCII in it",
                        source);
    }
    add_login(o, "Bearer", token);
    free(token);
}

/* ---- --aws-sigv4 ---- */

/* A line end, as files often have behind a key, would begin a header of its own. */
static void check_key(const struct request_options *o, const char *what, struct ringsend_bytes text,
                      const char *signs)
{
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.data[i];
        if (c <= ' ' || c > '~' || strchr(signs, c))
            usage_error(o->command,
                        "--aws-sigv4: the %s holds white space, a line end, or a sign that none "
                        "has",
                        what);
    }
}

/* Of the environment; a session's token goes with its own key alone. */
static void take_session(struct request_options *o)
{
    const char *id = getenv("AWS_ACCESS_KEY_ID"), *token = getenv("AWS_SESSION_TOKEN");
    if (!id || !token || !span_equal(span_of(id), o->signs.key_id))
        return;
    o->signs.token = span_of(token);
    check_key(o, "session token", o->signs.token, "");
    if (!secrets_add(&o->secrets, o->signs.token))
        no_memory(o);
}

static void take_keys(struct request_options *o, const char *user)
{
    const char *id = getenv("AWS_ACCESS_KEY_ID"), *secret = getenv("AWS_SECRET_ACCESS_KEY");
    size_t id_bytes;
    if (user) {
        o->key_pair = read_user(o, user, &id_bytes);
        o->signs.key_id = (struct ringsend_bytes){o->key_pair, id_bytes};
        o->signs.secret = span_of(o->key_pair + id_bytes + 1);
    } else if (id && secret) {
        o->signs.key_id = span_of(id);
        o->signs.secret = span_of(secret);
        if (!secrets_add(&o->secrets, o->signs.secret))
            no_memory(o);
    }
    if (o->signs.key_id.bytes == 0 || o->signs.secret.bytes == 0)
        usage_error(o->command,
                    "--aws-sigv4 goes with a key: -u ID:SECRET, or AWS_ACCESS_KEY_ID and "
                    "AWS_SECRET_ACCESS_KEY in the environment");
    check_key(o, "key's ID", o->signs.key_id, "/,=");
    check_key(o, "secret key", o->signs.secret, "");
    take_session(o);
}

/* Of what stands in a header. */
static bool is_scope(struct ringsend_bytes text)
{
    bool good = text.bytes > 0;
    for (size_t i = 0; i < text.bytes && good; i++)
        good = text.data[i] > ' ' && text.data[i] <= '~' && !strchr(":/,", text.data[i]);
    return good;
}

static void take_sigv4(struct request_options *o, const struct options *given)
{
    static const char provider[] = "aws:amz:";
    const char *text = option_text(given, OPTION_AWS_SIGV4), *region = "";
    if (!text)
        return;
    if (strncmp(text, provider, sizeof provider - 1) == 0)
        region = text + sizeof provider - 1;
    size_t region_bytes = strcspn(region, ":");
    struct ringsend_bytes service = span_of(region[region_bytes] ? region + region_bytes + 1 : "");
    o->signs.region = (struct ringsend_bytes){region, region_bytes};
    o->signs.service = service;
    if (!is_scope(o->signs.region) || !is_scope(service))
        usage_error(o->command,
                    "--aws-sigv4 must be aws:amz:REGION:SERVICE, as "
                    "aws:amz:eu-central-1:execute-api, not \"%s\"",
                    text);
    take_keys(o, option_text(given, OPTION_USER));
    if (has_header(o, SPAN("authorization")))
        usage_error(o->command,
                    "--aws-sigv4 makes the header Authorization, which --header gives as well");
    if (option_given(given, OPTION_DRY_RUN))
        add_login(o, "AWS4-HMAC-SHA256", "***");
}

/* ---- tokens that expire ---- */

/* A token's place in what is only shown. */
static void show_token(struct request_options *o)
{
    add_login(o, "Bearer", "***");
}

static void check_oauth(const struct request_options *o, const struct token_options *t)
{
    const char *fault;
    struct url url;
    if (!t->client_id || !o->client_secret)
        usage_error(o->command, "--oauth2 goes with --client-id and --client-secret");
    if (url_parse(&url, span_of(t->url), &fault) != RINGSEND_OK)
        usage_error(o->command, "--oauth2 must be http[s]://HOST[:PORT]/PATH: %s", fault);
}

/* Before anything is sent: a run would wait for it. */
static void check_token_file(const struct request_options *o, bool quiet)
{
    const char *path = o->token.file, *fault = path ? token_file_fault(path) : NULL;
    if (fault)
        usage_error(o->command, "--token-file %s: %s", path, fault);
    if (path)
        note_mode(o, "the token", path, quiet);
}

static void take_token(struct request_options *o, const struct options *given)
{
    const char *secret = option_text(given, OPTION_CLIENT_SECRET);
    struct token_options *t = &o->token;
    *t = (struct token_options){.command = option_text(given, OPTION_TOKEN_COMMAND),
                                .url = option_text(given, OPTION_OAUTH2),
                                .client_id = option_text(given, OPTION_CLIENT_ID),
                                .scope = option_text(given, OPTION_SCOPE),
                                .file = option_text(given, OPTION_TOKEN_FILE),
                                .engine = &o->engine};
    if (secret) {
        o->client_secret = read_secret(o, "--client-secret", secret);
        if (!o->client_secret) /* not repeated: it may be the secret */
            usage_error(o->command, "--client-secret must be @FILE or env:VARIABLE");
        t->client_secret = o->client_secret;
    }
    if (t->url)
        check_oauth(o, t);
    else if (t->client_id || secret || t->scope)
        usage_error(o->command, "--client-id, --client-secret and --scope go with --oauth2");
    if (!t->url && !t->command && t->file)
        usage_error(o->command, "--token-file goes with --token-command or --oauth2");
    if (t->command && !*t->command)
        usage_error(o->command, "--token-command is empty");
    if (t->command && !command_secrets_add(&o->secrets, t->command))
        no_memory(o);
    check_token_file(o, option_given(given, OPTION_QUIET));
    if ((t->url || t->command) && option_given(given, OPTION_DRY_RUN))
        show_token(o);
}

/* Several would say who asks. */
static void refuse_several(const struct request_options *o, const struct options *given)
{
    static const enum option_id all[] = {OPTION_USER, OPTION_BEARER, OPTION_TOKEN_COMMAND,
                                         OPTION_OAUTH2};
    enum option_id first = OPTIONS_COUNT;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (option_given(given, all[i]) && first != OPTIONS_COUNT)
            usage_error(o->command, "give only one of %s and %s: both are Authorization",
                        option_long(first), option_long(all[i]));
        if (option_given(given, all[i]))
            first = all[i];
    }
    if (option_given(given, OPTION_AWS_SIGV4) && first != OPTIONS_COUNT && first != OPTION_USER)
        usage_error(o->command, "give only one of --aws-sigv4 and %s: both are Authorization",
                    option_long(first));
    if ((first == OPTION_TOKEN_COMMAND || first == OPTION_OAUTH2) &&
        has_header(o, SPAN("authorization")))
        usage_error(o->command, "%s makes the header Authorization, which --header gives as well",
                    option_long(first));
}

/* ---- --cookie ---- */

/* Several become one header, as servers want it (RFC 6265 5.4). */
static void take_cookies(struct request_options *o, const struct options *given)
{
    char *line = strdup("Cookie:");
    bool is_first = true;
    for (const struct option_use *use = NULL; (use = option_next(given, OPTION_COOKIE, use));) {
        char *longer;
        if (!strchr(use->text, '=')) /* not repeated, as it may be one all the same */
            usage_error(o->command, "--cookie must be 'NAME=VALUE': there is no jar, neither read "
                                    "from a file nor kept, as records know nothing of each other");
        if (!line || asprintf(&longer, "%s%s %s", line, is_first ? "" : ";", use->text) < 0)
            no_memory(o);
        free(line);
        line = longer;
        is_first = false;
    }
    if (!is_first && !has_header(o, SPAN("cookie"))) {
        request_options_add_header(o, line);
        o->cookie_at = o->defaults.headers_count;
    }
    free(line);
}

void credential_options_take(struct request_options *o, const struct options *given)
{
    bool has_user = option_given(given, OPTION_USER),
         has_bearer = option_given(given, OPTION_BEARER);
    refuse_several(o, given);
    take_cookies(o, given);
    take_token(o, given);
    take_sigv4(o, given);
    if (has_user && o->signs.region.bytes == 0)
        take_user(o, option_text(given, OPTION_USER));
    if (has_bearer)
        take_bearer(o, option_text(given, OPTION_BEARER));
    if (!has_user && !has_bearer && !o->token.url && !o->token.command &&
        o->signs.region.bytes == 0)
        take_netrc_options(o, given);
}

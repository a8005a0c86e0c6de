#include "cli/descriptor.h"
#include "cli/send/failures.h"

#include "base/span.h"
#include "cli/shell.h"
#include "cli/terminal.h"
#include "cli/units.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    GROUPS_SHOWN = 8,
    SAMPLE_BYTES = 300,     /* of a text, at most */
    SAMPLE_BYTES_MIN = 100, /* a sentence that ends before is none to end with */
    GROUP_INDENT = 23
};

/* What may help, for the cause of most failures. */
struct remedy {
    int status;
    enum ringsend_error error;
    const char *text;
};

static const struct remedy remedies[] = {
    {301, RINGSEND_OK,
     "redirects are followed with -L; or send to where they lead (--url, the records)"},
    {302, RINGSEND_OK,
     "redirects are followed with -L; or send to where they lead (--url, the records)"},
    {307, RINGSEND_OK,
     "redirects are followed with -L; or send to where they lead (--url, the records)"},
    {308, RINGSEND_OK,
     "redirects are followed with -L; or send to where they lead (--url, the records)"},
    {401, RINGSEND_OK,
     "the platform wants to know who asks: -u, --bearer, --netrc, --oauth2, --token-command, "
     "--aws-sigv4, -H @FILE, or --cert"},
    {403, RINGSEND_OK, "the platform refuses who asks: check the credentials (-H @FILE, --cert)"},
    {404, RINGSEND_OK, "check the URLs"},
    {405, RINGSEND_OK, "another method: -X METHOD"},
    {409, RINGSEND_OK, "if these were done before, they are ok: --ok-status 2xx,409"},
    {413, RINGSEND_OK, "the platform takes no bodies that large"},
    {415, RINGSEND_OK, "say what the bodies are: -H 'Content-Type: TYPE'"},
    {429, RINGSEND_OK, "slower: --rate N/s, or fewer at once: -c N, or --adaptive"},
    {503, RINGSEND_OK, "slower: --rate N/s, or fewer at once: -c N, or --adaptive"},
    {529, RINGSEND_OK, "slower: --rate N/s, or fewer at once: -c N, or --adaptive"},
    {0, RINGSEND_E_BAD_RECORD, "mend the records; the details say where"},
    {0, RINGSEND_E_CONNECT_REFUSED, "is the platform up? Is the port right?"},
    {0, RINGSEND_E_CONNECT_NO_PORT,
     "fewer at once: -c N, or more ports: sysctl net.ipv4.ip_local_port_range"},
    {0, RINGSEND_E_DNS_NOT_FOUND, "check the host names"},
    {0, RINGSEND_E_TIMEOUT_CONNECT, "longer: --connect-timeout 30s, or fewer at once: -c N"},
    {0, RINGSEND_E_TIMEOUT_HANDSHAKE, "longer: --handshake-timeout 30s, or fewer at once: -c N"},
    {0, RINGSEND_E_TIMEOUT_FIRST_BYTE, "longer: --first-byte-timeout 2m, or fewer at once: -c N"},
    {0, RINGSEND_E_TIMEOUT_ATTEMPT, "longer: --timeout 5m, or fewer at once: -c N"},
    {0, RINGSEND_E_TIMEOUT_RECORD, "longer: --deadline T"},
    {0, RINGSEND_E_TLS_RENEGOTIATION, "have it updated, or: --tls-legacy-renegotiation"},
    {0, RINGSEND_E_TLS_UNKNOWN_CA, "trust its authority: --cacert FILE"},
    {0, RINGSEND_E_BODY_TOO_LARGE, "--max-body SIZE"},
    {0, RINGSEND_E_PROXY_REFUSED, "is the proxy up? --noproxy '*' goes without any"},
    {0, RINGSEND_E_PROXY_STATUS, "may the proxy reach that host? --noproxy HOST goes without it"},
    {0, RINGSEND_E_SOCKS_REFUSED, "may the proxy reach that host? --noproxy HOST goes without it"},
    {0, RINGSEND_E_PROXY_AUTH, "--proxy-user USER:PASSWORD"},
    {0, RINGSEND_E_PROXY_PROTOCOL, "is it a proxy, and of that kind? -x socks5://HOST:PORT"},
    {0, RINGSEND_E_TIMEOUT_PROXY,
     "longer: --proxy-timeout 2m; or, where it lets wait on purpose: --gate HOST:PORT"},
};

/* Who asks was told: by the option of that name; null: by none. */
static const char *login_given(const struct send_options *options)
{
    static const enum option_id ids[] = {OPTION_AWS_SIGV4, OPTION_USER,          OPTION_BEARER,
                                         OPTION_OAUTH2,    OPTION_TOKEN_COMMAND, OPTION_NETRC,
                                         OPTION_NETRC_FILE};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (send_given(options, ids[i]))
            return option_long(ids[i]);
    return NULL;
}

static const char *remedy_for(const struct group *group)
{
    for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++) {
        const struct remedy *r = &remedies[i];
        if (r->error == group->error && (r->error != RINGSEND_OK || r->status == group->status))
            return r->text;
    }
    return NULL;
}

/* At the end of a sentence, or else of a word. */
static struct ringsend_bytes cut(struct ringsend_bytes text)
{
    size_t sentence = 0, word = 0;
    if (text.bytes <= SAMPLE_BYTES)
        return text;
    for (size_t i = SAMPLE_BYTES_MIN; i < SAMPLE_BYTES; i++) {
        if (text.data[i] != ' ' && text.data[i] != '\n')
            continue;
        word = i;
        sentence = strchr(".!?;", text.data[i - 1]) ? i : sentence;
    }
    text.bytes = SAMPLE_BYTES;
    while (((unsigned char)text.data[text.bytes] & 0xc0) == 0x80)
        text.bytes--;
    text.bytes = sentence > 0 ? sentence : word > 0 ? word : text.bytes;
    return text;
}

/* A platform may say what it was sent. */
static void print_sample(struct wrapped *w, const struct group *group,
                         const struct secrets *secrets)
{
    struct buf_pool pool;
    struct buf shown = {0};
    buf_pool_init(&pool);
    if (secrets_mask(secrets, (struct ringsend_bytes){group->sample, group->sample_bytes}, &pool,
                     &shown)) {
        struct ringsend_bytes text = cut((struct ringsend_bytes){shown.data, shown.bytes});
        wrapped_print(w, text);
        if (text.bytes < shown.bytes)
            wrapped_print(w, SPAN("..."));
    }
    buf_release(&pool, &shown);
    buf_pool_free(&pool);
}

/* The name of an error, or a status, and what was said to it. */
static void print_cause(struct wrapped *w, const struct group *group, const struct secrets *secrets)
{
    char status[24];
    snprintf(status, sizeof status, "status %d", group->status);
    const char *name = group->error != RINGSEND_OK ? ringsend_error_name(group->error) : status;
    fprintf(w->out, "%s%s", name, group->sample_bytes > 0 ? ":" : "");
    w->at += (unsigned)strlen(name) + (group->sample_bytes > 0);
    if (group->sample_bytes > 0)
        print_sample(w, group, secrets);
}

char *failures_first(const struct job_report *report, const struct secrets *secrets)
{
    char *text = NULL;
    size_t bytes = 0;
    if (report->failures.count == 0)
        return NULL;
    FILE *memory = open_memstream(&text, &bytes);
    if (!memory)
        return NULL;
    struct wrapped line = {.out = memory, .columns = UINT_MAX};
    print_cause(&line, &report->failures.list[0], secrets);
    return fclose(memory) == 0 ? text : NULL;
}

static void print_group(FILE *out, const struct group *group, const struct secrets *secrets)
{
    unsigned columns = terminal_columns(STDERR_FILENO);
    struct wrapped w = {.out = out,
                        .columns = columns > 2 * GROUP_INDENT ? columns : UINT_MAX,
                        .indent = GROUP_INDENT,
                        .at = GROUP_INDENT};
    fprintf(out, "            %9llu  ", (unsigned long long)group->count);
    print_cause(&w, group, secrets);
    fprintf(out, "\n%*sid", GROUP_INDENT, "");
    for (uint32_t i = 0; i < group->ids_count; i++)
        fprintf(out, "%s%s", i > 0 ? ", " : " ",
                group->ids[i].text[0] ? group->ids[i].text : "(long)");
    fputs(group->count > group->ids_count ? ", ...\n" : "\n", out);
}

/* What can be read once more, by the same name. */
static bool is_file(const char *path)
{
    struct stat about;
    return descriptor_named(path) < 0 && stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

/* How to see the first result of a group. */
static void print_look(FILE *out, const struct group *group, const struct send_options *options)
{
    char start[GROUP_ID_BYTES + 16];
    if (!options->output || !is_file(options->output) || send_given(options, OPTION_CSV) ||
        !group->ids[0].text[0])
        return;
    snprintf(start, sizeof start, "{\"id\":%s,", group->ids[0].text);
    fputs("  see one   grep -m 1 -F", out);
    shell_print_word(out, start);
    shell_print_path(out, options->output);
    fputc('\n', out);
}

void failures_print(FILE *out, const struct job_report *report, const struct send_options *options)
{
    const struct failure_groups *groups = &report->failures;
    uint64_t failed = report->records - report->ok, shown = 0;
    uint32_t order[GROUPS_MAX];
    failure_groups_order(groups, order);
    fprintf(out, "  failed    %s%9llu%s\n", terminal_style(STDERR_FILENO, TERMINAL_RED),
            (unsigned long long)failed, terminal_style(STDERR_FILENO, TERMINAL_PLAIN));
    for (uint32_t i = 0; i < groups->count && i < GROUPS_SHOWN; i++) {
        print_group(out, &groups->list[order[i]], &options->request.secrets);
        shown += groups->list[order[i]].count;
    }
    if (failed > shown)
        fprintf(out, "            %9llu  of other causes\n", (unsigned long long)(failed - shown));
    if (report->ambiguous > 0)
        fprintf(out,
                "  ambiguous %9llu  may have been processed, nobody can tell: see the results\n%s",
                (unsigned long long)report->ambiguous,
                options->records.key_header || options->request.engine.tries == 1
                    ? ""
                    : "                       --idempotency-key has them tried again, where the "
                      "platform goes by keys;\n"
                      "                       --at-least-once does where doing it twice is "
                      "harmless\n");
    if (report->unjudged > 0)
        fprintf(
            out,
            "  unjudged  %9llu  --ok-if or --retry-if could not read the body: see the results\n",
            (unsigned long long)report->unjudged);
    if (groups->count == 0)
        return;
    const struct group *largest = &groups->list[order[0]];
    print_look(out, largest, options);
    if (largest->status == 401 && login_given(options))
        fprintf(out,
                "  perhaps   the platform does not take what %s gives: check it, and what it "
                "may do\n",
                login_given(options));
    else if (remedy_for(largest))
        fprintf(out, "  perhaps   %s\n", remedy_for(largest));
}

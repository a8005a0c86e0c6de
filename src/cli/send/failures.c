#include "cli/send/failures.h"

#include "base/text.h"
#include "cli/shell.h"
#include "cli/units.h"

#include <string.h>

enum { GROUPS_SHOWN = 8, SAMPLE_COLUMNS = 100 };

/* What may help, for the cause of most failures. */
struct remedy {
    int status;
    enum ringsend_error error;
    const char *text;
};

static const struct remedy remedies[] = {
    {401, RINGSEND_OK, "the platform wants to know who asks: -H @FILE, or --cert"},
    {403, RINGSEND_OK, "the platform refuses who asks: check the credentials (-H @FILE, --cert)"},
    {404, RINGSEND_OK, "check the URLs"},
    {413, RINGSEND_OK, "the platform takes no bodies that large"},
    {429, RINGSEND_OK, "slower: --rate N/s, or fewer at once: -c N, or --adaptive"},
    {503, RINGSEND_OK, "slower: --rate N/s, or fewer at once: -c N, or --adaptive"},
    {0, RINGSEND_E_BAD_RECORD, "mend the records; the details say where"},
    {0, RINGSEND_E_CONNECT_REFUSED, "is the platform up? Is the port right?"},
    {0, RINGSEND_E_CONNECT_NO_PORT,
     "fewer at once: -c N, or more ports: sysctl net.ipv4.ip_local_port_range"},
    {0, RINGSEND_E_DNS_NOT_FOUND, "check the host names"},
    {0, RINGSEND_E_TIMEOUT_CONNECT, "longer: --connect-timeout 30s, or fewer at once: -c N"},
    {0, RINGSEND_E_TIMEOUT_FIRST_BYTE, "longer: --first-byte-timeout 2m, or fewer at once: -c N"},
    {0, RINGSEND_E_TIMEOUT_ATTEMPT, "longer: --timeout 5m, or fewer at once: -c N"},
    {0, RINGSEND_E_TIMEOUT_RECORD, "longer: --deadline T"},
    {0, RINGSEND_E_TLS_UNKNOWN_CA, "trust its authority: --cacert FILE"},
    {0, RINGSEND_E_BODY_TOO_LARGE, "--max-body SIZE"},
};

static const char *remedy_for(const struct group *group)
{
    for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++) {
        const struct remedy *r = &remedies[i];
        if (r->error == group->error && (r->error != RINGSEND_OK || r->status == group->status))
            return r->text;
    }
    return NULL;
}

/* In one line, with what a terminal must not be given as dots. */
static void print_line(FILE *out, struct ringsend_bytes text)
{
    unsigned columns = 0;
    for (size_t at = 0; at < text.bytes && columns < SAMPLE_COLUMNS; columns++) {
        unsigned char c = (unsigned char)text.data[at];
        unsigned bytes = text_utf8_bytes(text.data + at, text.bytes - at);
        /* C1 controls (0x80 to 0x9f) are c2 80 to c2 9f. */
        bool is_plain = bytes > 1 ? c != 0xc2 || (unsigned char)text.data[at + 1] >= 0xa0
                                  : bytes == 1 && c >= 0x20 && c != 0x7f;
        if (is_plain)
            fwrite(text.data + at, 1, bytes, out);
        else
            fputc(c == '\n' || c == '\r' || c == '\t' ? ' ' : '.', out);
        at += bytes > 0 ? bytes : 1;
    }
}

/* A platform may say what it was sent. */
static void print_sample(FILE *out, const struct group *group, const struct secrets *secrets)
{
    struct buf_pool pool;
    struct buf shown = {0};
    buf_pool_init(&pool);
    if (secrets_mask(secrets, (struct ringsend_bytes){group->sample, group->sample_bytes}, &pool,
                     &shown))
        print_line(out, (struct ringsend_bytes){shown.data, shown.bytes});
    buf_release(&pool, &shown);
    buf_pool_free(&pool);
}

/* The name of an error, or a status, and what was said to it. */
static void print_cause(FILE *out, const struct group *group, const struct secrets *secrets)
{
    if (group->error != RINGSEND_OK)
        fputs(ringsend_error_name(group->error), out);
    else
        fprintf(out, "status %d", group->status);
    if (group->sample_bytes > 0) {
        fputs(": ", out);
        print_sample(out, group, secrets);
    }
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
    print_cause(memory, &report->failures.list[0], secrets);
    return fclose(memory) == 0 ? text : NULL;
}

static void print_group(FILE *out, const struct group *group, const struct secrets *secrets)
{
    fprintf(out, "            %9llu  ", (unsigned long long)group->count);
    print_cause(out, group, secrets);
    fputs("\n                       id", out);
    for (uint32_t i = 0; i < group->ids_count; i++)
        fprintf(out, "%s%s", i > 0 ? ", " : " ",
                group->ids[i].text[0] ? group->ids[i].text : "(long)");
    fputs(group->count > group->ids_count ? ", ...\n" : "\n", out);
}

/* How to see the first result of a group. */
static void print_look(FILE *out, const struct group *group, const struct send_options *options)
{
    char start[GROUP_ID_BYTES + 16];
    if (!options->output || strcmp(options->output, "-") == 0 || send_given(options, OPTION_CSV) ||
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
    fprintf(out, "  failed    %9llu\n", (unsigned long long)failed);
    for (uint32_t i = 0; i < groups->count && i < GROUPS_SHOWN; i++) {
        print_group(out, &groups->list[order[i]], &options->request.secrets);
        shown += groups->list[order[i]].count;
    }
    if (failed > shown)
        fprintf(out, "            %9llu  of other causes\n", (unsigned long long)(failed - shown));
    if (report->ambiguous > 0)
        fprintf(out,
                "  ambiguous %9llu  may have been processed, nobody can tell: see the results\n",
                (unsigned long long)report->ambiguous);
    if (report->unjudged > 0)
        fprintf(
            out,
            "  unjudged  %9llu  --ok-if or --retry-if could not read the body: see the results\n",
            (unsigned long long)report->unjudged);
    if (groups->count == 0)
        return;
    const struct group *largest = &groups->list[order[0]];
    print_look(out, largest, options);
    if (remedy_for(largest))
        fprintf(out, "  perhaps   %s\n", remedy_for(largest));
}

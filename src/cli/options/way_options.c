/* Each is checked here as the engine will, so that usage errors name the options. */
#include "cli/options/way_options.h"

#include "base/address.h"
#include "base/limits.h"
#include "base/span.h"
#include "cli/options/values.h"
#include "http/url.h"

#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

const char *way_options_socket(const struct options *given, bool *is_abstract)
{
    enum { ROOM = sizeof((struct sockaddr_un *)NULL)->sun_path };
    bool by_path = option_given(given, OPTION_UNIX_SOCKET);
    enum option_id id = by_path ? OPTION_UNIX_SOCKET : OPTION_ABSTRACT_UNIX_SOCKET;
    const char *command = command_name(given->command);
    if (by_path && option_given(given, OPTION_ABSTRACT_UNIX_SOCKET))
        usage_error(command, "--unix-socket and --abstract-unix-socket are two: give one of them");
    *is_abstract = !by_path && option_given(given, id);
    const char *text = option_text(given, id);
    if (text && strlen(text) >= ROOM)
        usage_error(command,
                    "%s: it is %zu bytes long, and the kernel takes %d: name it from the directory "
                    "in which it is, or by a symbolic link to that",
                    option_long(id), strlen(text), ROOM - 1);
    return text;
}

static char *copy(const char *command, const char *text, size_t bytes)
{
    char *to = strndup(text, bytes);
    if (!to)
        usage_error(command, "memory is out");
    return to;
}

/* ---- --interface ---- */

static bool is_address(const char *text)
{
    struct address addresses[2];
    uint32_t count;
    return !addresses_read(text, addresses, 2, &count);
}

/* One address of each version, of a name. Null: it has none. */
static char *look_up(const char *command, const char *name)
{
    struct addrinfo *found, hints = {.ai_socktype = SOCK_STREAM};
    char text[2][NI_MAXHOST] = {"", ""}, both[2 * NI_MAXHOST + 2];
    if (getaddrinfo(name, NULL, &hints, &found) != 0)
        return NULL;
    for (const struct addrinfo *a = found; a; a = a->ai_next) {
        char *to = text[a->ai_family == AF_INET6];
        if (!to[0] &&
            getnameinfo(a->ai_addr, a->ai_addrlen, to, NI_MAXHOST, NULL, 0, NI_NUMERICHOST) != 0)
            to[0] = '\0';
    }
    freeaddrinfo(found);
    int bytes = snprintf(both, sizeof both, "%s%s%s", text[0], text[0][0] && text[1][0] ? "," : "",
                         text[1]);
    return copy(command, both, (size_t)bytes);
}

/* As curl has it: if!DEVICE, host!NAME, or whichever of device, address and name it is. */
static void take_interface(struct way_options *way, struct ringsend_options *engine,
                           const struct options *given)
{
    const char *command = command_name(given->command);
    const char *text = option_text(given, OPTION_INTERFACE);
    if (!text)
        return;
    bool by_device = strncmp(text, "if!", 3) == 0, by_host = strncmp(text, "host!", 5) == 0;
    const char *name = by_device ? text + 3 : by_host ? text + 5 : text;
    if (!by_host && strlen(name) < IF_NAMESIZE && if_nametoindex(name) != 0) {
        engine->local_device = way->local = copy(command, name, strlen(name));
        return;
    }
    if (by_device)
        usage_error(command, "--interface %s: there is no network device of that name", text);
    way->local = is_address(name) ? copy(command, name, strlen(name)) : look_up(command, name);
    if (!way->local || !way->local[0])
        usage_error(command,
                    "--interface %s: it is no network device, no address, and no name that has one",
                    text);
    engine->local_address = way->local;
}

/* ---- --connect-to ---- */

/* HOST, perhaps in brackets, perhaps empty, up to a colon. *text: what stands behind that, or null.
 */
static char *take_host(const char *command, const char *all, const char **text)
{
    const char *at = *text, *why;
    const char *end = at[0] == '[' ? strchr(at, ']') : at;
    const char *colon = end ? strchr(end, ':') : NULL;
    if (!colon)
        usage_error(command, "--connect-to %s: it must be HOST1:PORT1:HOST2:PORT2", all);
    bool in_brackets = at[0] == '[' && colon[-1] == ']';
    *text = colon + 1;
    if (colon == at)
        return NULL;
    char *host = copy(command, at + in_brackets, (size_t)(colon - at) - (in_brackets ? 2 : 0));
    if (url_check_host(span_of(host), &why) != RINGSEND_OK)
        usage_error(command, "--connect-to %s: %s", all, why);
    return host;
}

static uint16_t take_port(const char *command, const char *text, size_t bytes)
{
    char number[8] = "";
    if (bytes == 0)
        return 0;
    memcpy(number, text, bytes < sizeof number ? bytes : sizeof number - 1);
    return (uint16_t)value_count(command, "--connect-to, a port", number, 1, UINT16_MAX);
}

static void add_connect_to(struct way_options *way, const char *command, const char *text)
{
    size_t count = way->connect_to_count;
    if (count == LIMIT_OVERRIDES)
        usage_error(command, "--connect-to: at most %d can be given", LIMIT_OVERRIDES);
    struct ringsend_connect_to *all = reallocarray(way->connect_to, count + 1, sizeof *all);
    if (!all)
        usage_error(command, "memory is out");
    const char *at = text;
    char *host = take_host(command, text, &at);
    size_t port_bytes = strcspn(at, ":");
    if (at[port_bytes] != ':')
        usage_error(command, "--connect-to %s: it must be HOST1:PORT1:HOST2:PORT2", text);
    uint16_t port = take_port(command, at, port_bytes);
    at += port_bytes + 1;
    char *to_host = take_host(command, text, &at);
    all[count] = (struct ringsend_connect_to){.host = host,
                                              .port = port,
                                              .to_host = to_host,
                                              .to_port = take_port(command, at, strlen(at))};
    way->connect_to = all;
    way->connect_to_count = count + 1;
}

/* ---- all of them ---- */

void way_options_take(struct way_options *way, struct ringsend_options *engine,
                      const struct options *given)
{
    const char *command = command_name(given->command);
    engine->unix_socket = way_options_socket(given, &engine->unix_abstract);
    take_interface(way, engine, given);
    for (size_t i = 0; i < given->uses_count; i++) { /* the last one counts, as with curl */
        enum option_id id = given->uses[i].row->id;
        if (id == OPTION_IPV4 || id == OPTION_IPV6)
            engine->ip_version = id == OPTION_IPV4 ? 4 : 6;
        else if (id == OPTION_CONNECT_TO)
            add_connect_to(way, command, given->uses[i].text);
    }
    engine->connect_to = way->connect_to;
    engine->connect_to_count = way->connect_to_count;
}

void way_options_free(struct way_options *way)
{
    for (size_t i = 0; i < way->connect_to_count; i++) {
        free((char *)(uintptr_t)way->connect_to[i].host);
        free((char *)(uintptr_t)way->connect_to[i].to_host);
    }
    free(way->connect_to);
    free(way->local);
}

/* Each is checked here as the engine will, so that usage errors name the options. */
#include "cli/options/way_options.h"

#include "cli/options/values.h"

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

void way_options_take(struct ringsend_options *engine, const struct options *given)
{
    engine->unix_socket = way_options_socket(given, &engine->unix_abstract);
}

#ifndef MCM_NS_ENTER_OPTIONS_H
#define MCM_NS_ENTER_OPTIONS_H

#include "command.h"
#include "error.h"
#include "target.h"
#include "terminal.h"

/* The command line of ns_enter, checked. Its strings are those of argv. */
struct enter_options {
    int status_fd;
    int control_fd;
    int env_fd; /* -1: none */
    bool trace;
    const char *id;
    struct target target;
    struct terminal_size size;
    struct command command; /* without its environment, which comes through env_fd */
};

/* Step `options` with the name of what was refused. */
int enter_options_parse(char **argv, struct enter_options *ret_options, struct error *error);

/* The value of --status-fd, wherever it stands, so that a refused command line can be reported on
 * it; -1 when there is none that is usable. */
int enter_options_find_status_fd(char **argv);

#endif

#ifndef MCM_OPTIONS_H
#define MCM_OPTIONS_H

#include "container.h"
#include "error.h"
#include "target.h"

enum verb {
    VERB_START,
    VERB_STOP,
    VERB_KILL,
    VERB_PAUSE,
    VERB_RESUME,
    VERB_UPDATE,
    VERB_REMOVE,
    VERB_REMOVE_TREE,
    VERB_DOCTOR,
    VERB_CHANGES
};

/* The command line of container_executor, checked. Its strings are those of argv. */
struct options {
    enum verb verb;
    int status_fd;
    int env_fd;                 /* -1: none */
    bool trace;                 /* start */
    struct container container; /* start; of the other verbs what they take */
    struct target target;       /* stop, kill, pause, resume */
    struct target monitor;      /* pid 0: not given */
    int signal;
    uint64_t grace_ms;
    const char *path;  /* remove-tree */
    const char *upper; /* changes */
    const char *lower; /* changes */
};

/* Step `options` with the name of what was refused. */
int options_parse(char **argv, struct options *ret_options, struct error *error);

/* The value of --status-fd, wherever it stands, so that a refused command line can be reported on
 * it; -1 when there is none that is usable. */
int options_find_status_fd(char **argv);

#endif

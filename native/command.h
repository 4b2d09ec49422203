#ifndef MCM_COMMAND_H
#define MCM_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "error.h"

#define GROUPS_MAX 64

/* Who the command runs as, inside the container's user namespace. */
struct identity {
    uid_t uid;
    gid_t gid;
    gid_t groups[GROUPS_MAX];
    size_t group_count;
    char home[256]; /* of passwd, "/" when there is no entry */
};

/*
 * What runs: the same for pid 1's command and for an entered one, so that both are confined by the
 * same lines. All strings belong to the caller.
 */
struct command {
    char *const *argv; /* NULL-terminated, argv[0] is looked up in the PATH of environment */
    /* NULL-terminated KEY=VALUE; PATH, HOME, HOSTNAME and, on a terminal, TERM get defaults. */
    char *const *environment;
    const char *workdir; /* absolute inside the container, or NULL: "/" */
    const char *user;    /* USER[:GROUP], names or numbers, or NULL: 0:0 */
    bool tty;            /* stdin is the terminal: made the controlling one, and the user's */
};

/*
 * Resolves `text` against /etc/passwd and /etc/group of the current root, which must be the
 * container's. Numbers need no entry and must be below 65536 (without one the group is 0); a file
 * over 1 MiB, an unknown name, `1:`, `+1` and 4294967296 are errors, never 0 (CVE-2026-30892). A
 * given group comes alone, without the user's memberships.
 */
int identity_resolve(const char *text, struct identity *ret_identity, struct error *error);

/*
 * The last steps of a forked child that is root in the container's namespaces with the container's
 * root as "/": identity, session and terminal, rlimits, environment, signals and umask; then
 * capabilities, ids and no_new_privs, the working directory (checked to lie inside the root after
 * chdir, CVE-2024-21626), close_range, seccomp, execve. Returns only on failure: step `exec` with
 * ENOENT or EACCES and so on is the command's own fault. fds 0-2 are the command's; `error_fd`
 * stays open close-on-exec for the caller to report on.
 */
int command_exec(const struct command *command, int error_fd, struct error *error);

#endif

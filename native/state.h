#ifndef MCM_STATE_H
#define MCM_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "cgroup.h"
#include "container.h"
#include "error.h"
#include "util.h"

/* What a start made in the directories that it was given, and has to undo when it fails. */
struct made {
    bool run_dir;
    bool upper, work, mounts, log, exit_partial;
};

/* A container's directories while it is started and runs. */
struct state {
    int dir; /* state directory; its lock goes with it */
    int run; /* runtime directory */
    struct made made;
};

/* Who runs: the content of state.json and of the event "started". */
struct running {
    pid_t pid, monitor_pid;
    uint64_t start_time, monitor_start_time;
    char boot_id[37];
    char started_at[TIMESTAMP_SIZE];
};

/* How it ended: the content of exit.json. */
struct exited {
    int wait_status; /* as of wait(2) */
    struct cgroup_usage usage;
    const char *started_at;
};

/*
 * Locks the state directory (step `state`, ENOENT when it is not there; step `lock`, EBUSY when the
 * container runs, for which `parent`'s children are looked at) and makes in both directories what a
 * start needs. Undoes all of it on failure.
 */
int state_prepare(const struct container *container, const struct cgroup *parent,
                  struct state *ret_state, struct error *error);

/* Takes away what this start made, and nothing else. */
void state_undo(const struct container *container, struct state *state);

/* Writes state.json aside and renames it. */
int state_write_running(const struct state *state, const struct running *running,
                        struct error *error);

/* Fills exit.json.partial, which has its space since the start, and renames it over exit.json. */
int state_write_exit(const struct state *state, const struct exited *exited, struct error *error);

/* What state.json says is over. */
void state_remove_running(const struct state *state);

/* The members of `running`, into a begun line. */
struct json_line;
void state_describe(const struct running *running, struct json_line *line);

#endif

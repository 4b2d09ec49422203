#ifndef MCM_PROCFS_H
#define MCM_PROCFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The kernel's text formats, proc(5) and cgroups(7), as far as they are needed. Nothing here reads a
 * file: what is given is text, which is cut up where it stands, and results point into it. False
 * means that it is not of that form.
 */

/* Of /proc/PID/stat. */
struct process_stat {
    char state;
    pid_t session;
    uint64_t start_time; /* in clock ticks since boot */
};

bool process_stat_parse(char *text, struct process_stat *ret_stat);

/* One line of /proc/PID/cgroup, "ID:CONTROLLERS:PATH"; v2 has no controllers there. */
struct membership {
    const char *controllers;
    const char *path;
};

bool membership_parse(char *line, struct membership *ret_membership);

/* One line of /proc/PID/mountinfo. */
struct mount_line {
    const char *root; /* the path inside of the file system that is mounted */
    const char *point;
    const char *type;
    const char *options; /* of the file system */
};

bool mount_line_parse(char *line, struct mount_line *ret_mount);

/* The number after `key` in lines "KEY NUMBER", as in cpu.stat. */
bool keyed_number(const char *text, const char *key, uint64_t *ret_number);

#endif

#ifndef MCM_CGROUP_H
#define MCM_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "container.h"
#include "error.h"

/*
 * The hierarchies that we use where the host has them: the unified one, the v1 ones of controllers
 * that it still has there, and systemd's own, so that no unit counts a container as its process.
 */
enum cgroup_hierarchy {
    CGROUP_UNIFIED,
    CGROUP_MEMORY,
    CGROUP_CPU,
    CGROUP_CPUACCT,
    CGROUP_CPUSET,
    CGROUP_PIDS,
    CGROUP_FREEZER,
    CGROUP_BLKIO,
    CGROUP_DEVICES, /* only where no program can stand for it (device_filter.h) */
    CGROUP_SYSTEMD,
    CGROUP_HIERARCHIES
};

#define CGROUP_PARENT   "my-container-manager"
#define CGROUP_MONITORS "monitors" /* the monitors' own, no container's id */

/* One directory in each hierarchy; -1 where there is none. */
struct cgroup {
    int fds[CGROUP_HIERARCHIES];
};

/* What was used; a figure that this host does not give is absent. */
struct cgroup_usage {
    bool has_memory_peak, has_cpu_time;
    uint64_t memory_peak;   /* bytes */
    uint64_t cpu_time_usec; /* user and system */
    uint64_t oom_kills;
};

#define CGROUP_NONE      ((struct cgroup){.fds = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1}})
#define _cleanup_cgroup_ __attribute__((cleanup(cgroup_close)))
void cgroup_close(struct cgroup *cgroup);

/*
 * Opens our parent directory in every hierarchy, made when `create`: a hierarchy that is read-only
 * then counts as absent, and a host without any is step `cgroup`, EROFS or ENOENT. `parent` is
 * CGROUP_NONE, or what was found before, so that only what is missing is looked for; its fds are
 * the caller's to close in any case.
 */
int cgroup_open_parent(bool create, struct cgroup *parent, struct error *error);

/*
 * Keeps our parent directories from being tidied away while a start makes use of them; closing the
 * returned fd ends it. -1 with errno.
 */
int cgroup_hold(void);

/* Removes our parent directories where nothing is in them any more; others are left alone. */
void cgroup_tidy(void);

/*
 * Makes a directory that everybody may search, whatever the umask: kernels before 6.13 look up
 * where a container's cgroup namespace begins with the rights of the container's root, which there
 * is nobody. -1 with errno.
 */
int cgroup_make_directory(int parent, const char *name);

/* Makes controllers available in the children of our parent in the unified hierarchy. */
void cgroup_enable_controllers(const struct cgroup *parent);

/* Opens a child of our parent, made when `create`; what is not there is left out. */
int cgroup_open(const struct cgroup *parent, const char *name, bool create,
                struct cgroup *ret_cgroup, struct error *error);

/*
 * Makes the container's cgroup with its limits, before any process is in it. One that an earlier
 * run left behind is replaced; one with processes in it is step `lock`, EBUSY. A limit whose
 * controller is nowhere is refused with the limit's own step. On failure nothing is left.
 */
int cgroup_create(const struct cgroup *parent, const char *id, const struct limits *limits,
                  struct cgroup *ret_cgroup, struct error *error);

/*
 * Writes the limits that are given. With `keep` all of them or none: where one fails, what was
 * before is put back. A failure is at the limit's own step, ENOENT when its controller is nowhere.
 */
int cgroup_set_limits(const struct cgroup *parent, const struct cgroup *cgroup,
                      const struct limits *limits, bool keep, struct error *error);

/* Has memory taken back, so that a limit of `bytes` kills nobody: step `limit-memory`, EBUSY, where
 * more is in use for good. Between this and the limit the container may still grow. */
int cgroup_make_room(const struct cgroup *cgroup, uint64_t bytes, struct error *error);

/*
 * Moves the calling process, which has one thread, into the v1 directories; the unified one is
 * joined at birth (clone3). By its own hand and by `tasks`: a thread that moves itself needs no
 * lock over all processes of the system, which cgroup.procs takes, and waits an RCU grace period of
 * several milliseconds for (cgroup_procs_write_start() in the kernel's kernel/cgroup/cgroup.c).
 */
int cgroup_join(const struct cgroup *cgroup, struct error *error);

bool cgroup_is_populated(const struct cgroup *cgroup);

/* Kills everything in it, frozen or not, and waits until it is empty. */
int cgroup_kill(const struct cgroup *cgroup, struct error *error);

/*
 * Stops every process in it where it stands, by the unified hierarchy or by v1's freezer, and waits
 * until they are. Step `freeze`: ENOENT when the host has neither, EBUSY when a process does not
 * stop; all run on then.
 */
int cgroup_freeze(const struct cgroup *cgroup, struct error *error);

/* Lets them go on. Done also when they are not frozen. -1 with errno. */
int cgroup_thaw(const struct cgroup *cgroup);

bool cgroup_is_frozen(const struct cgroup *cgroup);

struct cgroup_usage cgroup_read_usage(const struct cgroup *cgroup);

/* Removes the empty cgroup `id`; done also when it is not there. */
int cgroup_remove(const struct cgroup *parent, const char *id, struct error *error);

#endif

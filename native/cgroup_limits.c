/* The limits, by the files of whichever version of cgroups has the controller on this host. */
#include "cgroup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "util.h"

#define CPU_PERIOD_USEC 100000

/* Why a limit is refused whose controller is neither in a v1 hierarchy nor in the unified one. */
static int limit_unsupported(enum step step, const char *controller, struct error *error)
{
    return error_set(error, step, ENOENT, "this host has no %s controller for control groups",
                     controller);
}

/* Writes a file of the unified hierarchy, whose controllers may have to be enabled first. */
static int unified_write(const struct cgroup *parent, const struct cgroup *cgroup, const char *file,
                         const char *text)
{
    int fd = cgroup->fds[CGROUP_UNIFIED];

    if (fd < 0) {
        errno = ENOENT;
        return -1;
    }
    if (write_file_at(fd, file, text) == 0)
        return 0;
    if (errno != ENOENT)
        return -1;
    cgroup_enable_controllers(parent);
    return write_file_at(fd, file, text);
}

static int limit_memory(const struct cgroup *parent, const struct cgroup *cgroup, uint64_t bytes,
                        struct error *error)
{
    int fd = cgroup->fds[CGROUP_MEMORY];
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, bytes);
    if (fd >= 0) {
        /* In this order: memory and swap together may not be less than memory. */
        if (write_file_at(fd, "memory.limit_in_bytes", text) < 0 ||
            (write_file_at(fd, "memory.memsw.limit_in_bytes", text) < 0 && errno != ENOENT))
            return error_set(error, STEP_LIMIT_MEMORY, errno, "cannot limit memory to %s bytes",
                             text);
        return 0;
    }
    if (unified_write(parent, cgroup, "memory.max", text) < 0) {
        if (errno == ENOENT)
            return limit_unsupported(STEP_LIMIT_MEMORY, "memory", error);
        return error_set(error, STEP_LIMIT_MEMORY, errno, "cannot limit memory to %s bytes", text);
    }
    /* A kernel without swap has no file for it. */
    if ((unified_write(parent, cgroup, "memory.swap.max", "0") < 0 && errno != ENOENT) ||
        unified_write(parent, cgroup, "memory.oom.group", "1") < 0)
        return error_set(error, STEP_LIMIT_MEMORY, errno, "cannot limit swap");
    return 0;
}

static int limit_cpu(const struct cgroup *parent, const struct cgroup *cgroup, uint64_t quota,
                     struct error *error)
{
    int fd = cgroup->fds[CGROUP_CPU];
    char text[48];
    int result;

    if (fd >= 0) {
        /* The period is CPU_PERIOD_USEC unless somebody changes it. */
        snprintf(text, sizeof(text), "%" PRIu64, quota);
        result = write_file_at(fd, "cpu.cfs_quota_us", text);
    } else {
        snprintf(text, sizeof(text), "%" PRIu64 " %d", quota, CPU_PERIOD_USEC);
        result = unified_write(parent, cgroup, "cpu.max", text);
    }
    if (result < 0 && errno == ENOENT)
        return limit_unsupported(STEP_LIMIT_CPU, "cpu", error);
    if (result < 0)
        return error_set(error, STEP_LIMIT_CPU, errno,
                         "cannot limit the processor to %" PRIu64 " microseconds in each %d", quota,
                         CPU_PERIOD_USEC);
    return 0;
}

static int limit_cpuset(const struct cgroup *parent, const struct cgroup *cgroup, const char *list,
                        struct error *error)
{
    int fd = cgroup->fds[CGROUP_CPUSET];
    int result = fd >= 0 ? write_file_at(fd, "cpuset.cpus", list)
                         : unified_write(parent, cgroup, "cpuset.cpus", list);

    if (result < 0 && errno == ENOENT)
        return limit_unsupported(STEP_LIMIT_CPUSET, "cpuset", error);
    if (result < 0)
        return error_set(error, STEP_LIMIT_CPUSET, errno,
                         "cannot limit the container to the processors %.100s", list);
    return 0;
}

static int limit_pids(const struct cgroup *parent, const struct cgroup *cgroup, uint64_t count,
                      struct error *error)
{
    int fd = cgroup->fds[CGROUP_PIDS];
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, count);
    int result = fd >= 0 ? write_file_at(fd, "pids.max", text)
                         : unified_write(parent, cgroup, "pids.max", text);
    if (result < 0 && errno == ENOENT)
        return limit_unsupported(STEP_LIMIT_PIDS, "pids", error);
    if (result < 0)
        return error_set(error, STEP_LIMIT_PIDS, errno, "cannot limit processes to %s", text);
    return 0;
}

int cgroup_set_limits(const struct cgroup *parent, const struct cgroup *cgroup,
                      const struct limits *limits, struct error *error)
{
    if (limits->memory != 0 && limit_memory(parent, cgroup, limits->memory, error) < 0)
        return -1;
    if (limits->cpu_quota != 0 && limit_cpu(parent, cgroup, limits->cpu_quota, error) < 0)
        return -1;
    if (limits->cpuset != NULL && limit_cpuset(parent, cgroup, limits->cpuset, error) < 0)
        return -1;
    if (limits->pids != 0 && limit_pids(parent, cgroup, limits->pids, error) < 0)
        return -1;
    return 0;
}

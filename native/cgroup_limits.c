/* The limits, as files of whichever version of cgroups has the controller on this host. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cgroup.h"
#include "cgroup_change.h"
#include "util.h"

#define CPU_PERIOD_USEC 100000
#define CPUS_SIZE       4096

/* The hierarchy of a controller: its own of v1 where there is one. */
static enum cgroup_hierarchy place(const struct cgroup *cgroup, enum cgroup_hierarchy legacy)
{
    return cgroup->fds[legacy] >= 0 ? legacy : CGROUP_UNIFIED;
}

static struct change *change_add(struct changes *changes, enum step step,
                                 enum cgroup_hierarchy hierarchy, const char *file)
{
    struct change *change = &changes->list[changes->count++];

    *change = (struct change){.step = step, .hierarchy = hierarchy, .file = file};
    return change;
}

/* Adds a file that takes a number, or `none` for no limit. */
static struct change *number_add(struct changes *changes, enum step step,
                                 enum cgroup_hierarchy hierarchy, const char *file, uint64_t number,
                                 const char *none)
{
    struct change *change = change_add(changes, step, hierarchy, file);

    if (number == LIMIT_NONE)
        change->value = none;
    else
        snprintf(change->text, sizeof(change->text), "%" PRIu64, number);
    return change;
}

/* Memory and swap together may at no moment be less than memory, so the order of the two files
 * depends on which way the limit goes. */
static void memory_legacy_add(const struct cgroup *cgroup, uint64_t bytes, struct changes *changes)
{
    static const char memory[] = "memory.limit_in_bytes", both[] = "memory.memsw.limit_in_bytes";
    uint64_t now;
    char text[32];
    bool raise = false;

    if (read_file_at(cgroup->fds[CGROUP_MEMORY], both, text, sizeof(text)) > 0) {
        text[strcspn(text, "\n")] = '\0';
        raise = parse_uint(text, UINT64_MAX, &now) && bytes > now;
    }
    struct change *first =
        number_add(changes, STEP_LIMIT_MEMORY, CGROUP_MEMORY, raise ? both : memory, bytes, "-1");
    struct change *second =
        number_add(changes, STEP_LIMIT_MEMORY, CGROUP_MEMORY, raise ? memory : both, bytes, "-1");
    (raise ? first : second)->optional = true; /* without swap accounting */
}

static void memory_add(const struct cgroup *cgroup, uint64_t bytes, struct changes *changes)
{
    const bool none = bytes == LIMIT_NONE;

    if (cgroup->fds[CGROUP_MEMORY] >= 0) {
        memory_legacy_add(cgroup, bytes, changes);
        return;
    }
    number_add(changes, STEP_LIMIT_MEMORY, CGROUP_UNIFIED, "memory.max", bytes, "max");
    /* A kernel without swap has no file for it. */
    number_add(changes, STEP_LIMIT_MEMORY, CGROUP_UNIFIED, "memory.swap.max", none ? LIMIT_NONE : 0,
               "max")
        ->optional = true;
    change_add(changes, STEP_LIMIT_MEMORY, CGROUP_UNIFIED, "memory.oom.group")->value =
        none ? "0" : "1";
}

static void cpu_add(const struct cgroup *cgroup, uint64_t quota, struct changes *changes)
{
    if (cgroup->fds[CGROUP_CPU] >= 0) {
        /* The period is CPU_PERIOD_USEC unless somebody changes it. */
        number_add(changes, STEP_LIMIT_CPU, CGROUP_CPU, "cpu.cfs_quota_us", quota, "-1");
        return;
    }
    struct change *change =
        number_add(changes, STEP_LIMIT_CPU, CGROUP_UNIFIED, "cpu.max", quota, "max");
    if (quota != LIMIT_NONE)
        snprintf(change->text, sizeof(change->text), "%" PRIu64 " %d", quota, CPU_PERIOD_USEC);
}

/* Without a limit a cpuset has what its parent has, which v2 writes as an empty line. `cpus` has
 * room for the parent's. */
static int cpuset_add(const struct cgroup *parent, const struct cgroup *cgroup,
                      const struct limits *limits, char cpus[CPUS_SIZE], struct changes *changes,
                      struct error *error)
{
    struct change *change =
        change_add(changes, STEP_LIMIT_CPUSET, place(cgroup, CGROUP_CPUSET), "cpuset.cpus");

    change->value = limits->cpuset;
    if (strcmp(limits->cpuset, CPUSET_NONE) != 0)
        return 0;
    change->value = cpus;
    if (change->hierarchy == CGROUP_UNIFIED)
        snprintf(cpus, CPUS_SIZE, "\n");
    else if (read_file_at(parent->fds[CGROUP_CPUSET], "cpuset.cpus", cpus, CPUS_SIZE) < 0)
        return error_set(error, STEP_LIMIT_CPUSET, errno, "cannot read the parent's cpuset.cpus");
    return 0;
}

/* A line for each disk: v2 has all limits of a disk in one, v1 a file for each limit. */
static void io_add(const struct cgroup *cgroup, enum step step, uint64_t bytes,
                   const struct disks *disks, struct changes *changes)
{
    const bool reading = step == STEP_LIMIT_IO_READ;
    const bool legacy = cgroup->fds[CGROUP_BLKIO] >= 0;
    const char *file = !legacy   ? "io.max"
                       : reading ? "blkio.throttle.read_bps_device"
                                 : "blkio.throttle.write_bps_device";

    for (size_t i = 0; i < disks->count; i++) {
        struct change *change = number_add(changes, step, place(cgroup, CGROUP_BLKIO), file, bytes,
                                           legacy ? "0" : "max");
        change->disk = &disks->list[i];
        if (!legacy)
            change->key = reading ? "rbps" : "wbps";
    }
}

int cgroup_set_limits(const struct cgroup *parent, const struct cgroup *cgroup,
                      const struct limits *limits, bool keep, struct error *error)
{
    struct changes changes;
    char cpus[CPUS_SIZE];

    changes.count = 0;
    if (limits->memory != 0)
        memory_add(cgroup, limits->memory, &changes);
    if (limits->cpu_quota != 0)
        cpu_add(cgroup, limits->cpu_quota, &changes);
    if (limits->cpuset != NULL && cpuset_add(parent, cgroup, limits, cpus, &changes, error) < 0)
        return -1;
    if (limits->pids != 0)
        number_add(&changes, STEP_LIMIT_PIDS, place(cgroup, CGROUP_PIDS), "pids.max", limits->pids,
                   "max");
    if (limits->io_read != 0)
        io_add(cgroup, STEP_LIMIT_IO_READ, limits->io_read, &limits->disks, &changes);
    if (limits->io_write != 0)
        io_add(cgroup, STEP_LIMIT_IO_WRITE, limits->io_write, &limits->disks, &changes);
    return changes_apply(parent, cgroup, &changes, keep, error);
}

/*
 * On v2 a limit below what is used would have the kernel kill: so what can be given back is taken
 * back first, and what then still is too much refuses the limit. On v1 the kernel itself does so.
 */
int cgroup_make_room(const struct cgroup *cgroup, uint64_t bytes, struct error *error)
{
    int fd = cgroup->fds[CGROUP_UNIFIED];
    char text[32];
    uint64_t used;

    if (bytes == 0 || bytes == LIMIT_NONE || cgroup->fds[CGROUP_MEMORY] >= 0 || fd < 0)
        return 0;
    for (bool reclaimed = false;; reclaimed = true) {
        if (read_file_at(fd, "memory.current", text, sizeof(text)) < 0)
            return 0; /* no memory controller: the limit will say so */
        text[strcspn(text, "\n")] = '\0';
        if (!parse_uint(text, UINT64_MAX, &used) || used <= bytes)
            return 0;
        if (reclaimed)
            return error_set(error, STEP_LIMIT_MEMORY, EBUSY,
                             "the container uses more than %" PRIu64 " bytes of memory", bytes);
        /* Does not say how much it got; kernels before 5.19 have no such file. */
        snprintf(text, sizeof(text), "%" PRIu64, used - bytes);
        (void)write_file_at(fd, "memory.reclaim", text);
    }
}

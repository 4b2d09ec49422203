#include "limits_resolve.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cpus.h"
#include "status.h"

static bool is_limited(uint64_t limit)
{
    return limit != 0 && limit != LIMIT_NONE;
}

/* Every disk that the container can read from or write to, by what it is shown. */
static int disks_resolve(struct container *container, struct error *error)
{
    struct limits *limits = &container->limits;
    const enum step step = limits->io_read != 0 ? STEP_LIMIT_IO_READ : STEP_LIMIT_IO_WRITE;

    limits->disks.count = 0;
    if (limits->io_read == 0 && limits->io_write == 0)
        return 0;
    if (disks_add(&limits->disks, container->state_dir, DISKLESS_REFUSED, step, error) < 0 ||
        (container->rootfs != NULL &&
         disks_add(&limits->disks, container->rootfs, DISKLESS_MEMORY, step, error) < 0))
        return -1;
    for (size_t i = 0; i < container->volume_count; i++)
        if (disks_add(&limits->disks, container->volumes[i].source, DISKLESS_MEMORY, step, error) <
            0)
            return -1;
    return 0;
}

int limits_resolve(struct container *container, struct error *error)
{
    const char *cpuset = container->limits.cpuset;

    if (cpuset != NULL && strcmp(cpuset, CPUSET_NONE) != 0 && cpus_check_online(cpuset, error) < 0)
        return -1;
    return disks_resolve(container, error);
}

void limits_warn(int status_fd, const struct cgroup *parent, const struct limits *limits)
{
    int memory = parent->fds[CGROUP_MEMORY];

    /* A kernel built without swap has no /proc/swaps, and nothing to be limited. */
    if (is_limited(limits->memory) && memory >= 0 && access("/proc/swaps", F_OK) == 0 &&
        faccessat(memory, "memory.memsw.limit_in_bytes", F_OK, 0) < 0)
        status_warning(status_fd, STEP_LIMIT_MEMORY,
                       "this kernel does not account swap: beyond its memory limit the container "
                       "can use swap");
    if (is_limited(limits->io_write) && parent->fds[CGROUP_BLKIO] >= 0)
        status_warning(status_fd, STEP_LIMIT_IO_WRITE,
                       "cgroup v1 limits direct and synchronous writes only: what goes through the "
                       "page cache is written at full speed");
}

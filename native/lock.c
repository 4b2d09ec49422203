#include "lock.h"

#include <errno.h>
#include <sys/file.h>
#include <time.h>

#include "cgroup.h"
#include "util.h"

#define POLL_MS 5

int container_is_populated(const char *id, struct error *error)
{
    _cleanup_cgroup_ struct cgroup parent = CGROUP_NONE;
    _cleanup_cgroup_ struct cgroup cgroup = CGROUP_NONE;

    if (cgroup_open_parent(false, &parent, error) < 0 ||
        cgroup_open(&parent, id, false, &cgroup, error) < 0)
        return -1;
    return cgroup_is_populated(&cgroup);
}

int container_lock(const char *id, int state_dir_fd, struct error *error)
{
    const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};

    /* flock(2) itself could wait, but without an end. */
    for (int waited = 0; flock(state_dir_fd, LOCK_EX | LOCK_NB) < 0; waited += POLL_MS) {
        if (errno != EWOULDBLOCK)
            return error_set(error, STEP_LOCK, errno, "cannot lock the state directory");
        int populated = container_is_populated(id, error);
        if (populated < 0)
            return -1;
        if (populated > 0 || waited >= LOCK_WAIT_MS)
            return error_set(error, STEP_LOCK, EBUSY, "the container is running");
        nanosleep(&pause, NULL);
    }
    return 0;
}

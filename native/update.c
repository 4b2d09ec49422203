#include "update.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cgroup.h"
#include "limits_resolve.h"
#include "lock.h"
#include "util.h"

static int update_running(const struct cgroup *parent, const struct cgroup *cgroup,
                          const struct container *container, struct error *error)
{
    if (cgroup_make_room(cgroup, container->limits.memory, error) == 0 &&
        cgroup_set_limits(parent, cgroup, &container->limits, true, error) == 0)
        return 0;
    if (cgroup_is_populated(cgroup))
        return -1;
    return error_set(error, STEP_IDENTIFY, ESRCH, "container %s has ended meanwhile",
                     container->id);
}

/* The lock keeps a start away from the control group that is tried. */
static int update_stopped(const struct cgroup *parent, const struct container *container,
                          struct error *error)
{
    _cleanup_cgroup_ struct cgroup trial = CGROUP_NONE;
    _cleanup_close_ int state_dir =
        open(container->state_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (state_dir < 0)
        return error_set(error, STEP_STATE, errno, "cannot open the state directory %.160s",
                         container->state_dir);
    if (container_lock(container->id, state_dir, error) < 0 ||
        cgroup_create(parent, container->id, &container->limits, &trial, error) < 0)
        return -1;
    return cgroup_remove(parent, container->id, error);
}

/* Also of a container whose monitor was killed. */
static int update_one(const struct cgroup *parent, const struct container *container,
                      bool *ret_running, struct error *error)
{
    _cleanup_cgroup_ struct cgroup cgroup = CGROUP_NONE;

    if (cgroup_open(parent, container->id, false, &cgroup, error) < 0)
        return -1;
    *ret_running = cgroup_is_populated(&cgroup);
    return *ret_running ? update_running(parent, &cgroup, container, error)
                        : update_stopped(parent, container, error);
}

int container_update(struct container *container, int status_fd, bool *ret_running,
                     struct error *error)
{
    _cleanup_cgroup_ struct cgroup parent = CGROUP_NONE;

    if (limits_resolve(container, error) < 0)
        return -1;
    _cleanup_close_ int hold = cgroup_hold();
    if (cgroup_open_parent(true, &parent, error) < 0)
        return -1;
    if (update_one(&parent, container, ret_running, error) < 0)
        return -1;
    limits_warn(status_fd, &parent, &container->limits);
    return 0;
}

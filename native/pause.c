#include "pause.h"

#include <errno.h>

#include "cgroup.h"
#include "util.h"

/* The control group of a container, and whether it is frozen; fails when its init has ended. */
static int frozen_open(const char *id, const struct target *init, struct cgroup *ret_cgroup,
                       bool *ret_frozen, struct error *error)
{
    _cleanup_close_ int init_fd = -1;
    _cleanup_cgroup_ struct cgroup parent = CGROUP_NONE;

    if (target_open(init, &init_fd, error) < 0 || cgroup_open_parent(false, &parent, error) < 0 ||
        cgroup_open(&parent, id, false, ret_cgroup, error) < 0)
        return -1;
    *ret_frozen = cgroup_is_frozen(ret_cgroup);
    return 0;
}

int container_pause(const char *id, const struct target *init, struct error *error)
{
    _cleanup_cgroup_ struct cgroup cgroup = CGROUP_NONE;
    bool frozen;

    if (frozen_open(id, init, &cgroup, &frozen, error) < 0)
        return -1;
    if (frozen)
        return error_set(error, STEP_FREEZE, EALREADY, "the container is paused already");
    return cgroup_freeze(&cgroup, error);
}

int container_resume(const char *id, const struct target *init, struct error *error)
{
    _cleanup_cgroup_ struct cgroup cgroup = CGROUP_NONE;
    bool frozen;

    if (frozen_open(id, init, &cgroup, &frozen, error) < 0)
        return -1;
    if (!frozen)
        return error_set(error, STEP_FREEZE, EALREADY, "the container is not paused");
    if (cgroup_thaw(&cgroup) < 0)
        return error_set(error, STEP_FREEZE, errno, "cannot thaw the container");
    return 0;
}

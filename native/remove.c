#include "remove.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "lock.h"
#include "tree.h"
#include "util.h"

#define NAME_SIZE 32 /* of the names we make: ".removing-" and an id, or a number */

/* Moves a directory up to `top` under a name that is free there. */
static int hoist(int parent, const char *name, int top, unsigned *counter)
{
    char free_name[NAME_SIZE];

    do
        snprintf(free_name, sizeof(free_name), ".hoisted-%u", (*counter)++);
    while (renameat2(parent, name, top, free_name, RENAME_NOREPLACE) < 0 && errno == EEXIST);
    return faccessat(top, free_name, F_OK, AT_SYMLINK_NOFOLLOW);
}

/* Empties a directory: files are unlinked, directories are hoisted to `top`, or, when this is the
 * top itself (`top` -1), emptied and removed in turn. */
static int directory_empty(DIR *directory, int top, unsigned *counter, struct error *error)
{
    struct dirent *entry;
    int fd = dirfd(directory);

    while ((errno = 0, entry = readdir(directory))) {
        const char *name = entry->d_name;

        if (is_self_or_parent(name) || unlinkat(fd, name, 0) == 0 || errno == ENOENT)
            continue;
        if (errno != EISDIR)
            return error_set(error, STEP_REMOVE, errno, "cannot remove the file '%.64s'", name);
        if (top >= 0) {
            if (hoist(fd, name, top, counter) < 0)
                return error_set(error, STEP_REMOVE, errno, "cannot move '%.64s' up", name);
            continue;
        }
        _cleanup_dir_ DIR *child = directory_open(fd, name);
        if (!child)
            return error_set(error, STEP_REMOVE, errno, "cannot open '%.64s'", name);
        if (directory_empty(child, fd, counter, error) < 0)
            return -1;
        if (unlinkat(fd, name, AT_REMOVEDIR) < 0)
            return error_set(error, STEP_REMOVE, errno, "cannot remove the directory '%.64s'",
                             name);
    }
    if (errno != 0)
        return error_set(error, STEP_REMOVE, errno, "cannot read a directory");
    return 0;
}

int tree_remove(int parent, const char *name, struct error *error)
{
    unsigned counter = 0;

    _cleanup_dir_ DIR *top = directory_open(parent, name);
    if (!top) {
        if (errno == ENOENT)
            return 0;
        return error_set(error, STEP_REMOVE, errno, "cannot open the directory '%.128s'", name);
    }
    /* What is hoisted while the top is read may or may not be seen (readdir(3)): read it again
     * until it is empty. */
    for (;;) {
        rewinddir(top);
        if (directory_empty(top, -1, &counter, error) < 0)
            return -1;
        if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
            return 0;
        if (errno != ENOTEMPTY && errno != EEXIST)
            return error_set(error, STEP_REMOVE, errno, "cannot remove the directory '%.128s'",
                             name);
    }
}

/* Opens the directory that holds `path`; `*ret_name` becomes the last component. -1 with errno. */
static int parent_open(const char *path, const char **ret_name)
{
    char parent[4096];
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;

    if (!slash || slash[1] == '\0' || length >= sizeof(parent)) {
        errno = EINVAL;
        return -1;
    }
    memcpy(parent, path, length);
    parent[length] = '\0';
    *ret_name = slash + 1;
    return open(length > 0 ? parent : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int tree_remove_path(const char *path, struct error *error)
{
    const char *name;
    _cleanup_close_ int parent = parent_open(path, &name);

    if (parent < 0 && errno == ENOENT)
        return 0;
    if (parent < 0)
        return error_set(error, STEP_REMOVE, errno, "cannot open the directory of '%.128s'", path);
    if (is_self_or_parent(name))
        return error_set(error, STEP_REMOVE, EINVAL, "'%.128s' names no directory", path);
    return tree_remove(parent, name, error);
}

/* The lock lives as long as the returned fd; -1 there when the directory is gone already. */
static int state_lock(const char *id, int parent, const char *name, int *ret_fd,
                      struct error *error)
{
    _cleanup_close_ int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT)
        return error_set(error, STEP_REMOVE, errno, "cannot open the state directory");
    if (fd >= 0 && container_lock(id, fd, error) < 0)
        return -1;
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* Without its monitor, which had no time to write down who runs, a container can be named by
 * nobody: it has not started, and goes. The caller has the lock, so no monitor is about to. */
static bool is_recorded(int runs, const char *run_name)
{
    _cleanup_close_ int run = openat(runs, run_name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return run >= 0 && faccessat(run, "state.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int cgroups_remove(const char *id, bool recorded, struct error *error)
{
    _cleanup_cgroup_ struct cgroup parent = CGROUP_NONE;
    _cleanup_cgroup_ struct cgroup cgroup = CGROUP_NONE;

    if (cgroup_open_parent(false, &parent, error) < 0 ||
        cgroup_open(&parent, id, false, &cgroup, error) < 0)
        return -1;
    if (cgroup_is_populated(&cgroup)) {
        if (recorded)
            return error_set(error, STEP_LOCK, EBUSY, "the container is running");
        if (cgroup_kill(&cgroup, error) < 0)
            return -1;
    }
    if (cgroup_remove(&parent, id, error) < 0)
        return -1;
    cgroup_tidy();
    return 0;
}

int container_remove(const char *id, const char *state_dir, const char *run_dir, bool locked,
                     struct error *error)
{
    char removing[NAME_SIZE];
    const char *state_name, *run_name;

    _cleanup_close_ int states = parent_open(state_dir, &state_name);
    if (states < 0)
        return error_set(error, STEP_REMOVE, errno, "cannot open the directory of the containers");
    _cleanup_close_ int runs = parent_open(run_dir, &run_name);
    if (runs < 0 && errno != ENOENT)
        return error_set(error, STEP_REMOVE, errno, "cannot open the runtime directory");

    _cleanup_close_ int lock = -1;
    if (!locked && state_lock(id, states, state_name, &lock, error) < 0)
        return -1;
    if (cgroups_remove(id, runs >= 0 && is_recorded(runs, run_name), error) < 0)
        return -1;
    /* What a crashed remove left under that name must go first: a rename needs an empty target. */
    snprintf(removing, sizeof(removing), ".removing-%s", id);
    if (tree_remove(states, removing, error) < 0)
        return -1;
    if (renameat(states, state_name, states, removing) < 0 && errno != ENOENT)
        return error_set(error, STEP_REMOVE, errno, "cannot rename the state directory");
    if (runs >= 0 && tree_remove(runs, run_name, error) < 0)
        return -1;
    return tree_remove(states, removing, error);
}

/*
 * Where this host has its control groups, and our own directory in each hierarchy. Looked for at
 * the places where distributions mount them, which is cheaper than reading /proc/self/mountinfo.
 */
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "device_filter.h"
#include "trace.h"
#include "util.h"

#define DIRECTORY    (O_PATH | O_DIRECTORY | O_CLOEXEC)
#define HOLD_MS      200
#define HOLD_POLL_MS 5

/* By hierarchy. Controllers that share one ("cpu,cpuacct") are links to it. */
static const char *const mounts[CGROUP_HIERARCHIES] = {
    [CGROUP_UNIFIED] = "/sys/fs/cgroup/unified", [CGROUP_MEMORY] = "/sys/fs/cgroup/memory",
    [CGROUP_CPU] = "/sys/fs/cgroup/cpu",         [CGROUP_CPUACCT] = "/sys/fs/cgroup/cpuacct",
    [CGROUP_CPUSET] = "/sys/fs/cgroup/cpuset",   [CGROUP_PIDS] = "/sys/fs/cgroup/pids",
    [CGROUP_FREEZER] = "/sys/fs/cgroup/freezer", [CGROUP_BLKIO] = "/sys/fs/cgroup/blkio",
    [CGROUP_DEVICES] = "/sys/fs/cgroup/devices", [CGROUP_SYSTEMD] = "/sys/fs/cgroup/systemd",
};

void cgroup_close(struct cgroup *cgroup)
{
    for (size_t i = 0; i < CGROUP_HIERARCHIES; i++)
        cleanup_close(&cgroup->fds[i]);
}

static int mount_open(const char *path, long magic)
{
    struct statfs filesystem;
    _cleanup_close_ int fd = open(path, DIRECTORY);

    if (fd < 0 || fstatfs(fd, &filesystem) < 0 || (long)filesystem.f_type != magic)
        return -1;
    return TAKE_FD(fd);
}

static bool mount_is_read_only(int fd)
{
    struct statvfs filesystem;

    return fstatvfs(fd, &filesystem) == 0 && (filesystem.f_flag & ST_RDONLY) != 0;
}

/* The top of a hierarchy; -1 when this host has it not. */
static int hierarchy_open(size_t hierarchy)
{
    if (hierarchy != CGROUP_UNIFIED)
        return mount_open(mounts[hierarchy], CGROUP_SUPER_MAGIC);
    /* On a host with cgroup v2 alone it is mounted at the top, beside the others otherwise. */
    int fd = mount_open("/sys/fs/cgroup", CGROUP2_SUPER_MAGIC);
    return fd >= 0 ? fd : mount_open(mounts[CGROUP_UNIFIED], CGROUP2_SUPER_MAGIC);
}

void cgroup_enable_controllers(const struct cgroup *parent)
{
    static const char *const controllers[] = {"+cpu", "+cpuset", "+memory", "+pids", "+io"};
    static const char *const levels[] = {"../cgroup.subtree_control", "cgroup.subtree_control"};

    /* One by one: a controller that is absent, or in a v1 hierarchy, must not hold up the others.
     */
    for (size_t level = 0; level < 2; level++)
        for (size_t i = 0; i < sizeof(controllers) / sizeof(controllers[0]); i++)
            if (write_file_at(parent->fds[CGROUP_UNIFIED], levels[level], controllers[i]) == 0)
                trace_step(STEP_CGROUP, "write",
                           trace_path("path", parent->fds[CGROUP_UNIFIED], levels[level]),
                           trace_text("value", controllers[i]));
}

static int cpuset_copy(int parent_fd, const char *from, const char *to)
{
    char text[4096];

    return read_file_at(parent_fd, from, text, sizeof(text)) < 0
               ? -1
               : write_file_at(parent_fd, to, text);
}

/*
 * A new cpuset of v1 is empty and takes no process. Ours gets what the root has, and hands it on to
 * its children by itself. The flag is set last: who finds it set finds all of it done.
 */
static int cpuset_prepare(int parent_fd, struct error *error)
{
    char flag[16];

    if (read_file_at(parent_fd, "cgroup.clone_children", flag, sizeof(flag)) > 0 && flag[0] == '1')
        return 0;
    if (cpuset_copy(parent_fd, "../cpuset.cpus", "cpuset.cpus") < 0 ||
        cpuset_copy(parent_fd, "../cpuset.mems", "cpuset.mems") < 0 ||
        write_file_at(parent_fd, "cgroup.clone_children", "1") < 0)
        return error_set(error, STEP_CGROUP, errno, "cannot prepare the cpuset hierarchy");
    trace_step(STEP_CGROUP, "write", trace_path("path", parent_fd, "cgroup.clone_children"),
               trace_text("value", "1"));
    return 0;
}

int cgroup_make_directory(int parent, const char *name)
{
    const mode_t mask = umask(022);
    int result = mkdirat(parent, name, 0755);

    (void)umask(mask);
    return result;
}

/* Without any there is nothing to limit, to find and to end a container's processes by. */
static int hierarchies_missing(int errnum, struct error *error)
{
    if (errnum == EACCES)
        return error_set(error, STEP_CGROUP, EACCES, "no control group may be made here");
    if (errnum == EROFS)
        return error_set(error, STEP_CGROUP, EROFS,
                         "the control groups below /sys/fs/cgroup are read-only");
    return error_set(error, STEP_CGROUP, ENOENT, "no control groups are mounted at /sys/fs/cgroup");
}

/* Whether one that was found before is to stay. */
static bool parent_keep(const struct cgroup *parent, size_t hierarchy, int *ret_refusal)
{
    if (parent->fds[hierarchy] < 0)
        return false;
    if (!mount_is_read_only(parent->fds[hierarchy]))
        return true;
    *ret_refusal = EROFS;
    return false;
}

int cgroup_open_parent(bool create, struct cgroup *parent, struct error *error)
{
    bool made_unified = false, any = false;
    int refusal = ENOENT;

    for (size_t i = 0; i < CGROUP_HIERARCHIES; i++) {
        bool is_filtered =
            create && i == CGROUP_DEVICES && device_filter_attach(parent->fds[CGROUP_UNIFIED]) == 0;
        if (!is_filtered && create && parent_keep(parent, i, &refusal)) {
            any = true;
            continue;
        }
        cleanup_close(&parent->fds[i]);
        parent->fds[i] = -1;
        _cleanup_close_ int top = is_filtered ? -1 : hierarchy_open(i);
        if (top < 0)
            continue;
        if (create && mount_is_read_only(top)) {
            refusal = EROFS;
            continue;
        }
        if (create && cgroup_make_directory(top, CGROUP_PARENT) == 0)
            made_unified |= i == CGROUP_UNIFIED;
        else if (create && errno != EEXIST && errno != EACCES)
            return error_set(error, STEP_CGROUP, errno, "cannot make %s in %s", CGROUP_PARENT,
                             mounts[i]);
        parent->fds[i] = openat(top, CGROUP_PARENT, DIRECTORY);
        if (parent->fds[i] >= 0)
            any = true;
        else
            refusal = EACCES;
    }
    if (create && !any)
        return hierarchies_missing(refusal, error);
    if (made_unified)
        cgroup_enable_controllers(parent);
    if (create && parent->fds[CGROUP_CPUSET] >= 0)
        return cpuset_prepare(parent->fds[CGROUP_CPUSET], error);
    return 0;
}

/* flock(2) on the directory above all, which stays. */
static int top_lock(int operation)
{
    _cleanup_close_ int fd = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 || flock(fd, operation | LOCK_NB) < 0 ? -1 : TAKE_FD(fd);
}

/* Every user may lock that directory, for ever. A tidying takes a moment, and cannot begin while
 * somebody else has the lock: so who waits longer needs it no more. */
int cgroup_hold(void)
{
    const struct timespec pause = {.tv_nsec = HOLD_POLL_MS * 1000000L};
    int lock = top_lock(LOCK_SH);

    for (int waited = 0; lock < 0 && errno == EWOULDBLOCK && waited < HOLD_MS;
         waited += HOLD_POLL_MS) {
        nanosleep(&pause, NULL);
        lock = top_lock(LOCK_SH);
    }
    return lock;
}

void cgroup_tidy(void)
{
    _cleanup_close_ int lock = top_lock(LOCK_EX);

    for (size_t i = 0; lock >= 0 && i < CGROUP_HIERARCHIES; i++) {
        _cleanup_close_ int top = hierarchy_open(i);
        if (top < 0)
            continue;
        /* The kernel refuses to remove what is in use. */
        (void)unlinkat(top, CGROUP_PARENT "/" CGROUP_MONITORS, AT_REMOVEDIR);
        (void)unlinkat(top, CGROUP_PARENT, AT_REMOVEDIR);
    }
}

/*
 * The child's side of creating a container. It begins with all capabilities in its own user
 * namespace and none outside of it, and ends as the container's init (init.h).
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init.h"
#include "mounts.h"
#include "rootfs.h"
#include "self.h"
#include "sync.h"
#include "terminal.h"
#include "trace_names.h"
#include "util.h"

/* Root of the new user namespace, which we are not before its id maps are there. */
static int become_root(struct error *error)
{
    if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        return error_set(error, STEP_ID_MAP, errno, "cannot become root in the user namespace");
    /* Which a change of ids may undo (PR_SET_DUMPABLE(2const)). */
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        return error_set(error, STEP_ID_MAP, errno, "cannot make the process non-dumpable");
    trace_step(STEP_ID_MAP, "setresuid", trace_number("uid", 0), trace_number("gid", 0));
    return 0;
}

static int loopback_up(struct error *error)
{
    struct ifreq request = {.ifr_name = "lo"};
    _cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
        return error_set(error, STEP_LOOPBACK, errno, "cannot look at the loopback interface");
    request.ifr_flags |= IFF_UP;
    if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
        return error_set(error, STEP_LOOPBACK, errno, "cannot bring the loopback interface up");
    trace_step(STEP_LOOPBACK, "ioctl", trace_text("request", "SIOCSIFFLAGS"),
               trace_text("interface", request.ifr_name), trace_text("flags", "IFF_UP"));
    return 0;
}

/*
 * What needs no id maps and no mounts: the parent makes those meanwhile. In its user namespace the
 * child has every capability from birth on. Nothing of the container's runs before the cgroups
 * hold, nor does anything of it count outside of them.
 */
static int child_begin(const struct container *container, const struct cgroup *cgroup,
                       struct error *error)
{
    const char *hostname = container->hostname != NULL ? container->hostname : container->id;

    if (cgroup_join(cgroup, error) < 0)
        return -1;
    if (unshare(CLONE_NEWNET) < 0) /* the slowest of the namespaces */
        return error_set(error, STEP_CLONE, errno, "cannot make a network namespace");
    trace_step(STEP_CLONE, "unshare", trace_flags("flags", CLONE_NEWNET, trace_clone_flags));
    /* Only now, in the final cgroup, which thereby becomes the root of what is seen inside. */
    if (unshare(CLONE_NEWCGROUP) < 0)
        return error_set(error, STEP_CLONE, errno, "cannot make a cgroup namespace");
    trace_step(STEP_CLONE, "unshare", trace_flags("flags", CLONE_NEWCGROUP, trace_clone_flags));
    if (setsid() < 0)
        return error_set(error, STEP_CLONE, errno, "cannot start a session");
    trace_step(STEP_CLONE, "setsid");
    if (sethostname(hostname, strlen(hostname)) < 0)
        return error_set(error, STEP_HOSTNAME, errno, "cannot set the hostname %s", hostname);
    trace_step(STEP_HOSTNAME, "sethostname", trace_text("name", hostname));
    return loopback_up(error);
}

static int child_prepare(const struct container *container, const struct mounts *mounts,
                         struct error *error)
{
    umask(022);
    return become_root(error) < 0 ? -1 : rootfs_enter(container, mounts, error);
}

/* In the container's own devpts, so that ttyname(3) works inside. The end that is left to us
 * becomes the command's input and output, the other one goes to the monitor. */
static int terminal_prepare(const struct container *container, struct child_ends *ends,
                            int *ret_master, struct error *error)
{
    const struct terminal_size size = {.rows = container->rows, .columns = container->columns};
    int slave;

    if (terminal_open(size, ret_master, &slave, error) < 0)
        return -1;
    for (size_t i = 0; i < 3; i++)
        ends->stdio[i] = slave;
    return 0;
}

_Noreturn void child_run(const struct container *container, const struct cgroup *cgroup,
                         const struct child_ends *given, char **argv)
{
    struct child_ends ends = *given;
    struct mounts mounts;
    struct error error;
    int master = -1;

    trace_become(TRACE_CHILD, ends.sync);
    int begun = child_begin(container, cgroup, &error);
    /* In any case: an error that came before would be lost with the parent's end of the socket. */
    if (!mounts_receive(ends.sync, &mounts) || !sync_await_ready(ends.sync))
        _exit(EXIT_OWN_FAILURE);
    if (begun == 0 && child_prepare(container, &mounts, &error) == 0 &&
        (!container->command.tty || terminal_prepare(container, &ends, &master, &error) == 0)) {
        sync_send_prepared(ends.sync, master);
        init_run(container, &ends, argv);
    }
    sync_send_error(ends.sync, &error);
    _exit(EXIT_OWN_FAILURE);
}

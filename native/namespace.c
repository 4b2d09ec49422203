#include "namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace.h"
#include "util.h"

pid_t namespace_clone(uint64_t flags, int cgroup_fd, int *ret_pidfd)
{
    struct clone_args arguments = {
        .flags = flags | CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)ret_pidfd,
        .exit_signal = SIGCHLD,
    };

    if (cgroup_fd >= 0) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = (uint64_t)cgroup_fd;
    }
    return (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
}

static int map_write(pid_t pid, const char *file, struct id_range range, struct error *error)
{
    char path[40], text[64];

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
    snprintf(text, sizeof(text), "%" PRIu32 " %" PRIu32 " %" PRIu32, range.inside, range.outside,
             range.count);
    if (write_file_at(AT_FDCWD, path, text) < 0)
        return error_set(error, STEP_ID_MAP, errno, "cannot map the ids %s by %s", text, file);
    trace_step(STEP_ID_MAP, "write", trace_text("path", path), trace_text("value", text));
    return 0;
}

int namespace_write_maps(pid_t pid, struct id_range uids, struct id_range gids, struct error *error)
{
    return map_write(pid, "gid_map", gids, error) < 0 || map_write(pid, "uid_map", uids, error) < 0
               ? -1
               : 0;
}

int namespace_open_user(pid_t pid, int *ret_fd, struct error *error)
{
    char path[40];

    snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, STEP_ID_MAP, errno, "cannot open the user namespace");
    *ret_fd = fd;
    return 0;
}

int namespace_make_user(struct id_range uids, struct id_range gids, int *ret_fd,
                        struct error *error)
{
    _cleanup_close_ int pidfd = -1;
    const pid_t parent = getpid();
    pid_t pid = namespace_clone(CLONE_NEWUSER, -1, &pidfd);

    if (pid < 0)
        return error_set(error, STEP_CLONE, errno, "cannot make a user namespace");
    if (pid == 0) {
        /* Lives as long as it takes to write the maps, and no longer than who writes them: its
         * copies of our fds would hold the lock. Its namespace lives as long as the fd. */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (getppid() == parent)
            pause();
        _exit(EXIT_OWN_FAILURE);
    }
    int result = namespace_write_maps(pid, uids, gids, error) < 0 ||
                         namespace_open_user(pid, ret_fd, error) < 0
                     ? -1
                     : 0;
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    return result;
}

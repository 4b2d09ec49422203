/*
 * From the host into a container. The parent stays outside for good: it only ever holds fds. Its
 * child is born in the container's cgroup and pid namespace, joins everything else by the same
 * pidfd and goes on to command_exec() like pid 1's command did.
 */
#include "ns_enter_join.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ns_enter_cgroup.h"
#include "trace_names.h"
#include "util.h"

/* All but the pid namespace, which holds for children only. In one call the kernel orders them by
 * need: rights in the others come with the user namespace (setns(2)). */
#define NAMESPACES                                                                                 \
    (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP)

#define OOM_SCORE_SIZE 16

/* What the container's init has and its commands inherit, read while we still are outside. */
struct inheritance {
    struct rlimit limits[RLIM_NLIMITS];
    char oom_score[OOM_SCORE_SIZE];
    struct memberships memberships;
};

/* The child's fds 0-2, or the socket end through which it hands out the master it makes. */
struct child_stdio {
    int fds[3]; /* -1 with a terminal */
    int report;
};

static int inheritance_read(const struct enter_options *options, int init_pidfd,
                            struct inheritance *ret_inheritance, struct error *error)
{
    pid_t pid = options->target.pid;
    char path[40];

    for (int resource = 0; resource < RLIM_NLIMITS; resource++)
        if (prlimit(pid, (__rlimit_resource_t)resource, NULL, &ret_inheritance->limits[resource]) <
            0)
            return error_set(error, STEP_RLIMIT, errno, "cannot read the limits of process %d",
                             pid);
    trace_step(STEP_RLIMIT, "prlimit", trace_number("pid", (uint64_t)pid),
               trace_number("limits", RLIM_NLIMITS));
    snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
    if (read_file_at(AT_FDCWD, path, ret_inheritance->oom_score, OOM_SCORE_SIZE) < 0)
        return error_set(error, STEP_IDENTIFY, errno, "cannot read %s", path);
    if (memberships_open(pid, options->id, &ret_inheritance->memberships, error) < 0)
        return -1;
    /* It still lives: so its number was its own all the time that we read by it. */
    if (pidfd_send_signal(init_pidfd, 0, NULL, 0) < 0) {
        memberships_close(&ret_inheritance->memberships);
        return error_set(error, STEP_IDENTIFY, errno, "process %d has ended", pid);
    }
    trace_step(STEP_IDENTIFY, "pidfd_send_signal", trace_number("pid", (uint64_t)pid),
               trace_number("signal", 0));
    return 0;
}

/*
 * Takes over init's limits. One that is higher than ours stays as high as we may have it: root can
 * lack CAP_SYS_RESOURCE on the host, and a lower limit is no less confinement.
 */
static int limits_inherit(const struct inheritance *inheritance, struct error *error)
{
    for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
        struct rlimit ours, wanted = inheritance->limits[resource];

        if (setrlimit((__rlimit_resource_t)resource, &wanted) == 0)
            continue;
        if (errno != EPERM || getrlimit((__rlimit_resource_t)resource, &ours) < 0)
            return error_set(error, STEP_RLIMIT, errno, "cannot set resource limit %d", resource);
        wanted.rlim_max = ours.rlim_max;
        if (wanted.rlim_cur > ours.rlim_max)
            wanted.rlim_cur = ours.rlim_max;
        if (setrlimit((__rlimit_resource_t)resource, &wanted) < 0)
            return error_set(error, STEP_RLIMIT, errno, "cannot set resource limit %d", resource);
    }
    trace_step(STEP_RLIMIT, "setrlimit", trace_number("limits", RLIM_NLIMITS));
    return 0;
}

/* Root of the container's user namespace: until now we are the host's, which is nobody inside. */
static int become_root(struct error *error)
{
    if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        return error_set(error, STEP_JOIN, errno, "cannot become the container's root");
    /* Which a change of ids may undo (PR_SET_DUMPABLE(2const)). */
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        return error_set(error, STEP_JOIN, errno, "cannot make the process non-dumpable");
    trace_step(STEP_JOIN, "setresuid", trace_number("uid", 0), trace_number("gid", 0));
    return 0;
}

static int master_send(int socket, int master, struct error *error)
{
    char byte = 0;
    struct iovec payload = {&byte, 1};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {
        .msg_iov = &payload,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };

    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.header), &master, sizeof(int));
    if (sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
        return error_set(error, STEP_TERMINAL, errno, "cannot hand the terminal out");
    return 0;
}

static int stdio_set(const struct enter_options *options, const struct child_stdio *stdio,
                     struct error *error)
{
    _cleanup_close_ int master = -1, slave = -1;

    if (options->command.tty) {
        if (terminal_open(options->size, &master, &slave, error) < 0 ||
            master_send(stdio->report, master, error) < 0)
            return -1;
    }
    for (int fd = 0; fd < 3; fd++)
        if (dup2(options->command.tty ? slave : stdio->fds[fd], fd) < 0)
            return error_set(error, STEP_JOIN, errno, "cannot set fd %d", fd);
    trace_step(STEP_JOIN, "dup2", trace_text("fds", "0, 1, 2"));
    return 0;
}

/* Joins, and becomes the command. Returns only on failure. */
static void child_run(const struct enter_options *options, char *const *environment, int init_pidfd,
                      const struct inheritance *inheritance, const struct child_stdio *stdio,
                      struct error *error)
{
    struct command command = options->command;

    trace_become(TRACE_COMMAND, stdio->report);
    command.environment = environment;
    /* Here with the host's root's rights, and to be seen from within the container: nothing of it
     * is looked at before its limits and namespaces hold for us as well. */
    if (memberships_join(&inheritance->memberships, error) < 0 ||
        limits_inherit(inheritance, error) < 0)
        return;
    /* Lowering it again needs CAP_SYS_RESOURCE; then we are killed no later than init. */
    (void)write_file_at(AT_FDCWD, "/proc/self/oom_score_adj", inheritance->oom_score);
    if (setns(init_pidfd, NAMESPACES) < 0) {
        error_set(error, STEP_JOIN, errno, "cannot join the container's namespaces");
        return;
    }
    trace_step(STEP_JOIN, "setns", trace_flags("flags", NAMESPACES, trace_clone_flags));
    if (become_root(error) < 0 || stdio_set(options, stdio, error) < 0)
        return;
    command_exec(&command, stdio->report, error);
}

/* A pipe that the container's user may open anew: /dev/stderr leads there (pipe(7), proc(5)). */
static int pipe_open(int ret_ends[2], struct error *error)
{
    if (pipe2(ret_ends, O_CLOEXEC) < 0)
        return error_set(error, STEP_JOIN, errno, "cannot make a pipe");
    if (fchmod(ret_ends[0], 0666) < 0)
        return error_set(error, STEP_JOIN, errno, "cannot share a pipe");
    trace_step(STEP_JOIN, "pipe2", trace_text("mode", "0666"));
    return 0;
}

static int pipes_open(struct entered *entered, struct child_stdio *stdio, struct error *error)
{
    int *outer[3] = {&entered->input, &entered->output, &entered->errors};

    for (int fd = 0; fd < 3; fd++) {
        int ends[2] = {-1, -1};
        int opened = pipe_open(ends, error);
        stdio->fds[fd] = ends[fd == STDIN_FILENO ? 0 : 1];
        *outer[fd] = ends[fd == STDIN_FILENO ? 1 : 0];
        if (opened < 0)
            return -1;
    }
    return 0;
}

/* A child in the container's pid namespace and unified cgroup: 0 in it, like fork(2). */
static pid_t child_clone(int cgroup, int *ret_pidfd)
{
    struct clone_args arguments = {
        .flags = CLONE_PIDFD,
        .pidfd = (uintptr_t)ret_pidfd,
        .exit_signal = SIGCHLD,
    };

    if (cgroup >= 0) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = (uint64_t)cgroup;
    }
    return (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
}

/*
 * Waits for a report. False when the client went or we are to end: the container's root can stop
 * our child from the moment on at which it has its ids, and then no report ever comes.
 */
static bool report_await(int socket, int control_fd, int signal_fd)
{
    struct pollfd polls[] = {
        {.fd = socket, .events = POLLIN},
        {.fd = control_fd, .events = POLLRDHUP}, /* its lines are for later */
        {.fd = signal_fd, .events = POLLIN},
    };

    for (;;) {
        if (poll(polls, sizeof(polls) / sizeof(polls[0]), -1) < 0) {
            if (errno == EINTR)
                continue;
            return true;
        }
        if (polls[0].revents != 0)
            return true;
        if (polls[1].revents != 0 || polls[2].revents != 0)
            return false;
    }
}

/*
 * Waits for the child's reports: a terminal's master, then an end of file when the exec has closed
 * the socket, or an error.
 */
static int reports_read(int socket, const struct enter_options *options, int signal_fd,
                        int *ret_master, struct error *error)
{
    for (;;) {
        if (!report_await(socket, options->control_fd, signal_fd))
            return error_set(error, STEP_SYNC, ECANCELED,
                             "the client went before the command had started");
        union {
            struct error error;
            struct trace_record step;
        } report;
        struct iovec payload = {&report, sizeof(report)};
        union {
            struct cmsghdr header;
            char space[CMSG_SPACE(sizeof(int))];
        } control;
        struct msghdr message = {
            .msg_iov = &payload,
            .msg_iovlen = 1,
            .msg_control = &control,
            .msg_controllen = sizeof(control),
        };
        ssize_t size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);

        if (size < 0)
            return error_set(error, STEP_SYNC, errno, "cannot hear of the entered process");
        if (size == 0) {
            trace_relay_end();
            trace_step(STEP_SYNC, "recvmsg", trace_text("what", "end of file"));
            return 0;
        }
        if (size == sizeof(report.step)) {
            trace_relay(&report.step);
            continue;
        }
        if (size == sizeof(report.error)) {
            *error = report.error;
            return -1;
        }
        if (message.msg_controllen >= CMSG_LEN(sizeof(int)))
            memcpy(ret_master, CMSG_DATA(&control.header), sizeof(int));
    }
}

static void entered_close(struct entered *entered)
{
    cleanup_close(&entered->pidfd);
    cleanup_close(&entered->master);
    cleanup_close(&entered->input);
    cleanup_close(&entered->output);
    cleanup_close(&entered->errors);
}

/* Starts the child and waits for its exec; what of `entered` is open is the caller's to close. */
static int child_start(const struct enter_options *options, char *const *environment,
                       int init_pidfd, int signal_fd, const struct inheritance *inheritance,
                       struct child_stdio *stdio, struct entered *entered, struct error *error)
{
    int sockets[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return error_set(error, STEP_SYNC, errno, "cannot make a socket pair");
    _cleanup_close_ int ours = sockets[0];
    _cleanup_close_ int theirs = sockets[1];
    stdio->report = theirs;

    /* Holds for children only: so the child is born in the namespace, and we never are in it. */
    if (setns(init_pidfd, CLONE_NEWPID) < 0)
        return error_set(error, errno == ESRCH ? STEP_IDENTIFY : STEP_JOIN, errno,
                         "cannot join the container's pid namespace");
    trace_step(STEP_JOIN, "setns", trace_flags("flags", CLONE_NEWPID, trace_clone_flags));
    entered->pid = child_clone(inheritance->memberships.unified, &entered->pidfd);
    if (entered->pid < 0)
        return error_set(error, STEP_CLONE, errno,
                         errno == EAGAIN ? "the container is at its limit of processes"
                                         : "cannot start a process in the container");
    if (entered->pid == 0) {
        struct error failure = {.step = STEP_NONE};
        child_run(options, environment, init_pidfd, inheritance, stdio, &failure);
        send(theirs, &failure, sizeof(failure), MSG_NOSIGNAL);
        _exit(125);
    }

    trace_step(STEP_CLONE, "clone3", trace_number("pid", (uint64_t)entered->pid),
               trace_path("cgroup", inheritance->memberships.unified, ""));
    /* Only the child may hold its ends, or the end of file would never come. */
    close(TAKE_FD(theirs));
    for (int fd = 0; fd < 3; fd++)
        if (stdio->fds[fd] >= 0)
            close(TAKE_FD(stdio->fds[fd]));
    if (reports_read(ours, options, signal_fd, &entered->master, error) < 0) {
        (void)pidfd_send_signal(entered->pidfd, SIGKILL, NULL, 0);
        waitid(P_PIDFD, (id_t)entered->pidfd, NULL, WEXITED);
        return -1;
    }
    return 0;
}

int enter(const struct enter_options *options, char *const *environment, int init_pidfd,
          int signal_fd, struct entered *ret_entered, struct error *error)
{
    struct entered entered = {.pidfd = -1, .master = -1, .input = -1, .output = -1, .errors = -1};
    struct child_stdio stdio = {.fds = {-1, -1, -1}};
    struct inheritance inheritance;
    int result = 0;

    if (inheritance_read(options, init_pidfd, &inheritance, error) < 0)
        return -1;
    if (!options->command.tty)
        result = pipes_open(&entered, &stdio, error);
    if (result == 0)
        result = child_start(options, environment, init_pidfd, signal_fd, &inheritance, &stdio,
                             &entered, error);
    memberships_close(&inheritance.memberships);
    if (result < 0) {
        for (int fd = 0; fd < 3; fd++)
            cleanup_close(&stdio.fds[fd]);
        entered_close(&entered);
        return -1;
    }
    *ret_entered = entered;
    return 0;
}

/* The parent's side of creating a container; child.h is the other one. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "mounts.h"
#include "namespace.h"
#include "sync.h"
#include "trace_names.h"
#include "util.h"

/* The user namespace is made first of them and owns the others; the network and cgroup ones are
 * made by the child, when it suits best. */
#define NAMESPACES                                                                                 \
    ((uint64_t)(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC))

static void sandbox_close(struct sandbox *sandbox)
{
    cleanup_close(&sandbox->pidfd);
    cleanup_close(&sandbox->sync);
    cleanup_close(&sandbox->report);
    cleanup_close(&sandbox->input);
    cleanup_close(&sandbox->output);
    cleanup_close(&sandbox->errors);
    cleanup_close(&sandbox->terminal);
}

static void ends_close(struct child_ends *ends)
{
    cleanup_close(&ends->sync);
    cleanup_close(&ends->report);
    for (size_t i = 0; i < 3; i++)
        cleanup_close(&ends->stdio[i]);
}

/* A pipe whose other end is the container's: root inside owns it, so that /dev/stdout can be
 * opened. Ours does not block. */
static int pipe_make(int *ret_read, int *ret_write, int ours, uid_t owner, struct error *error)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return error_set(error, STEP_SYNC, errno, "cannot make a pipe");
    *ret_read = fds[0];
    *ret_write = fds[1];
    if (fcntl(fds[ours], F_SETFL, O_NONBLOCK) < 0 || fchown(fds[0], owner, owner) < 0)
        return error_set(error, STEP_SYNC, errno, "cannot prepare a pipe");
    trace_step(STEP_SYNC, "pipe2", trace_number("owner", owner));
    return 0;
}

static int ends_make(const struct container *container, struct sandbox *sandbox,
                     struct child_ends *ends, struct error *error)
{
    const struct command *command = &container->command;
    const uid_t owner = container->id_base;
    int pair[2];

    if (sync_make(pair, error) < 0)
        return -1;
    sandbox->sync = pair[0];
    ends->sync = pair[1];
    if (pipe_make(&sandbox->report, &ends->report, 0, owner, error) < 0)
        return -1;
    if (command->argv == NULL || command->tty)
        return 0;
    if (pipe_make(&ends->stdio[0], &sandbox->input, 1, owner, error) < 0 ||
        pipe_make(&sandbox->output, &ends->stdio[1], 0, owner, error) < 0 ||
        pipe_make(&sandbox->errors, &ends->stdio[2], 0, owner, error) < 0)
        return -1;
    return 0;
}

/* What the child cannot do to itself. It makes its network namespace meanwhile. */
static int child_admit(const struct container *container, const struct state *state,
                       const struct sandbox *sandbox, struct mounts *mounts, struct error *error)
{
    const struct id_range ids = {.inside = 0, .outside = container->id_base, .count = ID_COUNT};
    _cleanup_close_ int user_fd = -1;

    if (namespace_write_maps(sandbox->pid, ids, ids, error) < 0 ||
        namespace_open_user(sandbox->pid, &user_fd, error) < 0 ||
        mounts_open(container, state, mounts, error) < 0 ||
        mounts_map(container, mounts, user_fd, error) < 0 ||
        mounts_send(sandbox->sync, mounts, error) < 0)
        return -1;
    return sync_send_ready(sandbox->sync, error);
}

static int sandbox_make(const struct container *container, const struct state *state,
                        const struct cgroup *cgroup, char **argv, struct sandbox *sandbox,
                        struct child_ends *ends, struct mounts *mounts, struct error *error)
{
    if (ends_make(container, sandbox, ends, error) < 0)
        return -1;
    sandbox->pid = namespace_clone(NAMESPACES, cgroup->fds[CGROUP_UNIFIED], &sandbox->pidfd);
    if (sandbox->pid < 0)
        return error_set(error, STEP_CLONE, errno, "cannot make the container's namespaces");
    if (sandbox->pid == 0) {
        /* Our end: with a copy of it the child would never see that we are gone. */
        close(sandbox->sync);
        child_run(container, cgroup, ends, argv);
    }
    trace_step(STEP_CLONE, "clone3", trace_number("pid", (uint64_t)sandbox->pid),
               trace_flags("flags", NAMESPACES, trace_clone_flags),
               trace_path("cgroup", cgroup->fds[CGROUP_UNIFIED], ""));
    return child_admit(container, state, sandbox, mounts, error);
}

int sandbox_start(const struct container *container, const struct state *state,
                  const struct cgroup *cgroup, char **argv, struct sandbox *ret_sandbox,
                  struct error *error)
{
    struct sandbox sandbox = {-1, -1, -1, -1, -1, -1, -1, -1};
    struct child_ends ends = {-1, -1, {-1, -1, -1}};
    _cleanup_mounts_ struct mounts mounts;

    mounts_init(&mounts);
    int result = sandbox_make(container, state, cgroup, argv, &sandbox, &ends, &mounts, error);
    ends_close(&ends);
    if (result < 0) {
        sandbox_abort(&sandbox);
        return -1;
    }
    *ret_sandbox = sandbox;
    return 0;
}

/* The child is gone without a word: killed, most likely for want of memory. */
static int died_silently(const struct sandbox *sandbox, struct error *error)
{
    siginfo_t info = {0};

    if (waitid(P_PIDFD, (id_t)sandbox->pidfd, &info, WEXITED | WNOWAIT) == 0 &&
        info.si_code == CLD_KILLED)
        return error_set(error, STEP_SYNC, 0,
                         "the container's first process was killed by signal %d (%s) before it "
                         "was set up: is the memory limit too low?",
                         info.si_status, strsignal(info.si_status));
    return error_set(error, STEP_SYNC, 0, "the container's first process ended unexpectedly");
}

int sandbox_await(struct sandbox *sandbox, struct error *error)
{
    bool prepared = false;

    for (;;) {
        int terminal;
        switch (sync_receive(sandbox->sync, &terminal, error)) {
        case SYNC_PREPARED:
            trace_step(STEP_SYNC, "recvmsg", trace_text("what", "the child is prepared"));
            prepared = true;
            sandbox->terminal = terminal;
            break;
        case SYNC_FAILED:
            return -1;
        case SYNC_END:
            trace_step(STEP_SYNC, "recvmsg", trace_text("what", "end of file"));
            cleanup_close(&sandbox->sync);
            sandbox->sync = -1;
            return prepared ? 0 : died_silently(sandbox, error);
        }
    }
}

int sandbox_wait(struct sandbox *sandbox)
{
    int status = 0, reported;

    while (waitpid(sandbox->pid, &status, 0) < 0 && errno == EINTR)
        ;
    sandbox->pid = -1;
    if (read(sandbox->report, &reported, sizeof(reported)) == (ssize_t)sizeof(reported))
        return reported;
    return status;
}

void sandbox_abort(struct sandbox *sandbox)
{
    if (sandbox->pid > 0) {
        (void)pidfd_send_signal(sandbox->pidfd, SIGKILL, NULL, 0);
        (void)waitpid(sandbox->pid, NULL, 0);
    }
    sandbox_close(sandbox);
}

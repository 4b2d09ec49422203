/* Probes of control groups: one is made as a container's, each limit set, and it is removed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "disk.h"
#include "doctor.h"
#include "namespace.h"
#include "sync.h"
#include "util.h"

#define TRIED_MEMORY (64 * 1024 * 1024) /* bytes */
#define TRIED_IO     (1024 * 1024)      /* bytes a second */

/* The group that is tried, and where what is found goes. */
struct trial {
    const struct cgroup *parent;
    const struct cgroup *cgroup;
    struct findings *findings;
};

/* A limit works when it can be set; the detail is which version has the controller. */
static void limit_try(const struct trial *trial, const char *name, enum cgroup_hierarchy legacy,
                      const struct limits *limits)
{
    struct error error;

    if (cgroup_set_limits(trial->parent, trial->cgroup, limits, false, &error) < 0)
        finding_of_result(trial->findings, name, -1, &error);
    else
        (void)finding_works(trial->findings, name, "%s",
                            trial->cgroup->fds[legacy] >= 0 ? "v1" : "v2");
}

/* On the disk of the state directory. */
static void limit_io_try(const struct trial *trial, const char *state_dir)
{
    struct limits limits = {.io_read = TRIED_IO, .io_write = TRIED_IO};
    char existing[PATH_MAX];
    struct error error;

    path_existing(state_dir, existing);
    if (disks_add(&limits.disks, existing, DISKLESS_REFUSED, STEP_LIMIT_IO_WRITE, &error) < 0)
        finding_of_result(trial->findings, "limit-io", -1, &error);
    else
        limit_try(trial, "limit-io", CGROUP_BLKIO, &limits);
}

/* Whether swap is accounted; a kernel without any has nothing to be limited. */
static void swap_examine(const struct trial *trial)
{
    bool legacy = trial->cgroup->fds[CGROUP_MEMORY] >= 0;
    int fd = trial->cgroup->fds[legacy ? CGROUP_MEMORY : CGROUP_UNIFIED];
    const char *file = legacy ? "memory.memsw.limit_in_bytes" : "memory.swap.max";

    if (access("/proc/swaps", F_OK) < 0)
        (void)finding_works(trial->findings, "swap-limit", "%s", "");
    else if (fd < 0 || faccessat(fd, file, W_OK, 0) < 0)
        (void)finding_fails(trial->findings, "swap-limit", ENOENT, "swap is not accounted");
    else
        (void)finding_works(trial->findings, "swap-limit", "%s", legacy ? "v1" : "v2");
}

/* Puts itself into every hierarchy and waits for its end, or that of who made it. */
static _Noreturn void member_run(const struct cgroup *cgroup, int sync)
{
    struct error error;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* also while it is frozen */
    if (cgroup_join(cgroup, &error) < 0)
        sync_send_error(sync, &error);
    else
        sync_send_prepared(sync, -1);
    (void)sync_await_ready(sync);
    _exit(0);
}

/* A process that is born in it, as a container's first one, frozen, and ended with all there. */
static int member_try(const struct trial *trial, struct error *error)
{
    _cleanup_close_ int pidfd = -1, ours = -1, theirs = -1;
    struct error freeze_error;
    int pair[2], terminal, result = -1;

    if (sync_make(pair, error) < 0)
        return -1;
    ours = pair[0];
    theirs = pair[1];
    pid_t pid = namespace_clone(0, trial->cgroup->fds[CGROUP_UNIFIED], &pidfd);
    if (pid < 0)
        return error_set(error, STEP_CGROUP, errno, "no process can be made in a control group");
    if (pid == 0) {
        close(ours);
        member_run(trial->cgroup, theirs);
    }
    close(TAKE_FD(theirs));
    error_fill(error, STEP_SYNC, 0, "the process that was to be in it ended");
    if (sync_receive(ours, &terminal, error) == SYNC_PREPARED) {
        finding_of_result(trial->findings, "freeze", cgroup_freeze(trial->cgroup, &freeze_error),
                          &freeze_error);
        (void)cgroup_thaw(trial->cgroup);
        result = cgroup_kill(trial->cgroup, error);
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    return result;
}

static const char *mode_of(const struct cgroup *parent)
{
    bool legacy = false;

    for (size_t i = 0; i < CGROUP_SYSTEMD; i++)
        legacy |= i != CGROUP_UNIFIED && parent->fds[i] >= 0;
    if (parent->fds[CGROUP_UNIFIED] < 0)
        return "v1";
    return legacy ? "hybrid" : "v2";
}

static void group_examine(const struct cgroup *parent, const char *name, const char *state_dir,
                          struct findings *findings)
{
    const struct limits none = {0};
    const struct limits memory = {.memory = TRIED_MEMORY}, cpu = {.cpu_quota = 50000};
    const struct limits cpuset = {.cpuset = "0"}, pids = {.pids = 64};
    _cleanup_cgroup_ struct cgroup cgroup = CGROUP_NONE;
    const struct trial trial = {.parent = parent, .cgroup = &cgroup, .findings = findings};
    struct error error;

    if (cgroup_create(parent, name, &none, &cgroup, &error) < 0 || member_try(&trial, &error) < 0) {
        finding_of_result(findings, "cgroup", -1, &error);
        return;
    }
    (void)finding_works(findings, "cgroup", "%s", mode_of(parent));
    limit_try(&trial, "limit-memory", CGROUP_MEMORY, &memory);
    limit_try(&trial, "limit-cpu", CGROUP_CPU, &cpu);
    limit_try(&trial, "limit-cpuset", CGROUP_CPUSET, &cpuset);
    limit_try(&trial, "limit-pids", CGROUP_PIDS, &pids);
    limit_io_try(&trial, state_dir);
    swap_examine(&trial);
}

void doctor_cgroups(const struct doctor *doctor, struct findings *findings)
{
    _cleanup_cgroup_ struct cgroup parent = CGROUP_NONE;
    int hold = cgroup_hold();
    struct error error, ignored;
    char name[32];

    snprintf(name, sizeof(name), "doctor-%d", getpid());
    if (cgroup_open_parent(true, &parent, &error) < 0) {
        finding_of_result(findings, "cgroup", -1, &error);
    } else {
        group_examine(&parent, name, doctor->state_dir, findings);
        (void)cgroup_remove(&parent, name, &ignored);
    }
    cleanup_close(&hold);
    cgroup_tidy();
}

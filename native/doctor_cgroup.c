/* Probes of control groups: one is made as a container's, each limit set, and it is removed. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "doctor.h"
#include "namespace.h"
#include "sync.h"
#include "util.h"

#define TRIED_MEMORY (64 * 1024 * 1024)

/* Which version has the controller, given the v1 hierarchy that it could be in. */
static const char *version_of(const struct cgroup *cgroup, enum cgroup_hierarchy legacy)
{
    return cgroup->fds[legacy] >= 0 ? "v1" : "v2";
}

static void limits_examine(const struct cgroup *parent, const struct cgroup *cgroup,
                           struct findings *findings)
{
    const struct {
        const char *name;
        enum cgroup_hierarchy legacy;
        struct limits limits;
    } tried[] = {
        {"limit-memory", CGROUP_MEMORY, {.memory = TRIED_MEMORY}},
        {"limit-cpu", CGROUP_CPU, {.cpu_quota = 50000}},
        {"limit-cpuset", CGROUP_CPUSET, {.cpuset = "0"}},
        {"limit-pids", CGROUP_PIDS, {.pids = 64}},
    };
    struct error error;

    for (size_t i = 0; i < sizeof(tried) / sizeof(tried[0]); i++) {
        if (cgroup_set_limits(parent, cgroup, &tried[i].limits, false, &error) < 0)
            (void)finding_fails(findings, tried[i].name, error.errnum, "%s", error.message);
        else
            (void)finding_works(findings, tried[i].name, "%s", version_of(cgroup, tried[i].legacy));
    }
}

/* Whether a file is there to be used, in the hierarchy of v1 or in the unified one. */
static void file_examine(const struct cgroup *cgroup, const char *name,
                         enum cgroup_hierarchy legacy, const char *legacy_file,
                         const char *unified_file, struct findings *findings)
{
    bool old = cgroup->fds[legacy] >= 0;

    if (faccessat(cgroup->fds[old ? legacy : CGROUP_UNIFIED], old ? legacy_file : unified_file,
                  W_OK, 0) < 0)
        (void)finding_fails(findings, name, errno == EBADF ? ENOENT : errno, "%s", "");
    else
        (void)finding_works(findings, name, "%s", version_of(cgroup, legacy));
}

/* Puts itself into every hierarchy and waits for its end. */
static _Noreturn void member_run(const struct cgroup *cgroup, int sync)
{
    struct error error;

    if (cgroup_join(cgroup, &error) < 0)
        sync_send_error(sync, &error);
    else
        sync_send_prepared(sync, -1);
    for (;;)
        pause();
}

/* A process that is born in it, as a container's first one, and ended with everything else there.
 */
static int member_try(const struct cgroup *cgroup, struct error *error)
{
    _cleanup_close_ int pidfd = -1, ours = -1, theirs = -1;
    int pair[2], terminal;

    if (sync_make(pair, error) < 0)
        return -1;
    ours = pair[0];
    theirs = pair[1];
    pid_t pid = namespace_clone(0, cgroup->fds[CGROUP_UNIFIED], &pidfd);
    if (pid < 0)
        return error_set(error, STEP_CGROUP, errno, "no process can be made in a control group");
    if (pid == 0)
        member_run(cgroup, theirs);
    int result =
        sync_receive(ours, &terminal, error) != SYNC_PREPARED || cgroup_kill(cgroup, error) < 0 ? -1
                                                                                                : 0;
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

static void group_examine(const struct cgroup *parent, const char *name, struct findings *findings)
{
    const struct limits none = {0};
    _cleanup_cgroup_ struct cgroup cgroup = CGROUP_NONE;
    struct error error;

    if (cgroup_create(parent, name, &none, &cgroup, &error) < 0 ||
        member_try(&cgroup, &error) < 0) {
        finding_of_result(findings, "cgroup", -1, &error);
        return;
    }
    (void)finding_works(findings, "cgroup", "%s", mode_of(parent));
    limits_examine(parent, &cgroup, findings);
    file_examine(&cgroup, "swap-limit", CGROUP_MEMORY, "memory.memsw.limit_in_bytes",
                 "memory.swap.max", findings);
    file_examine(&cgroup, "limit-io", CGROUP_BLKIO, "blkio.throttle.write_bps_device", "io.max",
                 findings);
    file_examine(&cgroup, "freeze", CGROUP_FREEZER, "freezer.state", "cgroup.freeze", findings);
}

void doctor_cgroups(const struct doctor *doctor, struct findings *findings)
{
    _cleanup_cgroup_ struct cgroup parent = CGROUP_NONE;
    int hold = cgroup_hold();
    struct error error, ignored;
    char name[32];
    (void)doctor;

    snprintf(name, sizeof(name), "doctor-%d", getpid());
    if (cgroup_open_parent(true, &parent, &error) < 0) {
        finding_of_result(findings, "cgroup", -1, &error);
    } else {
        group_examine(&parent, name, findings);
        (void)cgroup_remove(&parent, name, &ignored);
    }
    cleanup_close(&hold);
    cgroup_tidy();
}

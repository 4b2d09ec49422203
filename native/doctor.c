/*
 * What this host has of all that containers need, found by trying. Each probe runs in a process of
 * its own: what it unshares, mounts or limits is gone with it, and a call that kills tells, too.
 */
#include "doctor.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "status.h"

static const struct {
    const char *name; /* of what is found when the probe itself does not come to its end */
    probe_function *probe;
} probes[] = {
    {"kernel", doctor_kernel},
    {"root", doctor_privilege},
    {"system-calls", doctor_calls},
    {"user-namespace", doctor_namespaces},
    {"seccomp", doctor_seccomp},
    {"keyring", doctor_keyring},
    {"overlay", doctor_overlay},
    {"state-directory", doctor_storage},
    {"cgroup", doctor_cgroups},
    {"security-modules", doctor_modules},
    {"foreign-programs", doctor_programs},
};

static struct finding *finding_add(struct findings *findings, const char *name)
{
    static struct finding none;
    struct finding *finding =
        findings->count < FINDINGS_MAX ? &findings->list[findings->count++] : &none;

    *finding = (struct finding){.name = name};
    return finding;
}

struct finding *finding_works(struct findings *findings, const char *name, const char *format, ...)
{
    struct finding *finding = finding_add(findings, name);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(finding->detail, sizeof(finding->detail), format, arguments);
    va_end(arguments);
    return finding;
}

struct finding *finding_fails(struct findings *findings, const char *name, int errnum,
                              const char *format, ...)
{
    struct finding *finding = finding_add(findings, name);
    va_list arguments;
    bool forbidden = errnum == EPERM || errnum == EACCES;

    finding->outcome = forbidden && geteuid() != 0 ? OUTCOME_UNKNOWN : OUTCOME_FAILS;
    finding->errnum = errnum;
    va_start(arguments, format);
    vsnprintf(finding->detail, sizeof(finding->detail), format, arguments);
    va_end(arguments);
    return finding;
}

void finding_of_call(struct findings *findings, const char *name, long result)
{
    if (result < 0)
        (void)finding_fails(findings, name, errno, "%s", "");
    else
        (void)finding_works(findings, name, "%s", "");
}

void finding_of_result(struct findings *findings, const char *name, int result,
                       const struct error *error)
{
    if (result < 0)
        (void)finding_fails(findings, name, error->errnum, "%s", error->message);
    else
        (void)finding_works(findings, name, "%s", "");
}

void finding_about(struct findings *findings, const char *subject)
{
    struct finding *finding = &findings->list[findings->count - 1];

    snprintf(finding->subject, sizeof(finding->subject), "%.255s", subject);
}

static void finding_send(int status_fd, const struct finding *finding)
{
    static const char *const outcomes[] = {
        [OUTCOME_WORKS] = "works", [OUTCOME_FAILS] = "fails", [OUTCOME_UNKNOWN] = "unknown"};
    const char *code = finding->errnum != 0 ? strerrorname_np(finding->errnum) : NULL;
    struct json_line line;

    json_begin(&line);
    json_string(&line, "event", "finding");
    json_string(&line, "name", finding->name);
    if (finding->subject[0] != '\0')
        json_string(&line, "subject", finding->subject);
    json_string(&line, "outcome", outcomes[finding->outcome]);
    if (code != NULL)
        json_string(&line, "code", code);
    if (finding->detail[0] != '\0')
        json_string(&line, "detail", finding->detail);
    if (finding->has_number)
        json_number(&line, "number", finding->number);
    json_end(&line);
    status_send(status_fd, &line);
}

static void probe_run(size_t index, const struct doctor *doctor, struct findings *findings)
{
    int status;
    pid_t pid;

    findings->count = 0;
    pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        probes[index].probe(doctor, findings);
        _exit(0);
    }
    if (pid < 0)
        (void)finding_fails(findings, probes[index].name, errno, "cannot make a process");
    else if (waitpid(pid, &status, 0) == pid && WIFSIGNALED(status))
        (void)finding_fails(findings, probes[index].name, 0, "trying it is answered by signal %s",
                            sigabbrev_np(WTERMSIG(status)));
}

int doctor_run(const struct doctor *doctor, int status_fd, struct error *error)
{
    struct findings *findings =
        mmap(NULL, sizeof(*findings), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct json_line line;

    if (findings == MAP_FAILED)
        return error_set(error, STEP_SELF, errno, "cannot share memory");
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
        probe_run(i, doctor, findings);
        for (size_t found = 0; found < findings->count; found++)
            finding_send(status_fd, &findings->list[found]);
    }
    (void)munmap(findings, sizeof(*findings));
    json_begin(&line);
    json_string(&line, "event", "examined");
    json_end(&line);
    status_send(status_fd, &line);
    return 0;
}

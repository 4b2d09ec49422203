/* Probes of the kernel itself: its calls, its namespaces, its filters. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "container.h"
#include "doctor.h"
#include "filesystem.h"
#include "host.h"
#include "namespace.h"
#include "seccomp.h"
#include "util.h"

void doctor_kernel(const struct doctor *doctor, struct findings *findings)
{
    struct utsname name;
    char pressure[64];
    (void)doctor;

    if (uname(&name) == 0)
        (void)finding_works(findings, "kernel", "Linux %s, %s", name.release, name.machine);
    /* It may be there and yet be switched off: then reading fails. */
    finding_of_call(findings, "pressure",
                    read_file_at(AT_FDCWD, "/proc/pressure/memory", pressure, sizeof(pressure)) <
                                0 &&
                            errno != EFBIG
                        ? -1
                        : 0);
}

/* Lowers a limit, which anybody may, and raises it again. */
static int limit_raise(void)
{
    const struct rlimit low = {0, 0}, high = {1, 1};

    return setrlimit(RLIMIT_CORE, &low) < 0 ? -1 : setrlimit(RLIMIT_CORE, &high);
}

void doctor_privilege(const struct doctor *doctor, struct findings *findings)
{
    struct error error;
    (void)doctor;

    finding_of_result(findings, "root", host_require_root(&error), &error);
    if (limit_raise() < 0)
        (void)finding_fails(findings, "raise-limits", errno, "cannot be raised");
    else
        (void)finding_works(findings, "raise-limits", "%s", "");
}

static long pidfd_try(void)
{
    _cleanup_close_ int pidfd = pidfd_open(getpid(), 0);

    return pidfd < 0 ? -1 : pidfd_send_signal(pidfd, 0, NULL, 0);
}

static long openat2_try(void)
{
    const struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
    _cleanup_close_ int fd = (int)syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));

    return fd;
}

/* Mounts a file system by fd, and attaches it, in mounts of its own. */
static int mounts_try(struct error *error)
{
    _cleanup_close_ int fd = -1, clone = -1, at = -1;

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return error_set(error, STEP_OVERLAY, errno, "cannot have mounts of its own");
    if (filesystem_mount("tmpfs", NULL, 0, STEP_OVERLAY, &fd, error) < 0)
        return -1;
    at = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at < 0 || filesystem_attach(fd, at) < 0)
        return error_set(error, STEP_OVERLAY, errno, "cannot attach a mount");
    clone = filesystem_clone(fd, MOUNT_ATTR_RDONLY);
    if (clone < 0)
        return error_set(error, STEP_OVERLAY, errno, "cannot make a second, read-only mount");
    return 0;
}

void doctor_calls(const struct doctor *doctor, struct findings *findings)
{
    struct error error;
    int pidfd;
    (void)doctor;

    pid_t pid = namespace_clone(0, -1, &pidfd);
    if (pid == 0)
        _exit(0);
    finding_of_call(findings, "clone3", pid);
    finding_of_call(findings, "pidfd", pidfd_try());
    finding_of_call(findings, "openat2", openat2_try());
    finding_of_call(findings, "close-range", close_range(~0U, ~0U, 0));
    finding_of_result(findings, "mount-by-fd", mounts_try(&error), &error);
}

void doctor_keyring(const struct doctor *doctor, struct findings *findings)
{
    (void)doctor;
    finding_of_call(findings, "keyring", syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL));
}

static long namespace_try(uint64_t flags)
{
    int pidfd;
    pid_t pid = namespace_clone(CLONE_NEWUSER | flags, -1, &pidfd);

    if (pid == 0)
        _exit(0);
    if (pid < 0)
        return -1;
    close(pidfd);
    return waitpid(pid, NULL, 0);
}

/* How many of a kind are allowed, when the kernel says so. */
static void limit_read(const char *path, struct finding *finding)
{
    char text[24];

    if (read_file_at(AT_FDCWD, path, text, sizeof(text)) < 0)
        return;
    text[strcspn(text, "\n")] = '\0';
    finding->has_number = parse_uint(text, UINT64_MAX, &finding->number);
}

void doctor_namespaces(const struct doctor *doctor, struct findings *findings)
{
    static const struct {
        const char *name;
        uint64_t flag;
        const char *limit;
    } kinds[] = {
        {"user-namespace", 0, "/proc/sys/user/max_user_namespaces"},
        {"pid-namespace", CLONE_NEWPID, "/proc/sys/user/max_pid_namespaces"},
        {"mount-namespace", CLONE_NEWNS, "/proc/sys/user/max_mnt_namespaces"},
        {"uts-namespace", CLONE_NEWUTS, "/proc/sys/user/max_uts_namespaces"},
        {"ipc-namespace", CLONE_NEWIPC, "/proc/sys/user/max_ipc_namespaces"},
        {"network-namespace", CLONE_NEWNET, "/proc/sys/user/max_net_namespaces"},
        {"cgroup-namespace", CLONE_NEWCGROUP, "/proc/sys/user/max_cgroup_namespaces"},
    };
    /* Far above what is handed out to users (subuid(5)); nobody owns anything there. */
    const struct id_range ids = {.inside = 0, .outside = UINT32_C(1) << 31, .count = ID_COUNT};
    _cleanup_close_ int user_fd = -1;
    struct error error;
    (void)doctor;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        finding_of_call(findings, kinds[i].name, namespace_try(kinds[i].flag));
        limit_read(kinds[i].limit, &findings->list[findings->count - 1]);
    }
    finding_of_result(findings, "id-map", namespace_make_user(ids, ids, &user_fd, &error), &error);
}

void doctor_seccomp(const struct doctor *doctor, struct findings *findings)
{
    static const struct {
        const char *name;
        uint32_t action;
    } actions[] = {
        {"kill_process", SECCOMP_RET_KILL_PROCESS},
        {"trap", SECCOMP_RET_TRAP},
        {"errno", SECCOMP_RET_ERRNO},
        {"user_notif", SECCOMP_RET_USER_NOTIF},
        {"trace", SECCOMP_RET_TRACE},
        {"log", SECCOMP_RET_LOG},
        {"allow", SECCOMP_RET_ALLOW},
    };
    struct error error;
    char known[80] = "";
    (void)doctor;

    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        uint32_t action = actions[i].action;
        size_t length = strlen(known);
        if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
            snprintf(known + length, sizeof(known) - length, "%s%s", length > 0 ? " " : "",
                     actions[i].name);
    }
    /* The very filter that containers get; last, for it holds for this process from then on. */
    int installed = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0
                        ? error_set(&error, STEP_SECCOMP, errno, "cannot set no_new_privs")
                        : seccomp_install(&error);
    if (installed < 0)
        finding_of_result(findings, "seccomp", installed, &error);
    else
        (void)finding_works(findings, "seccomp", "%s", known);
}

void doctor_modules(const struct doctor *doctor, struct findings *findings)
{
    char list[160], enforcing[4];
    (void)doctor;

    if (read_file_at(AT_FDCWD, "/sys/kernel/security/lsm", list, sizeof(list)) < 0) {
        /* Which says nothing: securityfs may just not be mounted. */
        finding_fails(findings, "security-modules", errno, "%s", "")->outcome = OUTCOME_UNKNOWN;
        return;
    }
    if (read_file_at(AT_FDCWD, "/sys/fs/selinux/enforce", enforcing, sizeof(enforcing)) == 1)
        (void)finding_works(findings, "security-modules", "%s (SELinux %s)", list,
                            enforcing[0] == '1' ? "enforces" : "only tells");
    else
        (void)finding_works(findings, "security-modules", "%s", list);
}

/* Handlers of programs for other machines: binfmt_misc of the kernel's admin guide. */
void doctor_programs(const struct doctor *doctor, struct findings *findings)
{
    DIR *directory = opendir("/proc/sys/fs/binfmt_misc");
    struct finding *finding = finding_works(findings, "foreign-programs", "%s", "");
    const struct dirent *entry;
    (void)doctor;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        size_t length = strlen(finding->detail);
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "register") == 0 ||
            strcmp(entry->d_name, "status") == 0)
            continue;
        snprintf(finding->detail + length, sizeof(finding->detail) - length, "%s%s",
                 length > 0 ? " " : "", entry->d_name);
    }
    if (directory != NULL)
        closedir(directory);
}

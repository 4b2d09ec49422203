/*
 * attack_probe: tries from inside a container what its confinement must stop, and prints
 * `NAME ERRNO` or `NAME OK` for each try. One attack a verb:
 *
 *   open r|w PATH…     opens files for reading or writing
 *   init               reaches for the container's pid 1
 *   chroot             climbs out of the root as from a chroot
 *   keyring            reaches for the session keyring
 *   joining            looks into processes on their way into the container for a place outside
 *   overwrite          writes to the file of a process that runs a program of the host
 *   exchange A B…      swaps each pair of names, as fast as it can, until it is killed
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static void show(const char *name, long result)
{
    printf("%s %s\n", name, result >= 0 ? "OK" : strerrorname_np(errno));
}

static void try_open(const char *path, int flags)
{
    int fd = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    show(path, fd);
    if (fd >= 0)
        close(fd);
}

// --------------------------------------------------------------------------------------- process 1

static void try_init_memory(void)
{
    char byte = 0;
    struct iovec here = {&byte, 1}, there = {(void *)0x400000, 1};

    show("PTRACE_ATTACH", ptrace(PTRACE_ATTACH, 1, NULL, NULL));
    show("PTRACE_SEIZE", ptrace(PTRACE_SEIZE, 1, NULL, NULL));
    show("process_vm_readv", process_vm_readv(1, &here, 1, &there, 1, 0));
    show("process_vm_writev", process_vm_writev(1, &here, 1, &there, 1, 0));
}

static void try_init_files(void)
{
    static const char *const links[] = {"exe", "cwd", "root", "ns/mnt", "ns/user"};
    static const char *const readable[] = {"mem", "environ", "maps", "fd", "map_files"};
    static const char *const writable[] = {"mem", "exe", "oom_score_adj", "clear_refs",
                                           "coredump_filter"};
    char path[64], target[256];

    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        snprintf(path, sizeof(path), "/proc/1/%s", links[i]);
        show(path, readlink(path, target, sizeof(target)));
    }
    for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++) {
        snprintf(path, sizeof(path), "/proc/1/%s", readable[i]);
        try_open(path, O_RDONLY);
    }
    for (size_t i = 0; i < sizeof(writable) / sizeof(writable[0]); i++) {
        snprintf(path, sizeof(path), "/proc/1/%s", writable[i]);
        printf("write:");
        try_open(path, O_WRONLY);
    }
}

/* Every limit as it is: setting it changes nothing, and needs the same right as a change. */
static void try_init_limits(void)
{
    struct rlimit limit = {.rlim_cur = 0, .rlim_max = 0};
    char name[24];

    for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
        snprintf(name, sizeof(name), "prlimit-%d", resource);
        show(name, prlimit(1, (__rlimit_resource_t)resource, &limit, NULL));
    }
}

static void attack_init(void)
{
    int pidfd = (int)syscall(SYS_pidfd_open, 1, 0);

    try_init_memory();
    try_init_files();
    try_init_limits();
    show("pidfd_open", pidfd);
    show("pidfd_getfd", syscall(SYS_pidfd_getfd, pidfd, 0, 0));
    show("setns", setns(pidfd, CLONE_NEWNS));
}

// -------------------------------------------------------------------------------------------- root

/* Climbs as far as it goes and says whether that is the place it began from. */
static void show_climb(const char *name, const struct stat *root)
{
    struct stat top;
    int result = 0;

    for (int i = 0; i < 64 && result == 0; i++)
        result = chdir("..");
    if (result == 0 && stat(".", &top) == 0)
        printf("%s %s\n", name,
               top.st_dev == root->st_dev && top.st_ino == root->st_ino ? "root" : "OUTSIDE");
    else
        show(name, -1);
}

/* chroot(2) itself describes the way out: a root below the working directory holds nobody. */
static void attack_chroot(void)
{
    struct stat root;
    int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &root) < 0) {
        show("open", -1);
        return;
    }
    show_climb("climb", &root);
    (void)mkdir("/tmp/jail", 0755);
    show("chroot", chroot("/tmp/jail"));
    show_climb("chroot-climb", &root);
    show("fchdir", fchdir(fd));
    show_climb("fchdir-climb", &root);
}

static void attack_keyring(void)
{
    show("get", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
    show("join", syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL));
    show("add", syscall(SYS_add_key, "user", "x", "y", 1, KEY_SPEC_SESSION_KEYRING));
    show("request", syscall(SYS_request_key, "user", "x", NULL, KEY_SPEC_SESSION_KEYRING));
}

// --------------------------------------------------------------------------------- other processes

/* Calls `look` for every process but 1 and ourselves, again and again, until it returns true or
 * there is a file /tmp/stop. */
static void watch(bool (*look)(const char *pid))
{
    const pid_t self = getpid();

    while (access("/tmp/stop", F_OK) < 0) {
        DIR *processes = opendir("/proc");
        for (struct dirent *entry; processes != NULL && (entry = readdir(processes)) != NULL;) {
            int pid = atoi(entry->d_name);
            if (isdigit((unsigned char)entry->d_name[0]) && pid > 1 && pid != self &&
                look(entry->d_name)) {
                closedir(processes);
                return;
            }
        }
        closedir(processes);
    }
}

static dev_t own_device;

/* Whether what can be seen of it is a place outside of the container. */
static bool look_outside(const char *pid)
{
    static const char *const links[] = {"root", "cwd", "fd/3", "fd/4", "fd/5", "fd/6", "fd/7"};
    static bool met;
    char path[64], target[256];
    struct stat place;

    snprintf(path, sizeof(path), "/proc/%s/exe", pid);
    if (!met && readlink(path, target, sizeof(target)) < 0 && errno == EACCES) {
        met = true;
        printf("met EACCES\n"); /* one on its way in */
    }
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        snprintf(path, sizeof(path), "/proc/%s/%s", pid, links[i]);
        if (stat(path, &place) == 0 && (S_ISDIR(place.st_mode) || S_ISREG(place.st_mode)) &&
            place.st_dev != own_device) {
            printf("%s OUTSIDE\n", path);
            return true;
        }
    }
    return false;
}

static bool is_read_only(int fd)
{
    struct statvfs filesystem;

    return fstatvfs(fd, &filesystem) == 0 && (filesystem.f_flag & ST_RDONLY) != 0;
}

/* One on a read-only mount is the runtime's own, which the kernel runs as an interpreter. */
static bool look_overwrite(const char *pid)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%s/exe", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    int running = is_read_only(fd) ? open(path, O_WRONLY | O_TRUNC) : fd;
    if (running == fd || (running < 0 && (errno == ENOENT || errno == ESRCH))) {
        close(fd); /* another program, or one that has just ended */
        return false;
    }
    show("write-running", running);
    (void)kill(atoi(pid), SIGKILL);
    while (kill(atoi(pid), 0) == 0)
        sched_yield();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    show("write-ended", open(path, O_WRONLY | O_TRUNC));
    show("chmod-ended", fchmod(fd, 0777));
    return true;
}

static void attack_joining(void)
{
    struct stat root;

    if (stat("/", &root) < 0)
        exit(2);
    own_device = root.st_dev;
    watch(look_outside);
}

static void exchange(char *const *names)
{
    for (;;)
        for (char *const *pair = names; pair[0] != NULL && pair[1] != NULL; pair += 2)
            if (renameat2(AT_FDCWD, pair[0], AT_FDCWD, pair[1], RENAME_EXCHANGE) < 0)
                exit(2);
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";

    setlinebuf(stdout);
    if (strcmp(verb, "open") == 0)
        for (int i = 3; i < argc; i++)
            try_open(argv[i], argv[2][0] == 'w' ? O_WRONLY : O_RDONLY);
    else if (strcmp(verb, "init") == 0)
        attack_init();
    else if (strcmp(verb, "chroot") == 0)
        attack_chroot();
    else if (strcmp(verb, "keyring") == 0)
        attack_keyring();
    else if (strcmp(verb, "joining") == 0)
        attack_joining();
    else if (strcmp(verb, "overwrite") == 0)
        watch(look_overwrite);
    else if (strcmp(verb, "exchange") == 0)
        exchange(argv + 2);
    else
        return 2;
    return 0;
}

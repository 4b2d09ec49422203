/*
 * Process 1 of the test machine: a User-mode Linux kernel whose read-only root is this computer's
 * tree by hostfs. Covers that root with a tmpfs, mounts what a cgroup v2 machine has, runs one
 * command with its output on raw consoles, reports the wait status, and powers off.
 *
 * The kernel hands unknown boot parameters on as environment: VM_MODULES (folder of modules, when
 * not all is built in), VM_SCRIPT (run by /bin/sh), VM_DISK (mount point for the ext4 image).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* The consoles that test/vm/machine.ts connects to its own file descriptors. */
#define CONSOLE_STDOUT "/dev/tty1"
#define CONSOLE_STDERR "/dev/tty2"
#define CONSOLE_STATUS "/dev/tty3"

static void power_off(void)
{
    sync();
    reboot(RB_POWER_OFF);
}

/* The only way to fail: the reason goes where the command's errors would, then the machine ends. */
static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
    int saved = errno;
    va_list arguments;
    va_start(arguments, format);
    fputs("test machine: ", stderr);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, ": %s\n", strerror(saved));
    va_end(arguments);
    fflush(NULL);
    power_off();
    _exit(1);
}

static void mount_or_die(const char *source, const char *target, const char *type,
                         unsigned long flags, const char *data)
{
    mkdir(target, 0755);
    if (mount(source, target, type, flags, data) != 0)
        die("mounting %s on %s", type, target);
}

static int console_open(const char *path)
{
    struct termios mode;
    int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        die("opening %s", path);
    if (tcgetattr(fd, &mode) == 0) {
        cfmakeraw(&mode);
        tcsetattr(fd, TCSANOW, &mode);
    }
    return fd;
}

static void module_load(const char *name)
{
    const char *folder = getenv("VM_MODULES");
    char path[512];
    if (folder == NULL)
        return;
    snprintf(path, sizeof(path), "%s/kernel/%s", folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        die("opening module %s", path);
    if (syscall(SYS_finit_module, fd, "", 0) != 0 && errno != EEXIST)
        die("loading module %s", name);
    close(fd);
}

/* A root that can be written and that is a mount of its own: in a mere chroot every user namespace
 * would be refused (user_namespaces(7)). */
static void root_make_writable(void)
{
    module_load("fs/overlayfs/overlay.ko");
    mount_or_die("tmpfs", "/mnt", "tmpfs", 0, "mode=0755");
    mkdir("/mnt/upper", 0755);
    mkdir("/mnt/work", 0755);
    mount_or_die("overlay", "/mnt/root", "overlay", 0,
                 "lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work");
    if (chdir("/mnt/root") != 0 || syscall(SYS_pivot_root, ".", ".") != 0)
        die("pivot_root");
    if (umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
        die("detaching the old root");
}

static void cgroup_enable_controllers(void)
{
    char text[256] = "", line[512] = "", *name, *rest = text;
    FILE *file = fopen("/sys/fs/cgroup/cgroup.controllers", "re");
    if (file == NULL || fgets(text, sizeof(text), file) == NULL)
        die("reading the cgroup controllers");
    fclose(file);
    while ((name = strsep(&rest, " \n")) != NULL)
        if (*name != '\0')
            snprintf(line + strlen(line), sizeof(line) - strlen(line), "+%s ", name);
    int fd = open("/sys/fs/cgroup/cgroup.subtree_control", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, line, strlen(line)) < 0)
        die("enabling the cgroup controllers %s", line);
    close(fd);
}

static void filesystems_mount(void)
{
    mount_or_die("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    mount_or_die("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    mount_or_die("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755");
    mount_or_die("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "ptmxmode=0666,gid=5");
    mount_or_die("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, NULL);
    mount_or_die("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
    mount_or_die("cgroup2", "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                 "nsdelegate");
    mkdir(getenv("VM_DISK"), 0755);
    mount_or_die("/dev/ubda", getenv("VM_DISK"), "ext4", MS_NOATIME, NULL);
}

static int script_run(int out, int err)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        char *const argv[] = {"/bin/sh", getenv("VM_SCRIPT"), NULL};
        setsid();
        int in = open("/dev/null", O_RDONLY);
        dup2(in, STDIN_FILENO);
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        execv(argv[0], argv);
        die("running %s", argv[0]);
    }
    /* Orphans of the tests become ours: reap them all while waiting for the one. */
    for (;;) {
        pid_t ended = wait(&status);
        if (ended == child)
            return status;
        if (ended < 0 && errno != EINTR)
            die("waiting");
    }
}

int main(void)
{
    /* Debian's kernel has done so already, another may not have. */
    if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) != 0 && errno != EBUSY)
        die("mounting devtmpfs");
    int out = console_open(CONSOLE_STDOUT), err = console_open(CONSOLE_STDERR);
    int report = console_open(CONSOLE_STATUS);
    dup2(err, STDERR_FILENO);
    module_load("lib/crc-ccitt.ko"); /* ipv6 needs it */
    module_load("net/ipv6/ipv6.ko");
    module_load("drivers/block/loop.ko");
    root_make_writable();
    filesystems_mount();
    cgroup_enable_controllers();
    int status = script_run(out, err);
    tcdrain(out);
    tcdrain(err);
    dprintf(report, "%d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    tcdrain(report);
    power_off();
}

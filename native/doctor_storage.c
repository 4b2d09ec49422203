/* Probes of file systems: overlay, mapping of ids, and where containers keep what they write. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "container.h"
#include "doctor.h"
#include "filesystem.h"
#include "host.h"
#include "namespace.h"
#include "remove.h"
#include "sync.h"
#include "util.h"

#define OUTSIDE     (UINT32_C(1) << 31) /* host id that is root in what is tried; nobody's */
#define HOST_ROOTFS "/usr"              /* what the root file system `host` is made of */

static const struct id_range ids = {.inside = 0, .outside = OUTSIDE, .count = ID_COUNT};

/* What an overlay is tried with; -1: directories in memory. */
struct layers {
    int lower; /* a detached mount */
    int upper; /* a detached mount of a directory with `upper` and `work` in it */
};

static int tree_open(const char *path)
{
    return open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

/* A place for a layer: `name` of the staging directory, with the mount on it when there is one. */
static int place_make(int staging, const char *name, int mount_fd)
{
    if (mkdirat(staging, name, 0755) < 0)
        return -1;
    int at = openat(staging, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at < 0 || mount_fd < 0)
        return at;
    int attached = filesystem_attach(mount_fd, at);
    close(at);
    return attached < 0 ? -1 : openat(staging, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* As root of a user namespace, with mounts of its own: as a container's first process does it. */
static int overlay_mount(const struct layers *layers, struct error *error)
{
    const struct filesystem_option options[] = {{"userxattr", NULL},
                                                {"lowerdir", "/dev/lower"},
                                                {"upperdir", "/dev/upper/upper"},
                                                {"workdir", "/dev/upper/work"},
                                                {NULL, NULL}};
    _cleanup_close_ int staging = -1, lower = -1, upper = -1, overlay = -1;
    _cleanup_close_ int at = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        return error_set(error, STEP_ID_MAP, errno, "cannot become root in a user namespace");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return error_set(error, STEP_OVERLAY, errno, "cannot have mounts of its own");
    if (filesystem_mount("tmpfs", NULL, 0, STEP_OVERLAY, &staging, error) < 0)
        return -1;
    if (at < 0 || filesystem_attach(staging, at) < 0)
        return error_set(error, STEP_OVERLAY, errno, "cannot attach a tmpfs");
    lower = place_make(staging, "lower", layers->lower);
    upper = place_make(staging, "upper", layers->upper);
    if (lower < 0 || upper < 0 ||
        (layers->upper < 0 &&
         (mkdirat(upper, "upper", 0755) < 0 || mkdirat(upper, "work", 0755) < 0)))
        return error_set(error, STEP_OVERLAY, errno, "cannot make places for the layers");
    return filesystem_mount("overlay", options, 0, STEP_OVERLAY, &overlay, error);
}

/* Shows the lower layer through the ids of the user namespace of `pid`. */
static int lower_map(const struct layers *layers, pid_t pid, struct error *error)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP};
    _cleanup_close_ int user_fd = -1;

    if (layers->lower < 0)
        return 0;
    if (namespace_open_user(pid, &user_fd, error) < 0)
        return -1;
    attr.userns_fd = (uint64_t)user_fd;
    if (mount_setattr(layers->lower, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
        return error_set(error, STEP_IDMAPPED_MOUNT, errno, "cannot map ids");
    return 0;
}

/* The whole of it: the parent's side of what a start does, with a child that only mounts. */
static int overlay_try(const struct layers *layers, struct error *error)
{
    _cleanup_close_ int pidfd = -1, ours = -1, theirs = -1;
    int pair[2], terminal;

    if (sync_make(pair, error) < 0)
        return -1;
    ours = pair[0];
    theirs = pair[1];
    pid_t pid = namespace_clone(CLONE_NEWUSER | CLONE_NEWNS, -1, &pidfd);
    if (pid < 0)
        return error_set(error, STEP_CLONE, errno, "cannot make a user namespace");
    if (pid == 0) {
        close(ours);
        if (sync_await_ready(theirs) && overlay_mount(layers, error) < 0)
            sync_send_error(theirs, error);
        else
            sync_send_prepared(theirs, -1);
        _exit(0);
    }
    close(TAKE_FD(theirs));
    error_fill(error, STEP_SYNC, 0, "the process that was to mount it ended");
    int result = namespace_write_maps(pid, ids, ids, error) < 0 ||
                         lower_map(layers, pid, error) < 0 || sync_send_ready(ours, error) < 0
                     ? -1
                     : 0;
    if (result < 0)
        (void)kill(pid, SIGKILL);
    else if (sync_receive(ours, &terminal, error) != SYNC_PREPARED)
        result = -1;
    (void)waitpid(pid, NULL, 0);
    return result;
}

void doctor_overlay(const struct doctor *doctor, struct findings *findings)
{
    const struct layers in_memory = {.lower = -1, .upper = -1};
    struct layers mapped = {.lower = tree_open(HOST_ROOTFS), .upper = -1};
    struct error error;
    (void)doctor;

    finding_of_result(findings, "overlay", overlay_try(&in_memory, &error), &error);
    if (mapped.lower < 0)
        (void)finding_fails(findings, "overlay-mapped", errno, "cannot open %s", HOST_ROOTFS);
    else
        finding_of_result(findings, "overlay-mapped", overlay_try(&mapped, &error), &error);
    cleanup_close(&mapped.lower);
}

static int idmap_try(const char *path, struct error *error)
{
    _cleanup_close_ int tree = tree_open(path), user_fd = -1;
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP};

    if (tree < 0)
        return error_set(error, STEP_ROOTFS, errno, "cannot open it");
    if (namespace_make_user(ids, ids, &user_fd, error) < 0)
        return -1;
    attr.userns_fd = (uint64_t)user_fd;
    if (mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
        return error_set(error, STEP_IDMAPPED_MOUNT, errno, "cannot map ids on it");
    return 0;
}

static void idmap_examine(const char *path, struct findings *findings)
{
    struct error error;

    finding_of_result(findings, "idmapped-mount", idmap_try(path, &error), &error);
    finding_about(findings, path);
}

void path_existing(const char *path, char *ret_path)
{
    snprintf(ret_path, PATH_MAX, "%s", path);
    while (access(ret_path, F_OK) < 0 && ret_path[1] != '\0') {
        char *slash = strrchr(ret_path, '/');
        slash[slash == ret_path ? 1 : 0] = '\0';
    }
}

/* The type of the file system, as mountinfo (proc_pid_mountinfo(5)) has it. */
static bool type_find(dev_t device, char *ret_type, size_t size)
{
    FILE *file = fopen("/proc/self/mountinfo", "re");
    char wanted[32], *line = NULL;
    size_t room = 0;
    bool found = false;

    snprintf(wanted, sizeof(wanted), "%u:%u", major(device), minor(device));
    while (file != NULL && !found && getline(&line, &room, file) > 0) {
        char number[32];
        const char *behind = strstr(line, " - ");
        if (behind != NULL && sscanf(line, "%*d %*d %31s", number) == 1 &&
            strcmp(number, wanted) == 0) {
            snprintf(ret_type, size, "%.*s", (int)strcspn(behind + 3, " "), behind + 3);
            found = true;
        }
    }
    free(line);
    if (file != NULL)
        fclose(file);
    return found;
}

static void space_examine(const char *path, struct findings *findings)
{
    struct statvfs filesystem;
    struct stat status;
    char type[40] = "";

    if (statvfs(path, &filesystem) < 0 || stat(path, &status) < 0) {
        finding_of_call(findings, "space", -1);
        return;
    }
    (void)type_find(status.st_dev, type, sizeof(type));
    struct finding *finding = finding_works(findings, "space", "%s", type);
    finding_about(findings, path);
    finding->has_number = true;
    finding->number = (uint64_t)filesystem.f_bavail * filesystem.f_frsize;
}

/* Directories as a container's, in one of ours that is removed in any case. */
static int upper_try(const char *scratch, struct error *error)
{
    _cleanup_close_ int fd = open(scratch, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct layers layers = {
        .lower = -1,
        .upper = open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH),
    };
    int result = -1;

    /* What is above a layer is searched by the container's root. */
    if (layers.upper < 0 || fd < 0 || fchmod(fd, 0755) < 0 || mkdirat(fd, "upper", 0755) < 0 ||
        mkdirat(fd, "work", 0755) < 0 ||
        fchownat(fd, "upper", OUTSIDE, OUTSIDE, AT_SYMLINK_NOFOLLOW) < 0 ||
        fchownat(fd, "work", OUTSIDE, OUTSIDE, AT_SYMLINK_NOFOLLOW) < 0)
        error_set(error, STEP_STATE, errno, "cannot make directories of containers");
    else if (fgetxattr(fd, "user.overlay.opaque", NULL, 0) < 0 && errno == EOPNOTSUPP)
        error_set(error, STEP_OVERLAY, EOPNOTSUPP, "it has no extended attributes");
    else
        result = overlay_try(&layers, error);
    cleanup_close(&layers.upper);
    return result;
}

static void state_examine(const char *existing, struct findings *findings)
{
    char scratch[PATH_MAX + 16];
    struct error error, ignored;

    snprintf(scratch, sizeof(scratch), "%s/.doctor-XXXXXX", existing);
    if (host_require_calls(&error) < 0) {
        /* What is made here could not be removed again. */
        finding_of_result(findings, "state-directory", -1, &error);
    } else if (mkdtemp(scratch) == NULL) {
        (void)finding_fails(findings, "state-directory", errno, "cannot make a directory in it");
    } else {
        finding_of_result(findings, "state-directory", upper_try(scratch, &error), &error);
        (void)tree_remove_path(scratch, &ignored);
    }
    finding_about(findings, existing);
}

void doctor_storage(const struct doctor *doctor, struct findings *findings)
{
    char existing[PATH_MAX];

    path_existing(doctor->state_dir, existing);
    state_examine(existing, findings);
    space_examine(existing, findings);
    idmap_examine(existing, findings);
    idmap_examine(HOST_ROOTFS, findings);
    if (doctor->rootfs != NULL)
        idmap_examine(doctor->rootfs, findings);
}

#include "ns_enter_cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "procfs.h"
#include "trace.h"
#include "util.h"

#define CGROUP_PARENT    "my-container-manager"
#define CGROUP_FILE_SIZE 16384

/* Whether the mount shows the cgroup of `membership`: its hierarchy, mounted at or above it. */
static bool mount_shows(const struct mount_line *mount, const struct membership *membership)
{
    size_t first_controller = strcspn(membership->controllers, ",");
    size_t root_length = strlen(mount->root);

    if (first_controller == 0) {
        if (strcmp(mount->type, "cgroup2") != 0)
            return false;
    } else if (strcmp(mount->type, "cgroup") != 0 ||
               !list_has_item(mount->options, membership->controllers, first_controller)) {
        return false;
    }
    if (strcmp(mount->root, "/") == 0)
        return true;
    return strncmp(membership->path, mount->root, root_length) == 0 &&
           (membership->path[root_length] == '/' || membership->path[root_length] == '\0');
}

/* The path of a cgroup's directory in the first mount that shows it: ENOENT when none does. */
static int membership_find(const struct membership *membership, char ret_path[PATH_MAX])
{
    _cleanup_free_ char *line = NULL;
    size_t size = 0;
    FILE *mountinfo = fopen("/proc/self/mountinfo", "re");

    if (!mountinfo)
        return -1;
    errno = ENOENT;
    bool found = false;
    while (!found && getline(&line, &size, mountinfo) >= 0) {
        struct mount_line mount;
        if (!mount_line_parse(line, &mount) || !mount_shows(&mount, membership))
            continue;
        const char *below =
            membership->path + (strcmp(mount.root, "/") == 0 ? 0 : strlen(mount.root));
        int length = snprintf(ret_path, PATH_MAX, "%s%s", mount.point, below);
        found = length > 0 && length < PATH_MAX;
    }
    fclose(mountinfo);
    if (!found)
        errno = ENOENT;
    return found ? 0 : -1;
}

static int directory_open(const char *mount, const char *below, const char *path, long magic)
{
    char whole[PATH_MAX];
    struct statfs filesystem;
    int length = snprintf(whole, sizeof(whole), "%s%s%s", mount, below, path);

    if (length < 0 || (size_t)length >= sizeof(whole))
        return -1;
    _cleanup_close_ int fd = open(whole, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstatfs(fd, &filesystem) < 0 || (long)filesystem.f_type != magic)
        return -1;
    return TAKE_FD(fd);
}

/*
 * The directory of a cgroup where distributions mount the hierarchies, and container_executor looks
 * for them: at the controller's name. Cheaper than mountinfo, which the kernel writes anew for each
 * reader. -1 when it is not there.
 */
static int membership_open_usual(const struct membership *membership)
{
    const char *name = membership->controllers;
    char below[32];

    if (name[0] == '\0') {
        int fd = directory_open("/sys/fs/cgroup", "", membership->path, CGROUP2_SUPER_MAGIC);
        return fd >= 0 ? fd
                       : directory_open("/sys/fs/cgroup", "/unified", membership->path,
                                        CGROUP2_SUPER_MAGIC);
    }
    if (strncmp(name, "name=", strlen("name=")) == 0)
        name += strlen("name=");
    snprintf(below, sizeof(below), "/%.*s", (int)strcspn(name, ","), name);
    return directory_open("/sys/fs/cgroup", below, membership->path, CGROUP_SUPER_MAGIC);
}

static int membership_open_directory(const struct membership *membership, struct error *error)
{
    char path[PATH_MAX];
    int directory = membership_open_usual(membership);

    if (directory >= 0)
        return directory;
    if (membership_find(membership, path) < 0)
        return error_set(error, STEP_CGROUP, errno, "no mount shows the cgroup %.32s:%.150s",
                         membership->controllers, membership->path);
    directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return directory < 0 ? error_set(error, STEP_CGROUP, errno, "cannot open %.200s", path)
                         : directory;
}

static int membership_open(const struct membership *membership, struct memberships *memberships,
                           struct error *error)
{

    /* From within a cgroup namespace, what is outside of it begins with "/..". */
    if (strncmp(membership->path, "/..", 3) == 0)
        return error_set(error, STEP_CGROUP, EXDEV, "the cgroup %.150s is outside of our namespace",
                         membership->path);
    _cleanup_close_ int directory = membership_open_directory(membership, error);
    if (directory < 0)
        return -1;
    if (membership->controllers[0] == '\0') {
        memberships->unified = TAKE_FD(directory);
        return 0;
    }
    if (memberships->count == HIERARCHIES_MAX)
        return error_set(error, STEP_CGROUP, E2BIG, "there are more than %d cgroup hierarchies",
                         HIERARCHIES_MAX);
    int tasks = openat(directory, "tasks", O_WRONLY | O_CLOEXEC);
    if (tasks < 0)
        return error_set(error, STEP_CGROUP, errno, "cannot open tasks of the cgroup %.32s:%.150s",
                         membership->controllers, membership->path);
    memberships->tasks[memberships->count++] = tasks;
    return 0;
}

/* Whether `path` is the container's cgroup or lies below. */
static bool path_is_of(const char *path, const char *id)
{
    char part[sizeof("/" CGROUP_PARENT "/") + 12];

    snprintf(part, sizeof(part), "/%s/%s", CGROUP_PARENT, id);
    const char *found = strstr(path, part);
    return found && (found[strlen(part)] == '/' || found[strlen(part)] == '\0');
}

/* Whether the whole line `line` is one of the lines of `text`. */
static bool text_has_line(const char *text, const char *line)
{
    size_t length = strlen(line);

    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        if (size == length && memcmp(text, line, length) == 0)
            return true;
        text += size + (text[size] == '\n');
    }
    return false;
}

static int memberships_read(pid_t pid, char theirs[CGROUP_FILE_SIZE], char ours[CGROUP_FILE_SIZE],
                            struct error *error)
{
    char path[32];

    snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
    if (read_file_at(AT_FDCWD, path, theirs, CGROUP_FILE_SIZE) < 0 ||
        read_file_at(AT_FDCWD, "/proc/self/cgroup", ours, CGROUP_FILE_SIZE) < 0)
        return error_set(error, STEP_CGROUP, errno, "cannot read the cgroups of process %d", pid);
    return 0;
}

int memberships_open(pid_t pid, const char *id, struct memberships *ret_memberships,
                     struct error *error)
{
    char theirs[CGROUP_FILE_SIZE], ours[CGROUP_FILE_SIZE];
    struct memberships memberships = {.unified = -1};
    bool any = false, of_container = false;
    char *line, *rest = theirs;

    if (memberships_read(pid, theirs, ours, error) < 0)
        return -1;
    while ((line = strsep(&rest, "\n")) && *line != '\0') {
        bool shared = text_has_line(ours, line);
        struct membership membership;

        if (!membership_parse(line, &membership)) {
            memberships_close(&memberships);
            return error_set(error, STEP_CGROUP, EBADMSG, "'%.100s' in /proc/%d/cgroup is unknown",
                             line, pid);
        }
        any = true;
        of_container = of_container || path_is_of(membership.path, id);
        if (!shared && membership_open(&membership, &memberships, error) < 0) {
            memberships_close(&memberships);
            return -1;
        }
    }
    if (any && !of_container) {
        memberships_close(&memberships);
        return error_set(error, STEP_IDENTIFY, ESRCH, "process %d is in no cgroup of container %s",
                         pid, id);
    }
    *ret_memberships = memberships;
    return 0;
}

int memberships_join(const struct memberships *memberships, struct error *error)
{
    for (size_t i = 0; i < memberships->count; i++) {
        if (write_all(memberships->tasks[i], "0", 1) < 0)
            return error_set(error, STEP_CGROUP, errno, "cannot join the container's cgroup");
        trace_step(STEP_CGROUP, "write", trace_path("path", memberships->tasks[i], ""),
                   trace_text("value", "0"));
    }
    return 0;
}

void memberships_close(struct memberships *memberships)
{
    cleanup_close(&memberships->unified);
    for (size_t i = 0; i < memberships->count; i++)
        cleanup_close(&memberships->tasks[i]);
}

#include "changes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "status.h"
#include "tree.h"
#include "util.h"

#define CHANGES_MAX 20000 /* more than anybody looks at, and fits into a reply */
#define PATH_LENGTH 1024  /* of what fits into a status line, escaped */
#define DEPTH_MAX   200   /* each level holds two fds open */

struct walk {
    int status_fd;
    uid_t id_base;
    uint64_t count;    /* of what was sent */
    uint64_t left_out; /* what was not: too many, too deep, or of too long a name */
    size_t length;     /* of the path of the directory that is looked at */
    char path[PATH_LENGTH];
};

enum change { ADDED, MODIFIED, DELETED };

static int tree_compare(struct walk *walk, DIR *upper, int lower, unsigned depth,
                        struct error *error);

static const char *type_name(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return "file";
    case S_IFDIR:
        return "directory";
    case S_IFLNK:
        return "link";
    default:
        return "special";
    }
}

static void change_send(struct walk *walk, enum change change, const char *name,
                        const struct stat *stat)
{
    static const char *const names[] = {
        [ADDED] = "added", [MODIFIED] = "modified", [DELETED] = "deleted"};
    char path[PATH_LENGTH + NAME_MAX + 2];
    struct json_line line;

    int length = snprintf(path, sizeof(path), "%s/%s", walk->path, name);
    if (length >= PATH_LENGTH || walk->count == CHANGES_MAX) {
        walk->left_out++;
        return;
    }
    json_begin(&line);
    json_string(&line, "event", "change");
    json_string(&line, "change", names[change]);
    json_string(&line, "type", type_name(stat->st_mode));
    if (change != DELETED && S_ISREG(stat->st_mode))
        json_number(&line, "size", (uint64_t)stat->st_size);
    const size_t without = line.length;
    json_string(&line, "path", path);
    if (line.length == without) { /* it does not fit: most of it had to be escaped */
        walk->left_out++;
        return;
    }
    json_end(&line);
    status_send(walk->status_fd, &line);
    walk->count++;
}

static bool is_whiteout(const struct stat *stat)
{
    return S_ISCHR(stat->st_mode) && stat->st_rdev == makedev(0, 0);
}

/* Whether a directory hides all that the lower layer has under its name. */
static bool is_opaque(int directory)
{
    char value;

    return fgetxattr(directory, "user.overlay.opaque", &value, 1) == 1 && value == 'y';
}

/* Of directories only what is their own: their entries are looked at one by one. */
static bool looks_alike(const struct walk *walk, const struct stat *upper, const struct stat *lower)
{
    if (upper->st_mode != lower->st_mode || upper->st_uid != lower->st_uid + walk->id_base ||
        upper->st_gid != lower->st_gid + walk->id_base)
        return false;
    return S_ISDIR(upper->st_mode) ||
           (upper->st_size == lower->st_size && upper->st_rdev == lower->st_rdev &&
            upper->st_mtim.tv_sec == lower->st_mtim.tv_sec &&
            upper->st_mtim.tv_nsec == lower->st_mtim.tv_nsec);
}

/* What is in a directory of both layers, or in a new one (`lower` -1), whose name is `name`. */
static int directory_compare(struct walk *walk, int upper, int lower, const char *name,
                             unsigned depth, struct error *error)
{
    size_t length = walk->length;
    _cleanup_close_ int lower_child = -1;

    if (depth == DEPTH_MAX || length + strlen(name) + 1 >= PATH_LENGTH) {
        walk->left_out++;
        return 0;
    }
    _cleanup_dir_ DIR *child = directory_open(upper, name);
    if (child == NULL)
        /* Removed just now: the container may run. */
        return errno == ENOENT ? 0
                               : error_set(error, STEP_CHANGES, errno, "cannot open %.100s/%.100s",
                                           walk->path, name);
    if (lower >= 0)
        lower_child = openat(lower, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    walk->length += (size_t)sprintf(walk->path + length, "/%s", name);
    int result = tree_compare(walk, child, lower_child, depth + 1, error);
    walk->length = length;
    walk->path[length] = '\0';
    return result;
}

static int entry_compare(struct walk *walk, int upper, int lower, const char *name, unsigned depth,
                         struct error *error)
{
    struct stat now, before;

    if (fstatat(upper, name, &now, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0
                               : error_set(error, STEP_CHANGES, errno,
                                           "cannot look at %.100s/%.100s", walk->path, name);
    bool was_there = lower >= 0 && fstatat(lower, name, &before, AT_SYMLINK_NOFOLLOW) == 0;
    if (is_whiteout(&now)) {
        if (was_there)
            change_send(walk, DELETED, name, &before);
        return 0;
    }
    if (!was_there)
        change_send(walk, ADDED, name, &now);
    else if (!looks_alike(walk, &now, &before))
        change_send(walk, MODIFIED, name, &now);
    if (!S_ISDIR(now.st_mode))
        return 0;
    return directory_compare(walk, upper, was_there ? lower : -1, name, depth, error);
}

/* Of an opaque directory: what the lower layer has and the upper one does not is deleted. */
static int hidden_report(struct walk *walk, int upper, int lower, struct error *error)
{
    struct dirent *entry;
    struct stat now, before;

    _cleanup_dir_ DIR *directory = directory_open(lower, ".");
    if (directory == NULL)
        return error_set(error, STEP_CHANGES, errno, "cannot read %.200s of the root file system",
                         walk->path);
    while ((entry = readdir(directory)) != NULL) {
        const char *name = entry->d_name;

        if (!is_self_or_parent(name) && fstatat(upper, name, &now, AT_SYMLINK_NOFOLLOW) < 0 &&
            fstatat(lower, name, &before, AT_SYMLINK_NOFOLLOW) == 0)
            change_send(walk, DELETED, name, &before);
    }
    return 0;
}

static int tree_compare(struct walk *walk, DIR *upper, int lower, unsigned depth,
                        struct error *error)
{
    struct dirent *entry;

    while ((errno = 0, entry = readdir(upper)) != NULL) {
        if (is_self_or_parent(entry->d_name))
            continue;
        if (entry_compare(walk, dirfd(upper), lower, entry->d_name, depth, error) < 0)
            return -1;
    }
    if (errno != 0)
        return error_set(error, STEP_CHANGES, errno, "cannot read %.200s", walk->path);
    if (lower >= 0 && is_opaque(dirfd(upper)))
        return hidden_report(walk, dirfd(upper), lower, error);
    return 0;
}

int changes_report(const struct layers *layers, int status_fd, struct error *error)
{
    struct walk walk = {.status_fd = status_fd, .id_base = layers->id_base};
    struct json_line line;

    _cleanup_close_ int lower = open(layers->lower, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lower < 0)
        return error_set(error, STEP_ROOTFS, errno, "cannot open the lower layer %.160s",
                         layers->lower);
    _cleanup_close_ int upper = open(layers->upper, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    /* Before the first start there is none. */
    if (upper < 0 && errno != ENOENT)
        return error_set(error, STEP_CHANGES, errno, "cannot open the upper layer %.160s",
                         layers->upper);
    _cleanup_dir_ DIR *top = upper < 0 ? NULL : directory_open(upper, ".");
    if (top != NULL && tree_compare(&walk, top, lower, 0, error) < 0)
        return -1;
    json_begin(&line);
    json_string(&line, "event", "changes");
    json_number(&line, "count", walk.count);
    json_number(&line, "leftOut", walk.left_out);
    json_end(&line);
    status_send(status_fd, &line);
    return 0;
}

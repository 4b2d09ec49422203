#include "inroot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util.h"

int inroot_open(int root, const char *path, int flags)
{
    const struct open_how how = {
        .flags = (uint64_t)(O_PATH | O_CLOEXEC | flags),
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };

    return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

/* Makes `length` bytes of `path`, whose directory is `above` and whose last name is `name`. */
static int component_make(int root, int above, const char *path, size_t length, const char *name)
{
    char prefix[PATH_MAX];

    snprintf(prefix, sizeof(prefix), "%.*s", (int)length, path);
    int fd = inroot_open(root, prefix, O_DIRECTORY);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    const char *last = prefix + (name - path);
    if (mkdirat(above, last, 0755) < 0) {
        /* There is something, and yet it cannot be opened: a link that leads nowhere. */
        if (errno == EEXIST)
            errno = ENOENT;
        return -1;
    }
    return inroot_open(root, prefix, O_DIRECTORY);
}

int inroot_make_directory(int root, const char *path)
{
    int fd = inroot_open(root, path, O_DIRECTORY);

    if (fd >= 0 || errno != ENOENT)
        return fd;
    fd = inroot_open(root, ".", O_DIRECTORY);
    for (const char *name = path; fd >= 0; name += strcspn(name, "/")) {
        name += strspn(name, "/");
        size_t length = (size_t)(name - path) + strcspn(name, "/");
        if (*name == '\0' || length >= PATH_MAX)
            break;
        _cleanup_close_ int above = fd;
        fd = component_make(root, above, path, length, name);
    }
    return fd;
}

int inroot_make_file(int root, const char *path)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;

    int fd = inroot_open(root, path, 0);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    snprintf(directory, sizeof(directory), "%.*s", slash != NULL ? (int)(slash - path) : 0, path);
    _cleanup_close_ int above = inroot_make_directory(root, directory[0] != '\0' ? directory : ".");
    if (above < 0 || (unlinkat(above, name, 0) < 0 && errno != ENOENT))
        return -1;
    _cleanup_close_ int made =
        openat(above, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    return made < 0 ? -1 : openat(above, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

#include "database.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util.h"

#define DATABASE_MAX (1024 * 1024)

/*
 * Opens a file of the root, following links inside it only. O_NONBLOCK, because what stands there
 * may be a FIFO or be under a lease: neither may stop us.
 */
static int database_open(const char *path, struct error *error)
{
    struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    struct stat status;

    _cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return error_set(error, STEP_USER, errno, "cannot open the root directory");
    _cleanup_close_ int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
    if (fd < 0)
        return error_set(error, STEP_USER, errno, "cannot open %s", path);
    if (fstat(fd, &status) < 0)
        return error_set(error, STEP_USER, errno, "cannot look at %s", path);
    if (!S_ISREG(status.st_mode))
        return error_set(error, STEP_USER, EINVAL, "%s is no regular file", path);
    return TAKE_FD(fd);
}

int database_read(const char *path, char **ret_text, struct error *error)
{
    _cleanup_close_ int fd = database_open(path, error);
    if (fd < 0 && error->errnum != ENOENT)
        return -1;

    _cleanup_free_ char *text = malloc(DATABASE_MAX + 2);
    if (!text)
        return error_set(error, STEP_USER, ENOMEM, "cannot read %s", path);

    size_t length = 0;
    while (fd >= 0 && length <= DATABASE_MAX) {
        ssize_t got = read(fd, text + length, DATABASE_MAX + 1 - length);
        if (got < 0)
            return error_set(error, STEP_USER, errno, "cannot read %s", path);
        if (got == 0)
            break;
        length += (size_t)got;
    }
    if (length > DATABASE_MAX)
        return error_set(error, STEP_USER, EFBIG, "%s is larger than 1 MiB", path);
    text[length] = '\0';
    *ret_text = text;
    text = NULL;
    return 0;
}

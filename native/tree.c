#include "tree.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

void cleanup_dir(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

DIR *directory_open(int parent, const char *name)
{
    struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
    };
    int fd = (int)syscall(SYS_openat2, parent, name, &how, sizeof(how));
    if (fd < 0)
        return NULL;
    DIR *directory = fdopendir(fd);
    if (!directory)
        close(fd);
    return directory;
}

bool is_self_or_parent(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

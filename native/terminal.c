#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "trace.h"
#include "util.h"

#define PTMX_PATH  "/dev/pts/ptmx"
#define PTMX_MAJOR 5
#define PTMX_MINOR 2

/* The container's root could have put anything there; what is open is looked at. */
static bool is_ptmx(int fd)
{
    struct stat status;
    struct statfs filesystem;

    return fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) &&
           status.st_rdev == makedev(PTMX_MAJOR, PTMX_MINOR) && fstatfs(fd, &filesystem) == 0 &&
           filesystem.f_type == DEVPTS_SUPER_MAGIC;
}

int terminal_open(struct terminal_size size, int *ret_master, int *ret_slave, struct error *error)
{
    int locked = 0;

    _cleanup_close_ int master = open(PTMX_PATH, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (master < 0)
        return error_set(error, STEP_TERMINAL, errno, "cannot open %s", PTMX_PATH);
    if (!is_ptmx(master))
        return error_set(error, STEP_TERMINAL, EINVAL, "%s is not the terminal multiplexer",
                         PTMX_PATH);
    if (ioctl(master, TIOCSPTLCK, &locked) < 0)
        return error_set(error, STEP_TERMINAL, errno, "cannot unlock the terminal");
    if (terminal_resize(master, size) < 0)
        return error_set(error, STEP_TERMINAL, errno, "cannot set the terminal's size");
    /* By the master and not by a path, which would be looked up anew. */
    _cleanup_close_ int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        return error_set(error, STEP_TERMINAL, errno, "cannot open the terminal's inner end");
    trace_step(STEP_TERMINAL, "open", trace_text("path", PTMX_PATH),
               trace_number("rows", size.rows), trace_number("columns", size.columns));
    *ret_master = TAKE_FD(master);
    *ret_slave = TAKE_FD(slave);
    return 0;
}

int terminal_resize(int master, struct terminal_size size)
{
    const struct winsize window = {.ws_row = size.rows, .ws_col = size.columns};

    return ioctl(master, TIOCSWINSZ, &window);
}

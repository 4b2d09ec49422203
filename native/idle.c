#include "idle.h"

#include <errno.h>
#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "system_call.h"

#define RANGES_MAX 4

/* Pages of the program's file that are mapped and cannot be changed. */
struct ranges {
    struct {
        uintptr_t start;
        size_t size;
    } list[RANGES_MAX];
    size_t count;
};

static int ranges_collect(struct dl_phdr_info *program, size_t size, void *data)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    struct ranges *ranges = data;
    (void)size;

    for (size_t i = 0; i < program->dlpi_phnum && ranges->count < RANGES_MAX; i++) {
        const ElfW(Phdr) *segment = &program->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W) != 0)
            continue;
        uintptr_t start = program->dlpi_addr + segment->p_vaddr;
        uintptr_t end = start + segment->p_memsz;
        start -= start % page;
        ranges->list[ranges->count].start = start;
        ranges->list[ranges->count++].size = end - start;
    }
    return 1; /* the program comes first, and libraries are not looked at */
}

int idle_poll(struct pollfd *polls, nfds_t count, int timeout_ms)
{
    const struct timespec timeout = {.tv_sec = timeout_ms / 1000,
                                     .tv_nsec = timeout_ms % 1000 * 1000000L};
    struct ranges ranges = {.count = 0};

    (void)dl_iterate_phdr(ranges_collect, &ranges);
    /* From here to the wait no other function: each would bring back the pages around it, 64 KiB
     * as a rule (fault_around_bytes of the kernel's mm/memory.c). */
    for (size_t i = 0; i < ranges.count; i++)
        (void)system_call(SYS_madvise, (long)ranges.list[i].start, (long)ranges.list[i].size,
                          MADV_DONTNEED, 0, 0);
    long ready =
        system_call(SYS_ppoll, (long)polls, (long)count, timeout_ms < 0 ? 0 : (long)&timeout, 0, 0);
    if (ready >= 0)
        return (int)ready;
    errno = (int)-ready;
    return -1;
}

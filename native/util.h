#ifndef MCM_UTIL_H
#define MCM_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Ownership: a variable marked so is closed or freed on every way out, also when nothing else uses it;
 * TAKE_* hands it over. */
#define _cleanup_close_ __attribute__((cleanup(cleanup_close), unused))
#define _cleanup_free_  __attribute__((cleanup(cleanup_free), unused))

#define TAKE_FD(fd)                                                                                \
    ({                                                                                             \
        int taken_ = (fd);                                                                         \
        (fd) = -1;                                                                                 \
        taken_;                                                                                    \
    })

void cleanup_close(int *fd);
void cleanup_free(void *pointer);

/* Strict decimal number 0…max: digits only, no sign, no space, no overflow. False: refused. */
bool parse_uint(const char *text, uint64_t max, uint64_t *ret_value);

/* 12 lower-case hex digits. */
bool id_is_valid(const char *text);

/* Whether the first `length` bytes of `item` are one of the items of `list`, between its commas. */
bool list_has_item(const char *list, const char *item, size_t length);

/* Writes all of it, over EINTR and short writes. -1 with errno. */
int write_all(int fd, const void *data, size_t size);

/* Reads a whole small file into `buffer`, NUL-terminated; EFBIG when it does not fit. Returns the
 * length or -1 with errno. */
ssize_t read_file_at(int dir_fd, const char *path, char *buffer, size_t size);

/* Writes a whole existing file (cgroup, /proc) with one write(2). -1 with errno. */
int write_file_at(int dir_fd, const char *path, const char *text);

/* The kernel's boot id, 36 characters and a NUL. -1 with errno. */
int boot_id(char ret_id[37]);

/* Now as RFC 3339 in UTC with microseconds: 2026-01-01T00:00:00.000000Z and a NUL. */
#define TIMESTAMP_SIZE 28
void timestamp_now(char ret_text[TIMESTAMP_SIZE]);

#endif

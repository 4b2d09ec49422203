#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void cleanup_close(int *fd)
{
    if (*fd >= 0) {
        int saved = errno;
        close(*fd);
        errno = saved;
    }
}

void cleanup_free(void *pointer)
{
    free(*(void **)pointer);
}

bool parse_uint(const char *text, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        uint64_t digit = (uint64_t)(*text - '0');
        if (value > (max - digit) / 10 || digit > max)
            return false;
        value = value * 10 + digit;
    }
    *ret_value = value;
    return true;
}

bool id_is_valid(const char *text)
{
    return strlen(text) == 12 && strspn(text, "0123456789abcdef") == 12;
}

bool list_has_item(const char *list, const char *item, size_t length)
{
    while (*list != '\0') {
        size_t size = strcspn(list, ",");
        if (size == length && memcmp(list, item, length) == 0)
            return true;
        list += size + (list[size] == ',');
    }
    return false;
}

int write_all(int fd, const void *data, size_t size)
{
    const char *next = data;

    while (size > 0) {
        ssize_t written = write(fd, next, size);
        if (written < 0) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        next += written;
        size -= (size_t)written;
    }
    return 0;
}

ssize_t read_file_at(int dir_fd, const char *path, char *buffer, size_t size)
{
    _cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    size_t length = 0;

    if (fd < 0)
        return -1;
    while (length < size) {
        ssize_t got = read(fd, buffer + length, size - length);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        if (got == 0) {
            buffer[length] = '\0';
            return (ssize_t)length;
        }
        length += (size_t)got;
    }
    errno = EFBIG;
    return -1;
}

int write_file_at(int dir_fd, const char *path, const char *text)
{
    _cleanup_close_ int fd = openat(dir_fd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    size_t size = strlen(text);

    if (fd < 0)
        return -1;
    ssize_t written = write(fd, text, size);
    if (written < 0)
        return -1;
    if ((size_t)written != size) {
        errno = EIO;
        return -1;
    }
    return 0;
}

int boot_id(char ret_id[37])
{
    char text[64];
    ssize_t length = read_file_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", text, sizeof(text));

    if (length < 0)
        return -1;
    if (length < 36) {
        errno = EBADMSG;
        return -1;
    }
    memcpy(ret_id, text, 36);
    ret_id[36] = '\0';
    return 0;
}

void timestamp_now(char ret_text[TIMESTAMP_SIZE])
{
    struct timespec now;
    struct tm utc;
    char seconds[20];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(ret_text, TIMESTAMP_SIZE, "%s.%06uZ", seconds,
             (unsigned)(now.tv_nsec / 1000) % 1000000u);
}

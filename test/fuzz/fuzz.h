/* What the fuzz targets of this directory share. One file is one target: LLVMFuzzerTestOneInput(). */
#ifndef MCM_FUZZ_H
#define MCM_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run, which keeps the input, when what must hold does not. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: this does not hold: %s\n", __FILE__, __LINE__, #condition);    \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* A copy with a NUL behind it, of exactly that size, so that reading on is noticed. */
static inline char *text_copy(const void *data, size_t size)
{
    char *text = malloc(size + 1);

    CHECK(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

/* Cuts what stands before the next `separator` off the input, as a copy; the rest at the end. */
static inline char *text_next(const uint8_t **data, size_t *size, char separator)
{
    const uint8_t *end = *size > 0 ? memchr(*data, separator, *size) : NULL;
    size_t length = end != NULL ? (size_t)(end - *data) : *size;
    char *text = text_copy(*data, length);

    length += end != NULL;
    *data += length;
    *size -= length;
    return text;
}

/* A file that holds the input, to be read from its beginning. */
static inline int file_of(const void *data, size_t size)
{
    int fd = memfd_create("input", MFD_CLOEXEC);

    CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

static inline bool is_digits(const char *text)
{
    return *text != '\0' && strspn(text, "0123456789") == strlen(text);
}

/* Whether the digits `text` say `value`, whatever zeros stand before: as text, without arithmetic. */
static inline bool says_number(const char *text, uint64_t value)
{
    char digits[24];

    snprintf(digits, sizeof(digits), "%lu", value);
    while (text[0] == '0' && text[1] != '\0')
        text++;
    return strcmp(text, digits) == 0;
}

/* Whether the digits `text` are a number up to `max`: by length, then digit by digit. */
static inline bool is_number_to(const char *text, uint64_t max)
{
    char digits[24];

    if (!is_digits(text))
        return false;
    snprintf(digits, sizeof(digits), "%lu", max);
    while (text[0] == '0' && text[1] != '\0')
        text++;
    return strlen(text) != strlen(digits) ? strlen(text) < strlen(digits)
                                          : strcmp(text, digits) <= 0;
}

#endif

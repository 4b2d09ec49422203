/*
 * Only in the sanitizer build, whose programs drop their environment like the real ones: leaks
 * cannot be looked for in a non-dumpable process (it would have to be traced).
 */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "detect_leaks=0:exitcode=99";
}

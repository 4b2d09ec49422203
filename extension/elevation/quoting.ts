/** Words for shells. A path may hold anything but a NUL; none of it may ever become syntax. */

/** @throws when an argument holds a NUL, which no command line can carry */
function refuseNul(argument: string): void {
    if (argument.includes("\0")) {
        throw new Error(`${JSON.stringify(argument)} cannot be passed to a command.`);
    }
}

/** One command line for a POSIX shell, each argument a single-quoted word. */
export function quoteForShell(argv: readonly string[]): string {
    return argv
        .map((argument) => {
            refuseNul(argument);
            return /^[A-Za-z0-9_@%+=:,./-]+$/.test(argument)
                ? argument
                : `'${argument.replaceAll("'", "'\\''")}'`;
        })
        .join(" ");
}

/**
 * The command line for sudo-prompt. It puts it between double quotes of an unprivileged sh, having
 * written `"` as `\"` and nothing else: there `\`, `$` and backticks still have a meaning. With
 * each of these escaped, what bash then reads as root is exactly the line of
 * {@link quoteForShell}. (A `"` needs no help: all backslashes before it are doubled by then.)
 */
export function quoteForPrompt(argv: readonly string[]): string {
    return quoteForShell(argv).replace(/[\\$`]/g, "\\$&");
}

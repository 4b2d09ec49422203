/** The command that becomes root's passes two shells; nothing in a path may become syntax. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { quoteForPrompt, quoteForShell } from "../../extension/elevation/quoting";

/** Prints its arguments, each followed by a NUL. */
const PRINT = [process.execPath, "-e", 'process.stdout.write(process.argv.slice(1).join("\\0"))'];

const HOSTILE = [
    "plain",
    "with two  spaces",
    "it's",
    '"double"',
    "$(touch /tmp/mcm-extension-owned)",
    "`id`",
    "${HOME}$HOME$$",
    "back\\slash",
    "ends in \\",
    '\\" escaped quote \\\\" twice',
    "$'\\x41'",
    "new\nline",
    "tab\tand\rreturn",
    "a;b&c|d>e<f(g)h{i}j*k?l[m]n#o!p~q^r%s",
    "ünïcödé 🐋",
    "-dash",
    "",
];

/** What sudo-prompt makes of a command: the only escaping is that of double quotes. */
function asSudoPromptRuns(command: string): string {
    return `/bin/bash -c "echo SUDOPROMPT; ${command.replace(/"/g, '\\"')}"`;
}

test("every argument arrives through sudo-prompt's two shells as it is", () => {
    const command = asSudoPromptRuns(quoteForPrompt([...PRINT, "--", ...HOSTILE]));
    const output = execFileSync("/bin/sh", ["-c", command], { encoding: "utf8" });
    assert.deepEqual(output.replace("SUDOPROMPT\n", "").split("\0"), HOSTILE);
});

test("every argument arrives through one shell as it is", () => {
    const command = quoteForShell([...PRINT, "--", ...HOSTILE]);
    for (const shell of ["/bin/sh", "/bin/bash"]) {
        const output = execFileSync(shell, ["-c", command], { encoding: "utf8" });
        assert.deepEqual(output.split("\0"), HOSTILE);
    }
});

test("sudo-prompt does not take the command for one of sudo's", () => {
    assert.doesNotMatch(quoteForPrompt(["/opt/sudo/node"]), /^sudo/i);
    assert.doesNotMatch(quoteForPrompt(["sudo files/node"]), /^sudo/i);
});

test("what no command line can carry is refused", () => {
    assert.throws(() => quoteForShell(["a\0b"]), /cannot be passed/);
    assert.throws(() => quoteForPrompt(["a\0b"]), /cannot be passed/);
});

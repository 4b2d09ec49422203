/** The Run flow: what was typed, what is wrong with it, and what it asks for. */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
    type Draft,
    draftText,
    emptyDraft,
    limitsOf,
    limitTexts,
    remember,
    specOf,
} from "../../extension/run/draft";
import {
    commandProblem,
    cpuProblem,
    memoryProblem,
    nameFrom,
    nameProblem,
    pidsProblem,
    rateProblem,
} from "../../extension/run/validate";
import { splitWords } from "../../extension/run/words";

suite("splitting a command line", () => {
    const words = (line: string) => {
        const split = splitWords(line);
        return split.kind === "words" ? split.words : assert.fail(split.problem);
    };

    test("splits at blanks", () => {
        assert.deepEqual(words("  ls  -l\t/tmp "), ["ls", "-l", "/tmp"]);
        assert.deepEqual(words(""), []);
        assert.deepEqual(words("   "), []);
    });

    test("keeps together what is quoted", () => {
        assert.deepEqual(words(`sh -c 'echo "a b"; id'`), ["sh", "-c", 'echo "a b"; id']);
        assert.deepEqual(words(`a"b c"'d e'f`), ["ab cd ef"]);
        assert.deepEqual(words(`'' ""`), ["", ""]);
    });

    test("reads backslashes as sh does", () => {
        assert.deepEqual(words(String.raw`a\ b`), ["a b"]);
        assert.deepEqual(words(String.raw`'a\b'`), [String.raw`a\b`]);
        assert.deepEqual(words(String.raw`"a\"b\n"`), [String.raw`a"b\n`]);
    });

    test("puts nothing in for variables and globs", () => {
        assert.deepEqual(words("echo $HOME *"), ["echo", "$HOME", "*"]);
    });

    test("says what is not closed", () => {
        assert.equal(commandProblem("sh -c 'echo"), "A closing ' is missing.");
        assert.equal(commandProblem('"'), 'A closing " is missing.');
        assert.match(commandProblem("ls \\") ?? "", /backslash/);
        assert.equal(commandProblem("ls"), undefined);
    });
});

suite("what is wrong", () => {
    test("with memory: no size, a sign, a fraction, too little", () => {
        for (const text of ["100Q", "-1", "1e9", "1.5G", "100 M", "M"]) {
            assert.match(memoryProblem(text) ?? "", /is no size/, text);
        }
        assert.match(memoryProblem("0") ?? "", /At least 4 MiB/);
        assert.match(memoryProblem("100") ?? "", /At least 4 MiB/);
    });

    test("with no memory limit that the backend takes", () => {
        for (const text of ["", "100M", "64mib", "1g", "8388608"]) {
            assert.equal(memoryProblem(text), undefined, text);
        }
    });

    test("with CPU: no number, too little, a comma", () => {
        for (const text of ["NaN", "0", "-1", "1e1", "0.001", "two"]) {
            assert.match(cpuProblem(text) ?? "", /is no number of cores/, text);
        }
        assert.match(cpuProblem("0,5") ?? "", /0\.5/);
        assert.equal(cpuProblem("0.5"), undefined);
        assert.equal(cpuProblem(""), undefined);
    });

    test("with a number of processes", () => {
        for (const text of ["0", "-3", "1.5", "many"]) {
            assert.match(pidsProblem(text) ?? "", /is no number of processes/, text);
        }
        assert.match(pidsProblem("99999999") ?? "", /No kernel/);
        assert.equal(pidsProblem("256"), undefined);
        assert.match(rateProblem("fast") ?? "", /is no size/);
        assert.match(rateProblem("1K") ?? "", /At least 4 KiB a second/);
        assert.equal(rateProblem("10M"), undefined);
    });

    test("with a name: its letters, its length, that it is taken", () => {
        assert.match(nameProblem("-web", []) ?? "", /begins with/);
        assert.match(nameProblem("my web", []) ?? "", /only/);
        assert.match(nameProblem("x".repeat(64), []) ?? "", /at most 63/);
        assert.match(nameProblem("0123456789ab", []) ?? "", /id/);
        assert.match(nameProblem("web", ["web"]) ?? "", /already/);
        assert.equal(nameProblem("Web_1.2-x", ["web"]), undefined);
        assert.equal(nameProblem("", []), undefined);
    });
});

test("a root file system gets the name of its file, or a free one like it", () => {
    assert.equal(nameFrom("debian-12.tar.gz", []), "debian-12");
    assert.equal(nameFrom("rootfs.tgz", ["rootfs"]), "rootfs-2");
    assert.equal(nameFrom("my root (1)", []), "my-root-1-");
    assert.equal(nameFrom(".tar", []), "rootfs");
});

suite("a draft", () => {
    const draft: Draft = {
        ...emptyDraft({ kind: "imported", name: "debian" }),
        command: "sh -c 'sleep 9'",
        name: "web",
        memory: "100M",
        cpu: "0.5",
        pids: "64",
        ioWrite: "5M",
    };

    test("asks for what was typed", () => {
        assert.deepEqual(specOf(draft), {
            name: "web",
            rootfs: { kind: "imported", name: "debian" },
            command: ["sh", "-c", "sleep 9"],
            limits: { memory: 100 * 1024 ** 2, cpu: 0.5, pids: 64, ioWrite: 5 * 1024 ** 2 },
        });
    });

    test("asks for nothing that was not typed", () => {
        assert.deepEqual(specOf(emptyDraft({ kind: "host" })), {
            rootfs: { kind: "host" },
            limits: {},
        });
    });

    test("has limits as one would type them", () => {
        const limits = { memory: 100 * 1024 ** 2, cpu: 0.25, ioRead: 1025, ioWrite: 3 * 1024 };
        const texts = limitTexts(limits);
        assert.deepEqual(texts, {
            ...{ memory: "100M", cpu: "0.25", pids: "", ioRead: "1025", ioWrite: "3K" },
        });
        assert.deepEqual(limitsOf(texts), limits);
    });

    test("is told in a line", () => {
        assert.equal(
            draftText(draft),
            "debian · sh -c 'sleep 9' · memory 100M, 0.5 cores, 64 processes, writing 5M/s",
        );
        assert.equal(
            draftText(emptyDraft({ kind: "host" })),
            "this computer's programs · waits until it is stopped · no limits",
        );
    });

    test("is remembered without its name, once, and with few others", () => {
        const other = (pids: string) => ({ ...draft, pids });
        let recent = remember(draft, []);
        assert.equal(recent[0]?.name, "");
        recent = remember({ ...draft, name: "another" }, recent);
        assert.equal(recent.length, 1);
        for (const pids of ["1", "2", "3"]) {
            recent = remember(other(pids), recent);
        }
        assert.deepEqual(
            recent.map(({ pids }) => pids),
            ["3", "2", "1"],
        );
    });
});

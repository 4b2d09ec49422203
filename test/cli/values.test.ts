import assert from "node:assert/strict";
import { resolve } from "node:path";
import { suite, test } from "node:test";
import { CliError, EXIT } from "../../server/cli/errors";
import {
    parseCount,
    parseCpuLimit,
    parseCpuset,
    parseEnv,
    parseMemoryLimit,
    parseRootfs,
    parseVolume,
} from "../../server/cli/values";

/** What a refusal says; fails when nothing is refused. */
function refusal(parse: () => unknown): string {
    try {
        parse();
    } catch (error) {
        assert(error instanceof CliError);
        assert.equal(error.exitCode, EXIT.failed);
        return error.message;
    }
    return assert.fail("nothing was refused");
}

suite("values of options", () => {
    test("a memory limit takes binary units in either case, with B or iB", () => {
        const values = { "100M": 104857600, "64mib": 67108864, "8192kB": 8388608, "1g": 2 ** 30 };
        for (const [text, bytes] of Object.entries(values)) {
            assert.equal(parseMemoryLimit("--memory", text), bytes);
        }
        assert.equal(parseMemoryLimit("--memory", "10485760"), 10485760);
    });

    for (const value of ["100Q", "-1", "1e9", "", " 1M", "1 M", "1.5G", "0x10", "9999999T", "M"]) {
        test(`a memory limit of ${JSON.stringify(value)} is refused with an example`, () => {
            const message = refusal(() => parseMemoryLimit("--memory", value));
            assert.match(message, /^--memory: /);
            assert(message.includes(JSON.stringify(value)));
            assert.match(message, /is not a size.*for example "100M"$/);
        });
    }

    test("a memory limit that nothing could start in is refused as too small", () => {
        for (const value of ["0", "1K"]) {
            const message = refusal(() => parseMemoryLimit("--memory", value));
            assert.match(message, /^--memory: "[^"]+" is less than 4M; /);
        }
    });

    test("a cpu limit takes decimal cores from 0.01 on", () => {
        assert.equal(parseCpuLimit("--cpu", "0.5"), 0.5);
        assert.equal(parseCpuLimit("--cpu", "0.01"), 0.01);
        assert.equal(parseCpuLimit("--cpu", "2"), 2);
    });

    for (const value of ["NaN", "0", "0,5", "0.001", "-1", "1e1", "Infinity", "", "½"]) {
        test(`a cpu limit of ${JSON.stringify(value)} is refused with an example`, () => {
            const message = refusal(() => parseCpuLimit("--cpu", value));
            assert(message.startsWith(`--cpu: ${JSON.stringify(value)} is not `));
            assert.match(message, /for example "0\.5"$/);
        });
    }

    test("a cpuset is a list of numbers and ranges", () => {
        assert.equal(parseCpuset("--cpuset", "0-1,3"), "0-1,3");
        for (const value of ["", "0-", "a", "0,,1", "-1", "0 1"]) {
            assert.match(
                refusal(() => parseCpuset("--cpuset", value)),
                /is not a list of cpus/,
            );
        }
    });

    test("a count is a whole number from its least on", () => {
        assert.equal(parseCount("--pids", "256", 1), 256);
        for (const value of ["0", "-1", "1.5", "1k", "99999999999999999999"]) {
            const message = refusal(() => parseCount("--pids", value, 1));
            assert.match(message, /^--pids: ".*" is not a count; give .* at least 1$/);
        }
    });

    test("variables add up, and a value may have an equals sign or be empty", () => {
        const first = parseEnv("--env", "A=b=c");
        assert.deepEqual(parseEnv("--env", "D=", first), { A: "b=c", D: "" });
        const odd = parseEnv("--env", "__proto__=x", first);
        assert.equal(JSON.stringify(odd), '{"A":"b=c","__proto__":"x"}');
        assert.match(
            refusal(() => parseEnv("--env", "A")),
            /^--env: "A" is not a variable/,
        );
        assert.match(
            refusal(() => parseEnv("--env", "=b")),
            /KEY=VALUE/,
        );
    });

    test("volumes add up, their source is relative to here, and they are writable unless told", () => {
        const first = parseVolume("--volume", "src:/work");
        assert.deepEqual(first, [{ source: resolve("src"), target: "/work", mode: "rw" }]);
        assert.deepEqual(parseVolume("--volume", "/a\\:b:/c\\:d\\e:ro"), [
            { source: "/a:b", target: "/c:d\\e", mode: "ro" },
        ]);
        const both = parseVolume("--volume", "/usr:/usr:cow", first);
        assert.deepEqual(both[1], { source: "/usr", target: "/usr", mode: "cow" });
        for (const value of ["/a", "/a:b", ":/b", "/a:/b:rx", "/a:/b:ro:x", ""]) {
            assert.match(
                refusal(() => parseVolume("--volume", value)),
                /is not a volume; give SRC/,
            );
        }
    });

    test("a rootfs is host, a directory by its slash, or an imported name", () => {
        assert.deepEqual(parseRootfs("--rootfs", "host"), { kind: "host" });
        assert.deepEqual(parseRootfs("--rootfs", "./a"), { kind: "directory", path: resolve("a") });
        assert.deepEqual(parseRootfs("--rootfs", "."), { kind: "directory", path: resolve() });
        assert.deepEqual(parseRootfs("--rootfs", "debian"), { kind: "imported", name: "debian" });
        assert.match(
            refusal(() => parseRootfs("--rootfs", "")),
            /^--rootfs: "" is not a rootfs/,
        );
    });
});

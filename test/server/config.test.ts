import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
    mkdir,
    mkdtemp,
    readdir,
    readFile,
    rm,
    symlink,
    truncate,
    writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { promisify } from "node:util";
import { BrokenConfig, configOf, hostnameOf, readConfig, writeConfig } from "../../server/config";
import { McmError } from "../../server/errors";

const IDENTITY = {
    id: "0123456789ab",
    name: "web",
    idBase: 0x3000_0000,
    createdAt: "2026-01-01T00:00:00.000Z",
};

let directory: string;
let file: string;

beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "mcm config "));
    file = path.join(directory, "config.json");
});

afterEach(() => rm(directory, { recursive: true }));

test("what is written is read back the same", async () => {
    const config = configOf(
        {
            rootfs: { kind: "imported", name: "debian" },
            command: ["sh", "-c", "true"],
            limits: { cpu: 0.5 },
            env: { A: "b" },
            user: "1000",
            tty: true,
        },
        IDENTITY,
    );
    await writeConfig(file, config);
    assert.deepEqual(readConfig(file), JSON.parse(JSON.stringify(config)));
    assert.deepEqual(await readdir(directory), ["config.json"]);
});

test("defaults are decided when the container is made", () => {
    const config = configOf({}, IDENTITY);
    assert.deepEqual(config.rootfs, { kind: "host" });
    assert.deepEqual(config.command, []);
    assert.equal(config.workdir, "/");
    assert.equal(config.autoRemove, false);
});

test("the host name follows the name and is made fit to be one", () => {
    const named = (name: string) => hostnameOf(configOf({}, { ...IDENTITY, name }));
    assert.equal(named("web"), "web");
    assert.equal(named("my_web.1"), "my-web-1");
    assert.equal(named("a--_.-"), "a");
    assert.equal(named("x".repeat(63)), "x".repeat(63));
    assert.equal(hostnameOf(configOf({ hostname: "other" }, IDENTITY)), "other");
});

for (const [what, text] of [
    ["is empty", ""],
    ["is cut", '{"version": 1, "id": "012'],
    ["is no object", "[]"],
    ["has another version", JSON.stringify({ ...configOf({}, IDENTITY), version: 2 })],
    ["lacks a member", JSON.stringify({ ...configOf({}, IDENTITY), idBase: undefined })],
    ["has a wrong type", JSON.stringify({ ...configOf({}, IDENTITY), command: "sh" })],
] as const) {
    test(`a config.json that ${what} is broken, with the reason`, async () => {
        await writeFile(file, text);
        assert.throws(
            () => readConfig(file),
            (error) => {
                assert.ok(error instanceof BrokenConfig);
                assert.match(error.message, /^config\.json/);
                return true;
            },
        );
    });
}

for (const [what, reason, make] of [
    ["a directory", /^config\.json is a directory, not a file$/, () => mkdir(file)],
    ["a link", /^config\.json is a symbolic link/, () => symlink("/etc/passwd", file)],
    ["a named pipe", /^config\.json is a named pipe/, () => promisify(execFile)("mkfifo", [file])],
    ["huge", /^config\.json has 1099511627776 bytes/, () => writeHuge()],
] as const) {
    test(`a config.json that is ${what} is broken, and says so`, async () => {
        await make();
        assert.throws(
            () => readConfig(file),
            (error) => error instanceof BrokenConfig && reason.test(error.message),
        );
    });
}

/** A terabyte of holes. */
async function writeHuge(): Promise<void> {
    await writeFile(file, "");
    await truncate(file, 2 ** 40);
}

test("a variable may have any name, also one that objects have a meaning for", async () => {
    const env = JSON.parse('{"__proto__": "x", "constructor": "y", "A": "z"}') as object;
    const config = configOf({ env: { ...env } }, IDENTITY);
    await writeConfig(file, config);
    assert.deepEqual(Object.entries(readConfig(file).env), Object.entries(env));
});

test("a config.json that is missing is broken", () => {
    assert.throws(() => readConfig(file), BrokenConfig);
});

test("a write that fails leaves the old file, and nothing beside it", async () => {
    await writeConfig(file, configOf({}, IDENTITY));
    const before = await readFile(file, "utf8");
    // A directory where the new file would go: open(2) fails as it would on a full disk.
    await mkdir(`${file}.new`);
    await assert.rejects(writeConfig(file, configOf({ tty: true }, IDENTITY)), McmError);
    assert.equal(await readFile(file, "utf8"), before);
});

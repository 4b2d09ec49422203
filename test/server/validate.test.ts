import assert from "node:assert/strict";
import { test } from "node:test";
import { McmError } from "../../server/errors";
import { ErrorCode } from "../../server/protocol";
import * as schemas from "../../server/validate";
import { validate } from "../../server/validate";

/** The refusal of a container's parameters. */
function refusalOf(spec: unknown): McmError {
    try {
        validate(schemas.containerSpecSchema, spec);
    } catch (error) {
        assert.ok(error instanceof McmError);
        assert.equal(error.code, ErrorCode.Invalid);
        return error;
    }
    assert.fail(`${JSON.stringify(spec)} was taken`);
}

test("everything a container can be given is taken as it is", () => {
    const spec = {
        name: "Web_1.a-b",
        rootfs: { kind: "directory", path: "/srv/a b" },
        command: ["/bin/sh", "-c", "echo 'a b'", ""],
        limits: { memory: 104857600, cpu: 0.5, cpuset: "0-1,3", pids: 64 },
        hostname: "web-1.example",
        env: { A_1: "", b: "x=y\nz" },
        workdir: "/srv",
        user: "www-data:33",
        volumes: [{ source: "/a:b", target: "/c,d", mode: "cow" }],
        interactive: true,
        tty: true,
        autoRemove: false,
    };
    assert.deepEqual(validate(schemas.containerSpecSchema, spec), spec);
    assert.deepEqual(validate(schemas.containerSpecSchema, {}), {});
});

const REFUSED: [field: string, spec: unknown][] = [
    ["name", { name: "" }],
    ["name", { name: "-a" }],
    ["name", { name: "../a" }],
    ["name", { name: "a/b" }],
    ["name", { name: "a\0" }],
    ["name", { name: "a".repeat(64) }],
    ["name", { name: "0123456789ab" }],
    ["rootfs", { rootfs: "host" }],
    ["rootfs.path", { rootfs: { kind: "directory", path: "srv" } }],
    ["rootfs.path", { rootfs: { kind: "directory", path: "/srv/../etc" } }],
    ["rootfs.path", { rootfs: { kind: "directory", path: "/srv\0" } }],
    ["rootfs.name", { rootfs: { kind: "imported", name: ".." } }],
    ["command", { command: "sh" }],
    ["command", { command: [""] }],
    ["command.1", { command: ["sh", "a\0b"] }],
    ["command.0", { command: ["a".repeat(128 * 1024)] }],
    ["limits.memory", { limits: { memory: -1 } }],
    ["limits.memory", { limits: { memory: 0 } }],
    ["limits.memory", { limits: { memory: 4095 * 1024 } }],
    ["limits.memory", { limits: { memory: 1e300 } }],
    ["limits.memory", { limits: { memory: 5000000.5 } }],
    ["limits.memory", { limits: { memory: "100M" } }],
    ["limits.cpu", { limits: { cpu: NaN } }],
    ["limits.cpu", { limits: { cpu: 0 } }],
    ["limits.cpu", { limits: { cpu: 0.001 } }],
    ["limits.cpu", { limits: { cpu: "0,5" } }],
    ["limits.cpu", { limits: { cpu: Infinity } }],
    ["limits.cpuset", { limits: { cpuset: "" } }],
    ["limits.cpuset", { limits: { cpuset: "1-0" } }],
    ["limits.cpuset", { limits: { cpuset: "0,,1" } }],
    ["limits.cpuset", { limits: { cpuset: "0 " } }],
    ["limits.pids", { limits: { pids: 0 } }],
    ["limits.pids", { limits: { pids: 1.5 } }],
    ["limits.memroy", { limits: { memroy: 1 } }],
    ["hostname", { hostname: "a_b" }],
    ["hostname", { hostname: "-a" }],
    ["hostname", { hostname: "a..b" }],
    ["hostname", { hostname: "a".repeat(65) }],
    ["env", { env: { "1A": "x" } }],
    ["env", { env: { "A=B": "x" } }],
    ["env", { env: { "": "x" } }],
    ["env.A", { env: { A: "x\0y" } }],
    ["env.A", { env: { A: 1 } }],
    ["env", { env: JSON.parse('{"__proto__ ": "x"}') as object }],
    ["env.__proto__", { env: JSON.parse('{"__proto__": 1}') as object }],
    ["env", { env: null }],
    ["env", { env: { A: "x".repeat(128 * 1024) } }],
    [
        "env",
        { env: Object.fromEntries("ABCDEFGHIJ".split("").map((k) => [k, "x".repeat(120_000)])) },
    ],
    ["workdir", { workdir: "srv" }],
    ["workdir", { workdir: "/srv/.." }],
    ["user", { user: "" }],
    ["user", { user: "1:" }],
    ["user", { user: "+1" }],
    ["user", { user: "4294967296" }],
    ["user", { user: "65536" }],
    ["user", { user: "a:b:c" }],
    ["volumes.0.source", { volumes: [{ source: "a", target: "/a", mode: "ro" }] }],
    ["volumes.0.target", { volumes: [{ source: "/a", target: "/", mode: "ro" }] }],
    ["volumes.0.target", { volumes: [{ source: "/a", target: "//./", mode: "ro" }] }],
    ["volumes.0.target", { volumes: [{ source: "/a", target: "/a/../..", mode: "ro" }] }],
    ["volumes.0.mode", { volumes: [{ source: "/a", target: "/a", mode: "rwx" }] }],
    ["tty", { tty: "yes" }],
    ["color", { color: "red" }],
    ["params", null],
    ["params", [1]],
];

for (const [field, spec] of REFUSED) {
    test(`${JSON.stringify(spec).slice(0, 70)} is refused, naming ${field}`, () => {
        const error = refusalOf(spec);
        assert.equal(error.data.field, field);
        assert.match(error.message, new RegExp(`^${field}: .* is not .+\\.$`, "s"));
    });
}

test("a refusal shows the value and what is expected", () => {
    assert.equal(
        refusalOf({ limits: { memory: -1 } }).message,
        "limits.memory: -1 is not a whole number of bytes, at least 4194304 (4M)," +
            " for example 104857600 (100M).",
    );
});

test("an object that is absent or something else is asked for in words", () => {
    for (const limits of [undefined, 3]) {
        assert.throws(() => validate(schemas.updateSchema, { container: "a", limits }), {
            message: /^limits: .* is not an object\.$/,
        });
    }
    assert.throws(
        () => validate(schemas.stopSchema, undefined),
        /^McmError: params: .* an object\.$/,
    );
});

test("a refusal never shows the value of a variable", () => {
    assert.doesNotMatch(refusalOf({ env: { KEY: "secret\0" } }).message, /secret/);
    assert.doesNotMatch(refusalOf({ env: { "1KEY": "secret" } }).message, /secret/);
    const long = "secret".repeat(100_000);
    assert.doesNotMatch(refusalOf({ env: { KEY: long } }).message, /secret/);
    assert.doesNotMatch(refusalOf({ env: ["secret"] }).message, /secret/);
});

test("a signal is a name with or without SIG, in either case, or a number", () => {
    for (const signal of ["SIGHUP", "HUP", "hup", "1", "64", "SIG33", "SIGRTMIN", "RTMIN+3"]) {
        assert.equal(validate(schemas.killSchema, { container: "a", signal }).signal, signal);
    }
    for (const signal of ["", "0", "65", "-1", "SIGNOPE", "toString", "1.0", "RTMIN+99"]) {
        assert.throws(() => validate(schemas.killSchema, { container: "a", signal }), McmError);
    }
});

test("intervals, graces, sizes and tokens have bounds", () => {
    const wrong: [schema: Parameters<typeof validate>[0], params: unknown][] = [
        [schemas.statsSubscribeSchema, { intervalMs: 249 }],
        [schemas.statsSubscribeSchema, { intervalMs: 60_001 }],
        [schemas.stopSchema, { container: "a", graceSeconds: -1 }],
        [schemas.stopSchema, { container: "a", graceSeconds: 1e9 }],
        [schemas.stopSchema, { container: "" }],
        [schemas.logsSchema, { container: "a", tail: -1, token: "t" }],
        [schemas.logsSchema, { container: "a", token: "" }],
        [schemas.execSchema, { container: "a", command: [], token: "t" }],
        [schemas.sessionResizeSchema, { token: "t", rows: 0, columns: 80 }],
        [schemas.sessionInputSchema, { token: "t", data: "no base64!" }],
        [schemas.acknowledgeSchema, { token: "t", bytes: -1 }],
        [schemas.rootfsImportSchema, { name: "a/b", source: "/a" }],
        [schemas.rootfsImportSchema, { name: "a", source: "a.tar" }],
    ];
    for (const [schema, params] of wrong) {
        assert.throws(() => validate(schema, params), McmError, JSON.stringify(params));
    }
});

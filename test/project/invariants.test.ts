/** What is true of the tree as a whole, and of no single part. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { run } from "../../scripts/lib/run";
import { root } from "../support/fixtures";

/** For one file under version control, in bytes. */
const FILE_LIMIT = 1.5 * 1024 * 1024;

interface Manifest {
    activationEvents?: string[];
    scripts: Record<string, string>;
    contributes: { commands: { command: string }[] };
}

const manifest = JSON.parse(read("package.json")) as Manifest;

function read(path: string): string {
    return readFileSync(join(root, path), "utf8");
}

async function trackedFiles(): Promise<string[]> {
    const names = (await run("git", ["ls-files", "-z"], { cwd: root })).split("\0");
    return names.filter((name) => name !== "" && existsSync(join(root, name)));
}

/** Every string of a JSON value. */
function strings(value: unknown): string[] {
    if (typeof value === "string") {
        return [value];
    }
    return typeof value === "object" && value !== null ? Object.values(value).flatMap(strings) : [];
}

function words(text: string, pattern: RegExp): Set<string> {
    return new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ""));
}

test("no file under version control is larger than 1.5 MB", async () => {
    const files = await trackedFiles();
    assert.ok(files.length > 0);
    const large = files.filter((name) => statSync(join(root, name)).size > FILE_LIMIT);
    assert.deepEqual(large, []);
});

test("the extension is started by its view and commands, never by VS Code's start", () => {
    const events = manifest.activationEvents ?? [];
    assert.deepEqual(
        events.filter((event) => event === "*" || event.startsWith("onStartup")),
        [],
    );
});

test("every text of the manifest has words, and there is none too many", () => {
    const used = new Set(strings(manifest).flatMap((text) => [...words(text, /^%([\w.-]+)%$/g)]));
    const given = new Set(Object.keys(JSON.parse(read("package.nls.json")) as object));
    assert.deepEqual([...used].sort(), [...given].sort());
});

test("the manifest's menus, keys and welcome texts name commands that exist", () => {
    const contributed = new Set(manifest.contributes.commands.map(({ command }) => command));
    const texts = [read("package.json"), read("package.nls.json")].join("\n");
    const named = [
        ...words(texts, /"command": "(myContainerManager\.[\w.]+)"/g),
        ...words(texts, /\(command:(myContainerManager\.[\w.]+)/g),
    ];
    // VS Code makes this one for every view.
    contributed.add("myContainerManager.containers.focus");
    assert.deepEqual(
        named.filter((command) => !contributed.has(command)),
        [],
    );
});

test("every request and notification that a client sends has a row with its handler", () => {
    const sent = words(
        read("server/protocol.ts"),
        /Sent by a client[^/]*\*\/\s*export const (\w+) = /g,
    );
    const rows = words(read("server/table.ts"), /(?:request0?|notification)\(\s*protocol\.(\w+)/g);
    assert.ok(sent.size > 0);
    assert.deepEqual([...sent].sort(), [...rows].sort());
});

test("every step that can fail is set somewhere in the native programs", async () => {
    const steps = words(read("native/error.h"), /X\((\w+), "[\w-]+"\)/g);
    const sources = (await trackedFiles()).filter((name) => /^native\/.*\.c$/.test(name));
    const code = sources.map(read).join("\n");
    assert.ok(steps.size > 0);
    assert.deepEqual(
        [...steps].filter((step) => step !== "NONE" && !code.includes(`STEP_${step}`)),
        [],
    );
});

test("the backend explains steps that the native programs have", () => {
    const steps = words(read("native/error.h"), /X\(\w+, "([\w-]+)"\)/g);
    const explained = words(read("server/errors.ts"), /step: "([\w-]+)"/g);
    assert.ok(explained.size > 0);
    assert.deepEqual(
        [...explained].filter((step) => !steps.has(step)),
        [],
    );
});

test("the documents name scripts that exist", async () => {
    const documents = (await trackedFiles()).filter((name) => name.endsWith(".md"));
    const named = documents.flatMap((name) => [...words(read(name), /npm run ([\w:]+)/g)]);
    assert.ok(named.length > 0);
    assert.deepEqual(
        named.filter((script) => manifest.scripts[script] === undefined),
        [],
    );
});

test("the documents link to files that exist", async () => {
    const documents = (await trackedFiles()).filter((name) => name.endsWith(".md"));
    const missing = documents.flatMap((name) =>
        [...words(read(name), /\]\((?!https?:|#)([^)#\s]+)/g)]
            .filter((link) => !existsSync(join(root, dirname(name), link)))
            .map((link) => `${name}: ${link}`),
    );
    assert.deepEqual(missing, []);
});

test("each measure of isolation is followed by tests that exist", () => {
    const rows = [...read("SECURITY.md").matchAll(/^\| (?!measure|---).* \| .* \| (.*) \|$/gm)];
    assert.ok(rows.length > 15);
    const named = rows.flatMap((row) => row[1]!.split("<br>"));
    const missing = named.filter((entry) => {
        const [file, name] = entry.split(/: (.*)/s, 2) as [string, string];
        const path = `test/native/${file}.test.ts`;
        // "…" stands for what a test fills in.
        const parts = name.split("…").map((part) => part.replace(/[^\w\s]/g, "\\$&"));
        const title = new RegExp(`test\\(\\s*["\`]${parts.join(".+")}["\`],`);
        return !existsSync(join(root, path)) || !title.test(read(path));
    });
    assert.deepEqual(missing, []);
});

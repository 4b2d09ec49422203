import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { detectCgroups } from "../../server/cgroup";
import { McmError } from "../../server/errors";
import { thisProcess } from "../../server/holder";
import type { Native } from "../../server/native";
import { Paths } from "../../server/paths";
import { ErrorCode } from "../../server/protocol";
import { RANGE_SIZE } from "../../server/ranges";
import { Store, type Container } from "../../server/store";
import { temporaryRoots, type TemporaryRoots } from "../support/fixtures";

let roots: TemporaryRoots;
let paths: Paths;
let store: Store;

/** Removes directories as `container_executor remove` does; starts nothing. */
const removals: Pick<Native, "remove" | "removeTree"> = {
    async remove(_id, state, run) {
        await rm(state, { recursive: true, force: true });
        await rm(run, { recursive: true, force: true });
    },
    async removeTree(tree) {
        await rm(tree, { recursive: true });
    },
};

beforeEach(async () => {
    roots = await temporaryRoots();
    paths = new Paths(roots.stateDir, roots.runDir, "");
    store = another();
});

afterEach(() => roots.dispose());

/** A store of another process, so to speak: nothing is shared but the disk. */
function another(): Store {
    return new Store(paths, removals as Native, detectCgroups());
}

function failsWith(code: ErrorCode, message: RegExp) {
    return (error: unknown) => {
        assert.ok(error instanceof McmError, String(error));
        assert.equal(ErrorCode[error.code], ErrorCode[code]);
        assert.match(error.message, message);
        return true;
    };
}

/** Everything below the state directory, but for the directories that always are. */
async function remains(): Promise<string[]> {
    const all = await readdir(roots.stateDir, { recursive: true });
    return all.filter((name) => !["containers", "claims"].includes(name));
}

async function breakConfig(container: Container, text: string): Promise<void> {
    await writeFile(container.paths.config, text);
}

test("a new container is found by its id, a beginning of it, and its name", async () => {
    const { id } = await store.create({ name: "web" });
    assert.match(id, /^[0-9a-f]{12}$/);
    for (const reference of [id, id.slice(0, 4), "web"]) {
        const found = await another().find(reference);
        assert.equal(found.id, id);
        assert.deepEqual(found.state, { kind: "created" });
    }
});

test("one without a name gets one made up", async () => {
    const { name } = await store.create({});
    assert.match(name, /^[a-z]+-[a-z]+$/);
});

test("an unknown reference is NotFound, and says what to do", async () => {
    await store.create({ name: "web" });
    for (const reference of ["nobody", "ffffffffffff", "../web", ".", "web/", "name-web"]) {
        await assert.rejects(store.find(reference), failsWith(ErrorCode.NotFound, /There is no/));
    }
});

test("a beginning of several ids is Invalid and names them all", async () => {
    const made = await Promise.all(Array.from({ length: 17 }, () => store.create({})));
    const first = made
        .map(({ id }) => id.charAt(0))
        .find((digit, index, all) => {
            return all.indexOf(digit) !== index;
        })!;
    const candidates = made.filter(({ id }) => id.startsWith(first));
    await assert.rejects(store.find(first), (error) => {
        assert.ok(error instanceof McmError);
        assert.equal(error.code, ErrorCode.Invalid);
        for (const { id, name } of candidates) {
            assert.ok(error.message.includes(`${id} (${name})`));
        }
        return true;
    });
});

test("a name counts more than the beginning of an id", async () => {
    const { id } = await store.create({});
    const named = await store.create({ name: id.slice(0, 3) });
    assert.equal((await store.find(id.slice(0, 3))).id, named.id);
});

test("a name that is taken is AlreadyExists, and nothing is left", async () => {
    await store.create({ name: "web" });
    const before = await remains();
    await assert.rejects(
        another().create({ name: "web" }),
        failsWith(ErrorCode.AlreadyExists, /"web" is taken/),
    );
    assert.deepEqual(await remains(), before);
});

test("of many who create the same name at once one succeeds", async () => {
    const results = await Promise.allSettled(
        Array.from({ length: 20 }, () => another().create({ name: "web" })),
    );
    assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
    assert.equal((await store.list()).length, 1);
});

test("many created at once have different ids, names and ranges", async () => {
    const made = await Promise.all(Array.from({ length: 40 }, () => another().create({})));
    assert.equal(new Set(made.map(({ id }) => id)).size, 40);
    assert.equal(new Set(made.map(({ name }) => name)).size, 40);
    const bases = made.map(({ config }) => config.idBase).sort((a, b) => a - b);
    for (const [index, base] of bases.entries()) {
        assert.ok(index === 0 || base - bases[index - 1]! >= RANGE_SIZE);
    }
});

test("removing one gives its name and range back, and leaves nothing", async () => {
    const first = await store.create({ name: "web" });
    await store.remove(first);
    await store.remove(first);
    assert.deepEqual(await remains(), []);
    const second = await store.create({ name: "web" });
    assert.equal(second.config.idBase, first.config.idBase);
});

test("the name of a container whose directory vanished can be taken", async () => {
    const first = await store.create({ name: "web" });
    await rm(first.paths.state, { recursive: true });
    const second = await another().create({ name: "web" });
    assert.equal((await store.find("web")).id, second.id);
});

test("a renamed one is found by its new name only", async () => {
    const { id } = await store.create({ name: "old" });
    const renamed = await store.rename(await store.findHealthy("old"), "new");
    assert.equal(renamed.name, "new");
    assert.equal((await another().find("new")).id, id);
    await assert.rejects(store.find("old"), failsWith(ErrorCode.NotFound, /old/));
    await store.create({ name: "old" });
});

test("renaming to a name that is taken changes nothing", async () => {
    const web = await store.create({ name: "web" });
    await store.create({ name: "db" });
    await assert.rejects(
        store.rename(web, "db"),
        failsWith(ErrorCode.AlreadyExists, /"db" is taken/),
    );
    assert.equal((await store.find("web")).id, web.id);
});

test("renaming to its own name is no change", async () => {
    const web = await store.create({ name: "web" });
    await store.rename(web, "web");
    assert.equal((await store.find("web")).id, web.id);
});

test("many renames of one at once leave one name and no other claim", async () => {
    const web = await store.create({ name: "web" });
    const names = Array.from({ length: 12 }, (_, index) => `name-${index}`);
    await Promise.all(names.map((name) => another().rename(web, name)));
    const { name } = await store.findHealthy(web.id);
    assert.ok(names.includes(name));
    const claims = await readdir(paths.claims);
    assert.deepEqual(
        claims.filter((claim) => !claim.startsWith("range-")),
        [`name-${name}`],
    );
});

test("a name left by a rename that died is free again", async () => {
    const web = await store.create({ name: "web" });
    const claim = path.join(paths.claims, "name-other");
    await mkdir(claim);
    await writeFile(path.join(claim, web.id), "");
    await store.create({ name: "other" });
    assert.equal((await store.find("web")).id, web.id);
});

for (const [what, text] of [
    ["damaged", "{"],
    ["empty", ""],
    ["of another version", '{"version": 99}'],
] as const) {
    test(`a container whose config.json is ${what} is broken and the others are not`, async () => {
        const bad = await store.create({ name: "bad" });
        await store.create({ name: "good" });
        await breakConfig(bad, text);
        const kinds = (await store.list()).map(({ name, kind }) => [name, kind]).sort();
        assert.deepEqual(kinds, [
            ["bad", "broken"],
            ["good", "healthy"],
        ]);
        await assert.rejects(
            store.findHealthy("bad"),
            failsWith(ErrorCode.Broken, /config\.json.*only be removed/),
        );
    });
}

test("one whose config.json is a directory is broken, says so, and can be removed", async () => {
    const bad = await store.create({ name: "bad" });
    await rm(bad.paths.config);
    await mkdir(bad.paths.config);
    await assert.rejects(
        store.findHealthy("bad"),
        failsWith(ErrorCode.Broken, /config\.json is a directory/),
    );
    await store.remove(await store.find("bad"));
    assert.deepEqual(await remains(), []);
});

test("a change that another process made is seen at the next look", async () => {
    const web = await store.create({ name: "web" });
    const looks = async () => (await store.list()).map(({ name }) => name);
    assert.deepEqual(await looks(), ["web"]);
    const other = another();
    await other.rename(await other.findHealthy("web"), "renamed");
    assert.deepEqual(await looks(), ["renamed"]);
    await other.remove(await other.find(web.id));
    assert.deepEqual(await looks(), []);
});

test("a broken one can be found by its name, removed, and leaves nothing", async () => {
    const bad = await store.create({ name: "bad" });
    await breakConfig(bad, "{");
    await store.remove(await another().find("bad"));
    assert.deepEqual(await remains(), []);
});

test("a sweep finishes what died half way, and touches nothing else", async () => {
    const web = await store.create({ name: "web" });
    const { containers } = paths;
    for (const name of [
        ".removing-0123456789ab",
        ".creating-0123456789ab",
        ".creating-ba9876543210",
    ]) {
        await mkdir(path.join(containers, name, "upper"), { recursive: true });
    }
    for (const [claim, holder] of [
        ["name-gone", "ffffffffffff"],
        ["name-died", "0123456789ab"],
        ["make-0123456789ab", thisProcess().replace(/_\d+_/, "_1_")],
        ["name-making", "ba9876543210"],
        ["make-ba9876543210", thisProcess()],
        ["range-9", "ffffffffffff"],
    ] as const) {
        await mkdir(path.join(paths.claims, claim));
        await writeFile(path.join(paths.claims, claim, holder), "");
    }
    assert.deepEqual(await store.sweep(), []);
    assert.deepEqual((await readdir(containers)).sort(), [".creating-ba9876543210", web.id].sort());
    const kept = ["make-ba9876543210", "name-making", "name-web", "range-0"];
    assert.deepEqual((await readdir(paths.claims)).sort(), kept);
});

test("a name whose container was not made to its end, as its process died, is free", async () => {
    await mkdir(path.join(paths.containers, ".creating-0123456789ab"), { recursive: true });
    await mkdir(path.join(paths.claims, "name-web"), { recursive: true });
    await writeFile(path.join(paths.claims, "name-web", "0123456789ab"), "");
    assert.equal((await store.create({ name: "web" })).name, "web");
});

test("a removal that cannot be finished does not keep the others from it", async () => {
    const stuck = path.join(paths.containers, ".removing-000000000000");
    const other = path.join(paths.containers, ".removing-111111111111");
    await mkdir(stuck, { recursive: true });
    await mkdir(other);
    const native = {
        ...removals,
        removeTree: (tree: string) =>
            tree === stuck ? Promise.reject(new Error("stuck")) : removals.removeTree(tree),
    };
    const failures = await new Store(paths, native as Native, detectCgroups()).sweep();
    assert.deepEqual(failures.map(String), ["Error: stuck"]);
    assert.deepEqual(await readdir(paths.containers), [path.basename(stuck)]);
});

test("what the host could not do is kept, and only written when it changed", async () => {
    const web = await store.create({ name: "web" });
    await store.noteWarnings(web, ["no cpu"]);
    const noted = await store.findHealthy("web");
    assert.deepEqual(noted.config.warnings, ["no cpu"]);
    const before = await readFile(web.paths.config, "utf8");
    await store.noteWarnings(noted, ["no cpu"]);
    assert.equal(await readFile(web.paths.config, "utf8"), before);
});

/** The manifest: its texts, its menus and keys, and what VS Code would accept without a word. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { getL10nJson } from "@vscode/l10n-dev";
import { root } from "../support/fixtures";

interface Item {
    command: string;
    when?: string;
    group?: string;
}

interface Manifest {
    icon: string;
    contributes: {
        commands: { command: string; title: string; category: string; enablement: string }[];
        configuration: { properties: Record<string, { tags?: string[]; scope?: string }> }[];
        keybindings: Item[];
        menus: Record<string, Item[]>;
        viewsWelcome: { when: string; contents: string }[];
        walkthroughs: { steps: { media: { svg: string } }[] }[];
    };
    capabilities: { untrustedWorkspaces: { restrictedConfigurations: string[] } };
}

function read(path: string): string {
    return readFileSync(join(root, path), "utf8");
}

const source = read("package.json");
const { capabilities, contributes, icon } = JSON.parse(source) as Manifest;
const texts = JSON.parse(read("package.nls.json")) as Record<string, string>;
const commands = new Set(contributes.commands.map(({ command }) => command));
const items = Object.values(contributes.menus).flat();
const settings = contributes.configuration.flatMap(({ properties }) => Object.entries(properties));

suite("texts", () => {
    test("that the manifest names exist, and no others", () => {
        const named = [...source.matchAll(/"%([^"%]+)%"/g)].map(([, key = ""]) => key);
        assert.deepEqual([...new Set(named)].sort(), Object.keys(texts).sort());
    });

    test("in the code are all in the bundle for translators", async () => {
        const files = ["extension", "server/doctor"].flatMap((folder) =>
            readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((file) =>
                join(folder, file),
            ),
        );
        const exported = await getL10nJson(
            files
                .filter((file) => file.endsWith(".ts"))
                .map((file) => ({ extension: ".ts", contents: read(file) })),
        );
        const bundle = JSON.parse(read("l10n/bundle.l10n.json")) as object;
        assert.deepEqual(
            bundle,
            exported,
            "run npx vscode-l10n-dev export -o l10n extension server/doctor",
        );
    });

    test("that link to a command link to one that exists", () => {
        const links = Object.values(texts).flatMap((text) =>
            [...text.matchAll(/\(command:(myContainerManager\.\w+)/g)].map(([, id = ""]) => id),
        );
        assert.ok(links.length > 0);
        assert.deepEqual(
            links.filter((id) => !commands.has(id) && id !== "myContainerManager.containers"),
            [],
        );
    });
});

suite("commands", () => {
    test("in menus and keybindings are contributed", () => {
        const used = [...items, ...contributes.keybindings];
        assert.deepEqual(
            used.filter(({ command }) => !commands.has(command)),
            [],
        );
    });

    test("have a category, and are disabled where containers cannot be", () => {
        for (const { command, category, enablement } of contributes.commands) {
            assert.equal(category, "%category%", command);
            assert.equal(enablement, "!myContainerManager.notLinux", command);
        }
    });

    test("have titles in Title Case", () => {
        const small = new Set(["a", "by", "from", "in", "of", "to"]);
        for (const { title } of contributes.commands) {
            const words = (texts[title.slice(1, -1)] ?? "").split(" ");
            for (const word of words.filter((each) => !small.has(each))) {
                assert.match(word, /^[A-Z]/, words.join(" "));
            }
        }
    });

    test("show at most three icons on a row at once", () => {
        const inline = (contributes.menus["view/item/context"] ?? []).filter(({ group }) =>
            group?.startsWith("inline"),
        );
        const shown = (contextValue: string) =>
            inline.filter(({ when = "" }) => {
                const [, pattern = ""] = /viewItem =~ \/(.*)\//.exec(when) ?? [];
                return new RegExp(pattern).test(contextValue);
            });
        for (const state of ["created", "running", "exited", "lost", "broken"]) {
            for (const rest of ["", ";command;limited", ";command;limited;busy"]) {
                assert.ok(shown(`container;${state}${rest}`).length <= 3, state + rest);
            }
        }
        assert.equal(shown("container;running;command").length, 3);
    });

    test("stand in a named group of the context menu", () => {
        for (const { command, group = "" } of contributes.menus["view/item/context"] ?? []) {
            assert.match(
                group,
                /^(inline|1_open|2_lifecycle|4_copy|9_destructive)@[0-9]$/,
                command,
            );
        }
    });
});

test("keys work in the Containers view alone", () => {
    for (const { command, when = "" } of contributes.keybindings) {
        assert.match(when, /^focusedView == myContainerManager\.containers && /, command);
    }
});

test("every state of the backend has a welcome", () => {
    for (const state of ["stopped", "starting", "denied"]) {
        const when = `myContainerManager.backend == ${state}`;
        assert.ok(
            contributes.viewsWelcome.some((welcome) => welcome.when === when),
            state,
        );
    }
});

suite("settings", () => {
    test("are few", () => {
        const visible = settings.filter(([, { tags = [] }]) => !tags.includes("advanced"));
        assert.ok(visible.length <= 10, String(visible.length));
    });

    test("that only a user may set are restricted in untrusted folders", () => {
        const ofMachine = settings.filter(([, { scope }]) => scope === "machine");
        assert.deepEqual(
            ofMachine.map(([name]) => name).sort(),
            [...capabilities.untrustedWorkspaces.restrictedConfigurations].sort(),
        );
    });
});

test("pictures exist", () => {
    const steps = contributes.walkthroughs.flatMap((walkthrough) => walkthrough.steps);
    for (const path of [icon, ...steps.map(({ media }) => media.svg)]) {
        assert.ok(existsSync(join(root, path)), path);
    }
});

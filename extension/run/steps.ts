/** The questions of the Run flow, in their order. */
import * as vscode from "vscode";
import type { Rootfs, RootfsInfo } from "../../server/protocol";
import { chooseSource, importFrom } from "../commands/rootfs";
import type { Services } from "../services";
import { formatBytes } from "../view/format";
import { type Draft, draftText, type LimitKey } from "./draft";
import { type Answer, askChoice, askText, BACK, type Question } from "./input";
import {
    commandProblem,
    cpuProblem,
    memoryProblem,
    nameProblem,
    pidsProblem,
    rateProblem,
} from "./validate";

/** What the questions need to know. */
export interface Situation {
    services: Services;
    /** Imported root file systems. */
    imported: RootfsInfo[];
    /** What was run lately. */
    recent: Draft[];
}

/** Asks one question; gives the draft with the answer in it. */
export type Step = (
    situation: Situation,
    draft: Draft,
    question: Pick<Question, "step" | "totalSteps" | "canGoBack">,
) => Promise<Answer<Draft>>;

type RootfsPick = vscode.QuickPickItem & {
    /** What choosing it means; undefined when that was called off. */
    choose(): Promise<Draft | undefined>;
};

export const askRootfs: Step = async (situation, draft, where) => {
    const question = {
        ...where,
        title: vscode.l10n.t("Run Container: Root File System"),
        placeholder: vscode.l10n.t("What the container sees as its files"),
    };
    const items = rootfsPicks(situation, draft);
    for (;;) {
        const chosen = await askChoice(items, question);
        if (chosen === undefined || chosen === BACK) {
            return chosen;
        }
        const next = await chosen.choose();
        if (next !== undefined) {
            return next;
        }
        // A dialog was called off: here is the list again.
    }
};

function rootfsPicks(situation: Situation, draft: Draft): RootfsPick[] {
    const separator = (label: string) =>
        ({ label, kind: vscode.QuickPickItemKind.Separator }) as RootfsPick;
    const withRootfs = (rootfs: Rootfs) => Promise.resolve({ ...draft, rootfs });
    const { recent, imported } = situation;
    return [
        ...(recent.length > 0 ? [separator(vscode.l10n.t("last used"))] : []),
        ...recent.map((known) => ({
            label: vscode.l10n.t("Run Again"),
            description: draftText(known),
            iconPath: new vscode.ThemeIcon("history"),
            choose: () => Promise.resolve(known),
        })),
        separator(vscode.l10n.t("root file systems")),
        {
            label: vscode.l10n.t("This Computer's Programs"),
            description: vscode.l10n.t("copy-on-write, nothing to download"),
            iconPath: new vscode.ThemeIcon("device-desktop"),
            choose: () => withRootfs({ kind: "host" }),
        },
        ...imported.map(({ name, size }) => ({
            label: name,
            description: vscode.l10n.t("imported, {0}", formatBytes(size)),
            iconPath: new vscode.ThemeIcon("package"),
            choose: () => withRootfs({ kind: "imported", name }),
        })),
        separator(vscode.l10n.t("others")),
        {
            label: vscode.l10n.t("Folder…"),
            description: vscode.l10n.t("used where it is, and never written to"),
            iconPath: new vscode.ThemeIcon("folder"),
            choose: async () => {
                const path = await chooseSource("folder");
                return path === undefined ? undefined : withRootfs({ kind: "directory", path });
            },
        },
        {
            label: vscode.l10n.t("Tarball…"),
            description: vscode.l10n.t("imported first"),
            iconPath: new vscode.ThemeIcon("file-zip"),
            choose: async () => {
                const path = await chooseSource("tarball");
                const info = path && (await importFrom(situation.services, path));
                return info ? withRootfs({ kind: "imported", name: info.name }) : undefined;
            },
        },
    ];
}

export const askCommand: Step = async (_, draft, where) => {
    const command = await askText({
        ...where,
        title: vscode.l10n.t("Run Container: Command"),
        prompt: vscode.l10n.t(
            "Program and arguments. Without one the container waits, ready for shells.",
        ),
        placeholder: "/bin/sh",
        value: draft.command,
        problem: commandProblem,
    });
    return typeof command === "string" ? { ...draft, command } : command;
};

export const askName: Step = async ({ services }, draft, where) => {
    const taken = services.model.all.map(({ name }) => name);
    const name = await askText({
        ...where,
        title: vscode.l10n.t("Run Container: Name"),
        prompt: vscode.l10n.t("Without one a name is made up."),
        placeholder: "brave-otter",
        value: draft.name,
        problem: (value) => nameProblem(value, taken),
    });
    return typeof name === "string" ? { ...draft, name } : name;
};

/** A limit, and how it is asked for. */
export interface LimitQuestion {
    key: LimitKey;
    title: string;
    icon: string;
    prompt: string;
    placeholder: string;
    problem(value: string): string | undefined;
}

/** Every limit that is asked for, in the order of the list. */
export function limitQuestions(): LimitQuestion[] {
    return [
        {
            key: "memory",
            title: vscode.l10n.t("Memory"),
            icon: "chip",
            prompt: vscode.l10n.t("The most that it may use; empty for no limit."),
            placeholder: "100M",
            problem: memoryProblem,
        },
        {
            key: "cpu",
            title: vscode.l10n.t("CPU"),
            icon: "pulse",
            prompt: vscode.l10n.t("Cores that it may keep busy; empty for no limit."),
            placeholder: "0.5",
            problem: cpuProblem,
        },
        {
            key: "pids",
            title: vscode.l10n.t("Processes"),
            icon: "server-process",
            prompt: vscode.l10n.t("The most processes and threads; empty for no limit."),
            placeholder: "256",
            problem: pidsProblem,
        },
        {
            key: "ioRead",
            title: vscode.l10n.t("Reading"),
            icon: "arrow-up",
            prompt: vscode.l10n.t("Bytes a second from its disks; empty for no limit."),
            placeholder: "10M",
            problem: rateProblem,
        },
        {
            key: "ioWrite",
            title: vscode.l10n.t("Writing"),
            icon: "arrow-down",
            prompt: vscode.l10n.t("Bytes a second to its disks; empty for no limit."),
            placeholder: "10M",
            problem: rateProblem,
        },
    ];
}

/** Shows what will be run, lets limits be set one by one, and ends with "Run". */
export const askLimits: Step = async (_, draft, where) => {
    const title = vscode.l10n.t("Run Container: Limits");
    const limits = limitQuestions();
    let changed = draft;
    for (;;) {
        const rows = limits.map((limit) => ({
            label: limit.title,
            description: changed[limit.key] || vscode.l10n.t("no limit"),
            iconPath: new vscode.ThemeIcon(limit.icon),
            limit,
        }));
        const chosen = await askChoice(
            [
                {
                    label: vscode.l10n.t("Run"),
                    iconPath: new vscode.ThemeIcon("play"),
                    limit: undefined,
                },
                {
                    label: vscode.l10n.t("limits"),
                    kind: vscode.QuickPickItemKind.Separator,
                    limit: undefined,
                },
                ...rows,
            ],
            {
                ...where,
                title,
                placeholder: [changed.name, draftText(changed)].filter(Boolean).join(" · "),
            },
        );
        if (chosen === undefined || chosen === BACK) {
            return chosen;
        }
        if (chosen.limit === undefined) {
            return changed;
        }
        const text = await askLimit(chosen.limit, changed[chosen.limit.key]);
        if (text === undefined) {
            return undefined;
        }
        if (text !== BACK) {
            changed = { ...changed, [chosen.limit.key]: text };
        }
    }
};

/** Asks for one limit, which is `value` until now. */
export function askLimit(limit: LimitQuestion, value: string): Promise<Answer<string>> {
    return askText({
        title: vscode.l10n.t("Limit: {0}", limit.title),
        canGoBack: true,
        prompt: limit.prompt,
        placeholder: limit.placeholder,
        value,
        problem: (text) => limit.problem(text),
    });
}

/** What a person has said so far about a container to be run. Knows nothing of VS Code. */
import * as l10n from "@vscode/l10n";
import type { ContainerSpec, Limits, Rootfs } from "../../server/protocol";
import { parseCpu, parseMemory } from "../../server/sizes";
import { sizeText } from "../view/format";
import { splitWords } from "./words";

/** The limits that can be typed. */
export type LimitKey = "memory" | "cpu" | "pids" | "ioRead" | "ioWrite";

/** Limits as they were typed; an empty one stands for none. */
export type LimitTexts = Record<LimitKey, string>;

/** Texts as they were typed; an empty one stands for "not said". */
export interface Draft extends LimitTexts {
    rootfs: Rootfs;
    command: string;
    name: string;
}

const NO_LIMITS: LimitTexts = { memory: "", cpu: "", pids: "", ioRead: "", ioWrite: "" };

/** Runs kept to be offered again. */
const RECENT_LENGTH = 3;

export function emptyDraft(rootfs: Rootfs): Draft {
    return { rootfs, command: "", name: "", ...NO_LIMITS };
}

/** What was typed as limits; the texts are valid by now, as validate.ts has it. */
export function limitsOf(texts: LimitTexts): Limits {
    const values: [LimitKey, number | undefined][] = [
        ["memory", parseMemory(texts.memory)],
        ["cpu", parseCpu(texts.cpu)],
        ["pids", texts.pids === "" ? undefined : Number(texts.pids)],
        ["ioRead", parseMemory(texts.ioRead)],
        ["ioWrite", parseMemory(texts.ioWrite)],
    ];
    return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

/** Limits as one would type them. */
export function limitTexts(limits: Limits): LimitTexts {
    const size = (bytes: number | undefined) => (bytes === undefined ? "" : sizeText(bytes));
    return {
        memory: size(limits.memory),
        cpu: limits.cpu === undefined ? "" : String(limits.cpu),
        pids: limits.pids === undefined ? "" : String(limits.pids),
        ioRead: size(limits.ioRead),
        ioWrite: size(limits.ioWrite),
    };
}

/** The draft as a request; its texts are valid by now, as validate.ts has it. */
export function specOf(draft: Draft): ContainerSpec {
    const split = splitWords(draft.command);
    return {
        rootfs: draft.rootfs,
        limits: limitsOf(draft),
        ...(draft.name === "" ? {} : { name: draft.name }),
        ...(split.kind === "words" && split.words.length > 0 ? { command: split.words } : {}),
    };
}

function rootfsText(rootfs: Rootfs): string {
    switch (rootfs.kind) {
        case "host":
            return l10n.t("this computer's programs");
        case "imported":
            return rootfs.name;
        case "directory":
            return rootfs.path;
    }
}

/** The limits in a line: "100M, 0.5 cores", or that there are none. */
export function limitsText({ memory, cpu, pids, ioRead, ioWrite }: LimitTexts): string {
    const parts = [
        memory === "" ? "" : l10n.t("memory {0}", memory),
        cpu === "" ? "" : l10n.t("{0} cores", cpu),
        pids === "" ? "" : l10n.t("{0} processes", pids),
        ioRead === "" ? "" : l10n.t("reading {0}/s", ioRead),
        ioWrite === "" ? "" : l10n.t("writing {0}/s", ioWrite),
    ].filter((part) => part !== "");
    return parts.length === 0 ? l10n.t("no limits") : parts.join(", ");
}

/** What would be run, in a line. */
export function draftText(draft: Draft): string {
    const command = draft.command === "" ? l10n.t("waits until it is stopped") : draft.command;
    return [rootfsText(draft.rootfs), command, limitsText(draft)].join(" · ");
}

/** `recent` with `draft` in front, without its name: that is taken now. */
export function remember(draft: Draft, recent: readonly Draft[]): Draft[] {
    const nameless = { ...draft, name: "" };
    const text = draftText(nameless);
    const others = recent.filter((known) => draftText(known) !== text);
    return [nameless, ...others].slice(0, RECENT_LENGTH);
}

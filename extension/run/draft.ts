/** What a person has said so far about a container to be run. Knows nothing of VS Code. */
import * as l10n from "@vscode/l10n";
import type { ContainerSpec, Limits, Rootfs } from "../../server/protocol";
import { parseCpu, parseMemory } from "../../server/sizes";
import { splitWords } from "./words";

/** Texts as they were typed; an empty one stands for "not said". */
export interface Draft {
    rootfs: Rootfs;
    command: string;
    name: string;
    memory: string;
    cpu: string;
    pids: string;
}

/** The limits, as keys of a draft. */
export type LimitKey = "memory" | "cpu" | "pids";

/** Runs kept to be offered again. */
const RECENT_LENGTH = 3;

export function emptyDraft(rootfs: Rootfs): Draft {
    return { rootfs, command: "", name: "", memory: "", cpu: "", pids: "" };
}

/** The draft as a request; its texts are valid by now, as validate.ts has it. */
export function specOf(draft: Draft): ContainerSpec {
    const limits: Limits = {};
    const memory = parseMemory(draft.memory);
    const cpu = parseCpu(draft.cpu);
    if (memory !== undefined) {
        limits.memory = memory;
    }
    if (cpu !== undefined) {
        limits.cpu = cpu;
    }
    if (draft.pids !== "") {
        limits.pids = Number(draft.pids);
    }
    const split = splitWords(draft.command);
    return {
        rootfs: draft.rootfs,
        limits,
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
export function limitsText({ memory, cpu, pids }: Draft): string {
    const parts = [
        memory === "" ? "" : l10n.t("memory {0}", memory),
        cpu === "" ? "" : l10n.t("{0} cores", cpu),
        pids === "" ? "" : l10n.t("{0} processes", pids),
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

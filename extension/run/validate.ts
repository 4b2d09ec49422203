/** What is wrong with what a person typed, in words. Knows nothing of VS Code. */
import * as l10n from "@vscode/l10n";
import { MEMORY_MINIMUM, parseCpu, parseMemory, RATE_MINIMUM } from "../../server/sizes";
import { formatLimit } from "../view/format";
import { splitWords } from "./words";

/** Most processes that a kernel knows (PID_MAX_LIMIT, include/linux/threads.h). */
const PIDS_MAXIMUM = 4 * 1024 * 1024;

/** Undefined when nothing is wrong, as VS Code's input boxes want it. */
export type Problem = string | undefined;

/** @param taken names that others have */
export function nameProblem(name: string, taken: readonly string[]): Problem {
    if (name === "") {
        return undefined;
    }
    if (!/^[a-z0-9]/i.test(name)) {
        return l10n.t("A name begins with a letter or a digit.");
    }
    if (!/^[a-z0-9_.-]*$/i.test(name)) {
        return l10n.t("A name has letters, digits, “_”, “.” and “-” only.");
    }
    if (name.length > 63) {
        return l10n.t("A name has at most 63 characters; this has {0}.", name.length);
    }
    if (/^[0-9a-f]{12}$/.test(name)) {
        return l10n.t("This would be taken for an id: 12 hexadecimal digits.");
    }
    return taken.includes(name) ? l10n.t("There is a “{0}” already.", name) : undefined;
}

/** A name like that of a file, one that is not taken. */
export function nameFrom(file: string, taken: readonly string[]): string {
    const stem = file
        .replace(/\.(tar(\.\w+)?|t\w?gz|gz|xz|bz2|zst)$/i, "")
        .replace(/[^a-z0-9_.-]+/gi, "-")
        .replace(/^[^a-z0-9]+/i, "")
        .slice(0, 60);
    const name = stem === "" ? "rootfs" : stem;
    let free = name;
    for (let count = 2; taken.includes(free); count += 1) {
        free = `${name}-${count}`;
    }
    return free;
}

export function memoryProblem(text: string): Problem {
    if (text === "") {
        return undefined;
    }
    const bytes = parseMemory(text);
    if (bytes === undefined) {
        return l10n.t("“{0}” is no size: write a whole number and K, M, G or T, as in 100M.", text);
    }
    return bytes < MEMORY_MINIMUM
        ? l10n.t("At least {0} is needed for a container to start.", formatLimit(MEMORY_MINIMUM))
        : undefined;
}

/** Of bytes a second. */
export function rateProblem(text: string): Problem {
    if (text === "") {
        return undefined;
    }
    const bytes = parseMemory(text);
    if (bytes === undefined) {
        return l10n.t("“{0}” is no size: write a whole number and K, M, G or T, as in 100M.", text);
    }
    return bytes < RATE_MINIMUM
        ? l10n.t("At least {0} a second are needed.", formatLimit(RATE_MINIMUM))
        : undefined;
}

export function cpuProblem(text: string): Problem {
    if (text === "" || parseCpu(text) !== undefined) {
        return undefined;
    }
    return text.includes(",")
        ? l10n.t("Write the decimal with a point: {0}", text.replace(",", "."))
        : l10n.t("“{0}” is no number of cores: at least 0.01, as in 0.5 or 2.", text);
}

export function pidsProblem(text: string): Problem {
    if (text === "") {
        return undefined;
    }
    const count = Number(text);
    if (!/^[0-9]+$/.test(text) || count < 1) {
        return l10n.t("“{0}” is no number of processes: a whole number from 1, as in 256.", text);
    }
    return count > PIDS_MAXIMUM
        ? l10n.t("No kernel runs more than {0} processes.", PIDS_MAXIMUM)
        : undefined;
}

export function commandProblem(line: string): Problem {
    const split = splitWords(line);
    return split.kind === "bad" ? split.problem : undefined;
}

/** One line of a diagnosis, and how a finding becomes one. */
import * as l10n from "@vscode/l10n";
import type { HostFinding } from "../protocol";

/**
 * "fine"; "note" for what limits containers in some way; "problem" for what prevents them;
 * "unknown" for what could not be tried.
 */
export type Verdict = "fine" | "note" | "problem" | "unknown";

/** One line of the diagnosis. */
export interface Check {
    verdict: Verdict;
    /** What was looked at. */
    title: string;
    /** What was found. */
    found: string;
    /** What follows from it; only of what is not fine. */
    consequence?: string;
    /** What to do about it, when something can be done. */
    advice?: string;
}

/** What a thing needs to be tried, by the names of findings. */
const NEEDS: Record<string, string[]> = {
    ...Object.fromEntries(
        ["pid", "mount", "uts", "ipc", "network", "cgroup"].map((kind) => [
            `${kind}-namespace`,
            ["clone3", "user-namespace"],
        ]),
    ),
    "user-namespace": ["clone3"],
    "id-map": ["clone3", "user-namespace"],
    overlay: ["clone3", "user-namespace", "mount-by-fd"],
    "overlay-mapped": ["clone3", "user-namespace", "mount-by-fd", "overlay"],
    "state-directory": ["clone3", "openat2", "user-namespace", "mount-by-fd", "overlay"],
    "idmapped-mount": ["clone3", "user-namespace", "mount-by-fd"],
    cgroup: ["clone3"],
};

/** What was found, by name; what was tried on several things comes several times. */
export class Findings {
    constructor(private readonly list: readonly HostFinding[]) {}

    get(name: string): HostFinding | undefined {
        return this.list.find((finding) => finding.name === name);
    }

    all(name: string): HostFinding[] {
        return this.list.filter((finding) => finding.name === name);
    }

    /** True for what failed in the same way as something that it needs: that is said once. */
    isBlocked({ name, code }: HostFinding): boolean {
        return (NEEDS[name] ?? []).some((needed) => {
            const cause = this.get(needed);
            return cause?.outcome === "fails" && cause.code === code;
        });
    }
}

/** What to say of a finding that is not as it should be. */
export interface Trouble {
    verdict?: Verdict;
    consequence: string;
    advice?: string;
}

export const noContainers = () => l10n.t("No container can be started.");
export const newerKernel = () => l10n.t("Use Linux 5.19 or later.");
export const outOfSandbox = () =>
    l10n.t("Start the backend outside of any container or sandbox, with all of root's rights.");

/** What to do about an errno that says whose fault it is. */
export function adviceOn(code: string | undefined): string | undefined {
    if (code === "ENOSYS") {
        return newerKernel();
    }
    if (code === "EPERM" || code === "EACCES") {
        return outOfSandbox();
    }
    return code === "EROFS" ? l10n.t("Remount it writable.") : undefined;
}

/** Why it failed: "cannot mount overlay (ENODEV)". */
export function reasonOf({ subject, detail = "", code }: HostFinding): string {
    const how = detail === "" ? l10n.t("does not work") : detail;
    const reason = subject === undefined ? how : `${subject}: ${how}`;
    return code === undefined ? reason : `${reason} (${code})`;
}

/** The check of one finding; `trouble` is asked when it is not as it should be. */
export function check(
    findings: Findings,
    title: string,
    finding: HostFinding | undefined,
    found: (finding: HostFinding) => string,
    trouble: (finding: HostFinding) => Trouble,
): Check[] {
    if (finding === undefined) {
        return [];
    }
    if (finding.outcome === "works") {
        return [{ verdict: "fine", title, found: found(finding) }];
    }
    if (finding.outcome === "unknown") {
        return [{ verdict: "unknown", title, found: l10n.t("only root can try this") }];
    }
    if (findings.isBlocked(finding)) {
        return [
            { verdict: "unknown", title, found: l10n.t("not to be tried without what is missing") },
        ];
    }
    const { verdict = "problem", consequence, advice } = trouble(finding);
    return [
        {
            verdict,
            title,
            found: reasonOf(finding),
            consequence,
            advice: advice ?? adviceOn(finding.code),
        },
    ];
}

export const works = () => l10n.t("works");

/**
 * What was found of this computer in words, for people: what it is, what follows for containers,
 * and what to do. Command line and extension say the same, so the words stand here once; a client
 * that speaks another language configures @vscode/l10n.
 */
import * as l10n from "@vscode/l10n";
import type { DoctorReport, HostFinding } from "../protocol";
import { cgroupChecks } from "./cgroups";
import { Findings, check, works, type Check, type Verdict } from "./check";
import { kernelChecks, rootChecks } from "./kernel";
import { storageChecks } from "./storage";

/** How a client writes figures. */
export interface Figures {
    bytes(count: number): string;
    /** How long ago something was, RFC 3339. */
    ago(time: string): string;
}

function otherChecks(findings: Findings): Check[] {
    return [
        ...check(findings, l10n.t("Pressure figures"), findings.get("pressure"), works, () => ({
            verdict: "note",
            consequence: l10n.t("mcm stats has no figures of pressure."),
            advice: l10n.t("Boot with psi=1."),
        })),
        ...listCheck(findings, "security-modules", l10n.t("Security modules")),
        ...listCheck(findings, "foreign-programs", l10n.t("Programs of other machines")),
    ];
}

/** Something that is listed and has no consequence. */
function listCheck(findings: Findings, name: string, title: string): Check[] {
    const finding = findings.get(name);
    if (finding?.outcome !== "works") {
        return [];
    }
    return [{ verdict: "fine", title, found: finding.detail ?? l10n.t("none") }];
}

/** What was found of this computer, in the order in which a start needs it. */
export function diagnose(list: readonly HostFinding[], figures: Figures): Check[] {
    const findings = new Findings(list);
    return [
        ...rootChecks(findings),
        ...kernelChecks(findings),
        ...storageChecks(findings, figures),
        ...cgroupChecks(findings),
        ...otherChecks(findings),
    ];
}

/**
 * What the backend says of itself, and of what it keeps.
 *
 * @param isOwn whether it is in this very process: there is nothing to say of that one
 */
export function describeBackend(
    backend: DoctorReport["backend"],
    figures: Figures,
    isOwn = false,
): Check[] {
    const { stateSize } = backend;
    const process: [title: string, found: string][] = [
        [
            l10n.t("Backend"),
            l10n.t(
                "version {0}, pid {1}, started {2}",
                backend.version,
                backend.pid,
                figures.ago(backend.startedAt),
            ),
        ],
        [l10n.t("Clients"), String(backend.clients)],
        [l10n.t("Log"), backend.log],
    ];
    const kept: [title: string, found: string][] = [
        [
            l10n.t("Containers"),
            l10n.t("{0}, of them {1} running", backend.containers, backend.running),
        ],
        [
            l10n.t("State"),
            stateSize === undefined
                ? backend.stateDirectory
                : l10n.t("{0} in {1}", figures.bytes(stateSize), backend.stateDirectory),
        ],
    ];
    const lines = isOwn ? kept : [...process, ...kept];
    return lines.map(([title, found]) => ({ verdict: "fine", title, found }));
}

/** Whether something prevents containers. */
export function isPrevented(checks: readonly Check[]): boolean {
    return checks.some(({ verdict }) => verdict === "problem");
}

/** The result of all checks in a sentence. */
export function conclusion(checks: readonly Check[]): string {
    const count = (verdict: Verdict) => checks.filter((one) => one.verdict === verdict).length;
    if (isPrevented(checks)) {
        return l10n.t("This computer cannot run containers: {0} to be solved.", count("problem"));
    }
    if (count("unknown") > 0) {
        return l10n.t("As far as another user than root can tell, containers can run here.");
    }
    return count("note") > 0
        ? l10n.t("This computer runs containers; {0} to know of.", count("note"))
        : l10n.t("This computer has all that containers need.");
}

/** Signs for a verdict, before a line. */
export type Marks = Record<Verdict, string>;

export const MARKS: Marks = { fine: "✓", note: "!", problem: "✗", unknown: "?" };

/** For a reader of plain ASCII. */
export const ASCII_MARKS: Marks = { fine: "+", note: "!", problem: "x", unknown: "?" };

/** The checks as lines: what was found beside its title, what follows and what to do below it. */
export function diagnosisLines(checks: readonly Check[], marks: Marks): string[] {
    const width = Math.max(0, ...checks.map(({ title }) => title.length));
    const below = " ".repeat(width + 4);
    return checks.flatMap(({ verdict, title, found, consequence, advice }) => [
        `${marks[verdict]} ${title.padEnd(width)}  ${found}`.trimEnd(),
        ...[consequence, advice].flatMap((text) => (text === undefined ? [] : [below + text])),
    ]);
}

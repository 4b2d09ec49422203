/** Checks of control groups: what can be limited. */
import * as l10n from "@vscode/l10n";
import { check, noContainers, works, type Check, type Findings } from "./check";

/** Limits by the names of their findings: the option that is refused without. */
const LIMITS: Record<string, string> = {
    "limit-memory": "--memory",
    "limit-cpu": "--cpu",
    "limit-cpuset": "--cpuset",
    "limit-pids": "--pids",
    "limit-io": "--io-read, --io-write",
};

export function cgroupChecks(findings: Findings): Check[] {
    return [
        ...check(
            findings,
            l10n.t("Control groups"),
            findings.get("cgroup"),
            ({ detail = "" }) => detail,
            ({ code }) => ({
                consequence: noContainers(),
                advice:
                    code === "ENOENT"
                        ? l10n.t("Mount them: mount -t cgroup2 none /sys/fs/cgroup")
                        : code === "EROFS"
                          ? l10n.t("Remount them: mount -o remount,rw /sys/fs/cgroup")
                          : undefined,
            }),
        ),
        ...Object.entries(LIMITS).flatMap(([name, option]) =>
            check(
                findings,
                l10n.t("Limit {0}", option),
                findings.get(name),
                ({ detail = "" }) => l10n.t("by cgroup {0}", detail),
                ({ code }) => ({
                    verdict: "note",
                    consequence: l10n.t("Refused: {0}", option),
                    advice:
                        code === "ENODEV"
                            ? l10n.t("Have the state directory on a disk.")
                            : l10n.t("Let control groups have that controller."),
                }),
            ),
        ),
        ...check(findings, l10n.t("Pausing"), findings.get("freeze"), works, () => ({
            verdict: "note",
            consequence: l10n.t("Refused: {0}", "mcm pause"),
            advice: l10n.t("Use Linux 5.2 with cgroup v2, or mount the freezer of cgroup v1."),
        })),
        ...check(
            findings,
            l10n.t("Limit of swap"),
            findings.get("swap-limit"),
            ({ detail }) =>
                detail === undefined ? l10n.t("there is no swap") : l10n.t("by cgroup {0}", detail),
            () => ({
                verdict: "note",
                consequence: l10n.t("--memory does not count what is swapped out."),
                advice: l10n.t("Boot with swapaccount=1, or use no swap: swapoff -a"),
            }),
        ),
    ];
}

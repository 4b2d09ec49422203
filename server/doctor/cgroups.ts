/** Checks of control groups: what can be limited. */
import * as l10n from "@vscode/l10n";
import { check, noContainers, type Check, type Findings } from "./check";

/** Limits by the names of their findings: the option that is refused without. */
const LIMITS: Record<string, string> = {
    "limit-memory": "--memory",
    "limit-cpu": "--cpu",
    "limit-cpuset": "--cpuset",
    "limit-pids": "--pids",
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
                () => ({
                    verdict: "note",
                    consequence: l10n.t("{0} is refused.", option),
                    advice: l10n.t("Give control groups that controller."),
                }),
            ),
        ),
        ...check(
            findings,
            l10n.t("Limit of swap"),
            findings.get("swap-limit"),
            ({ detail = "" }) => l10n.t("by cgroup {0}", detail),
            () => ({
                verdict: "note",
                consequence: l10n.t("--memory does not count what is swapped out."),
                advice: l10n.t("Boot with swapaccount=1, or use no swap: swapoff -a"),
            }),
        ),
    ];
}

/** Checks of the kernel, and of what root may ask it for. */
import * as l10n from "@vscode/l10n";
import {
    adviceOn,
    check,
    noContainers,
    outOfSandbox,
    reasonOf,
    works,
    type Check,
    type Findings,
} from "./check";

export function rootChecks(findings: Findings): Check[] {
    const root = check(
        findings,
        l10n.t("Root"),
        findings.get("root"),
        () => l10n.t("has the capabilities that are needed"),
        () => ({ consequence: noContainers(), advice: outOfSandbox() }),
    );
    const limits = check(
        findings,
        l10n.t("Resource limits"),
        findings.get("raise-limits"),
        () => l10n.t("can be raised"),
        () => ({
            verdict: "note",
            consequence: l10n.t(
                "Containers cannot have higher limits (of open files, …) than the backend itself.",
            ),
            advice: l10n.t("Give root the capability sys_resource."),
        }),
    );
    return root[0]?.verdict === "unknown"
        ? [
              {
                  ...root[0],
                  found: l10n.t("this is another user"),
                  advice: l10n.t("Ask root's: sudo mcm doctor, or start a backend."),
              },
          ]
        : [...root, ...limits];
}

export function kernelChecks(findings: Findings): Check[] {
    return [
        ...check(
            findings,
            l10n.t("Kernel"),
            findings.get("kernel"),
            ({ detail = "" }) => detail,
            () => ({ consequence: noContainers() }),
        ),
        ...systemCallChecks(findings),
        ...namespaceChecks(findings),
        ...check(
            findings,
            l10n.t("Ids"),
            findings.get("id-map"),
            () => l10n.t("65,536 of its own for each container"),
            () => ({ consequence: noContainers(), advice: outOfSandbox() }),
        ),
        ...check(
            findings,
            l10n.t("Seccomp"),
            findings.get("seccomp"),
            ({ detail = "" }) => detail,
            () => ({
                consequence: l10n.t(
                    "No container can be started: none runs without its filter of system calls.",
                ),
                advice: l10n.t("Use a kernel with CONFIG_SECCOMP_FILTER."),
            }),
        ),
    ];
}

/** System calls by the names of their findings. */
const CALLS: Record<string, string> = {
    clone3: "clone3",
    pidfd: "pidfd_open",
    openat2: "openat2",
    "close-range": "close_range",
    "mount-by-fd": "fsopen, open_tree, move_mount, mount_setattr",
};

function systemCallChecks(findings: Findings): Check[] {
    const title = l10n.t("System calls");
    const found = Object.keys(CALLS).flatMap((name) => findings.get(name) ?? []);
    const failing = found.filter(({ outcome }) => outcome === "fails");
    if (failing.length === 0) {
        return [{ verdict: "fine", title, found: Object.values(CALLS).join(", ") }];
    }
    return failing.map((finding) => ({
        verdict: "problem",
        title,
        found: `${CALLS[finding.name] ?? finding.name}: ${reasonOf(finding)}`,
        consequence: noContainers(),
        advice: adviceOn(finding.code),
    }));
}

/** Kinds of namespaces besides the user's. */
const KINDS = ["pid", "mount", "uts", "ipc", "network", "cgroup"];

function namespaceChecks(findings: Findings): Check[] {
    const users = check(
        findings,
        l10n.t("User namespaces"),
        findings.get("user-namespace"),
        ({ number }) => (number === undefined ? works() : l10n.t("{0} allowed", number)),
        ({ code }) => ({
            consequence: noContainers(),
            advice:
                code === "ENOSPC"
                    ? l10n.t("Allow them: sysctl -w user.max_user_namespaces=15000")
                    : code === "EINVAL"
                      ? l10n.t("Use a kernel with CONFIG_USER_NS.")
                      : undefined,
        }),
    );
    const others = KINDS.flatMap((kind) =>
        check(
            findings,
            l10n.t("Namespaces: {0}", kind),
            findings.get(`${kind}-namespace`),
            works,
            ({ code }) => ({
                consequence: noContainers(),
                advice:
                    code === "ENOSPC"
                        ? l10n.t("Allow more of them by sysctl, below user.max_*_namespaces.")
                        : undefined,
            }),
        ),
    );
    if (others.length === 0 || others.some(({ verdict }) => verdict === "problem")) {
        return [...users, ...others.filter(({ verdict }) => verdict === "problem")];
    }
    const verdict = others.some((one) => one.verdict === "unknown") ? "unknown" : "fine";
    const found = verdict === "fine" ? KINDS.join(", ") : (others[0]?.found ?? "");
    return [...users, { verdict, title: l10n.t("Other namespaces"), found }];
}

/** "Run Container…": asks what is needed, step by step, and runs it. */
import * as vscode from "vscode";
import { type Rootfs, RootfsListRequest, RunRequest } from "../../server/protocol";
import { chooseSource, importFrom, type SourceKind } from "../commands/rootfs";
import { withSlowProgress } from "../progress";
import type { Services } from "../services";
import { SECTION } from "../settings";
import { type Draft, emptyDraft, remember, specOf } from "./draft";
import { BACK } from "./input";
import { askCommand, askLimits, askName, askRootfs, type Situation, type Step } from "./steps";

const RECENT_KEY = "recentRuns";
const STEPS: readonly Step[] = [askRootfs, askCommand, askName, askLimits];

/** @param rootfs when it is known already, the flow begins with the next question */
export async function runFlow(services: Services, rootfs?: Rootfs): Promise<void> {
    const memory = services.context.globalState;
    // One that an older version kept may lack what is asked today.
    const recent = memory
        .get<Draft[]>(RECENT_KEY, [])
        .map((known) => ({ ...emptyDraft(known.rootfs), ...known }));
    const imported = await services.connection.request(RootfsListRequest);
    const draft = await ask({ services, imported, recent }, rootfs);
    if (draft !== undefined) {
        // Before it is tried: what fails can be corrected from there.
        await memory.update(RECENT_KEY, remember(draft, recent));
        await launch(services, draft);
    }
}

/** For a folder or tarball that was clicked in the Explorer, or else is asked for. */
export async function runFrom(
    services: Services,
    kind: SourceKind,
    resource: unknown,
): Promise<void> {
    const source = resource instanceof vscode.Uri ? resource.fsPath : await chooseSource(kind);
    if (source === undefined) {
        return;
    }
    if (kind === "folder") {
        await runFlow(services, { kind: "directory", path: source });
        return;
    }
    const imported = await importFrom(services, source);
    if (imported !== undefined) {
        await runFlow(services, { kind: "imported", name: imported.name });
    }
}

async function ask(situation: Situation, rootfs?: Rootfs): Promise<Draft | undefined> {
    const first = rootfs === undefined ? 0 : 1;
    let draft = emptyDraft(rootfs ?? { kind: "host" });
    for (let at = first; ;) {
        const step = STEPS[at];
        if (step === undefined) {
            return draft;
        }
        const answer = await step(situation, draft, {
            step: at + 1 - first,
            totalSteps: STEPS.length - first,
            canGoBack: at > first,
        });
        if (answer === undefined) {
            return undefined;
        }
        if (answer === BACK) {
            at -= 1;
        } else {
            // Something that was run before needs only a last look.
            at = situation.recent.includes(answer) ? STEPS.length - 1 : at + 1;
            draft = answer;
        }
    }
}

async function launch({ connection, model, view }: Services, draft: Draft): Promise<void> {
    const title =
        draft.name === ""
            ? vscode.l10n.t("Running a container")
            : vscode.l10n.t("Running “{0}”", draft.name);
    const container = await withSlowProgress(title, (token) =>
        connection.request(RunRequest, specOf(draft), token),
    );
    model.update(container);
    await view.reveal(container.id);
    void offerShell(container.name, container.id);
}

async function offerShell(name: string, id: string): Promise<void> {
    const openShell = vscode.l10n.t("Open Shell");
    const message = vscode.l10n.t("“{0}” is running.", name);
    if ((await vscode.window.showInformationMessage(message, openShell)) === openShell) {
        await vscode.commands.executeCommand(`${SECTION}.openShell`, id);
    }
}

/** What this computer has and lacks for containers, as a read-only document. */
import { execFile } from "node:child_process";
import path from "node:path";
import * as vscode from "vscode";
import {
    MARKS,
    conclusion,
    describeBackend,
    diagnose,
    diagnosisLines,
    type Figures,
} from "../server/doctor/diagnosis";
import { DoctorRequest, type DoctorReport, type HostFinding } from "../server/protocol";
import type { Connection } from "./connection";
import { formatBytes, formatDuration } from "./view/format";

const SCHEME = "my-container-manager-doctor";

/** Exit code of `mcm doctor` when something prevents containers: it has told what. */
const PREVENTED = 1;

/** What was found; without a backend only what this user can try. */
type Report = Pick<DoctorReport, "findings"> & Partial<DoctorReport>;

const figures: Figures = {
    bytes: formatBytes,
    ago: (time) => vscode.l10n.t("{0} ago", formatDuration(Date.now() - Date.parse(time))),
};

export class DoctorDocument implements vscode.TextDocumentContentProvider, vscode.Disposable {
    private readonly changeEmitter = new vscode.EventEmitter<vscode.Uri>();
    private readonly registration: vscode.Disposable;
    private text = "";

    readonly onDidChange = this.changeEmitter.event;

    /** @param commandLine path of `mcm`'s program, which asks the computer when no backend runs */
    constructor(
        private readonly connection: Connection,
        private readonly commandLine: string,
    ) {
        this.registration = vscode.Disposable.from(
            this.changeEmitter,
            vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
        );
    }

    dispose(): void {
        this.registration.dispose();
    }

    provideTextDocumentContent(): string {
        return this.text;
    }

    /** Examines this computer and shows what was found. */
    async show(): Promise<void> {
        this.text = reportText(await this.examine());
        const uri = vscode.Uri.from({
            scheme: SCHEME,
            path: `/${vscode.l10n.t("This Computer")}`,
        });
        this.changeEmitter.fire(uri);
        await vscode.window.showTextDocument(uri, { preview: true });
    }

    private async examine(): Promise<Report> {
        if (this.connection.state === "connected" || (await this.connection.connect())) {
            return this.connection.request(DoctorRequest, {});
        }
        return { findings: await findingsOf(this.commandLine) };
    }
}

/** The result in a sentence, then every line of it, then what the backend says of itself. */
function reportText({ findings, backend }: Report): string {
    const checks = diagnose(findings, figures);
    const lines = [
        conclusion(checks),
        "",
        ...diagnosisLines(checks, MARKS),
        "",
        ...(backend === undefined
            ? [vscode.l10n.t("The backend is not running.")]
            : diagnosisLines(describeBackend(backend, figures), MARKS)),
    ];
    return `${lines.join("\n")}\n`;
}

/** What `mcm doctor` finds as the user whom VS Code runs as. */
function findingsOf(commandLine: string): Promise<HostFinding[]> {
    // In a desktop VS Code this process is Electron, not Node.
    const env = { ...process.env, ELECTRON_RUN_AS_NODE: "1" };
    return new Promise((resolve, reject) => {
        const args = [commandLine, "doctor", "--json"];
        execFile(process.execPath, args, { env }, (error, stdout, stderr) => {
            if (error !== null && error.code !== PREVENTED) {
                reject(new Error(stderr.trim() || error.message));
            } else {
                resolve((JSON.parse(stdout) as Report).findings);
            }
        });
    });
}

/** The path of `mcm`'s program in the extension's folder. */
export function commandLineOf(extensionPath: string): string {
    return path.join(extensionPath, "out", "cli.js");
}

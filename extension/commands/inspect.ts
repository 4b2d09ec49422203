/** Everything known of a container as a read-only JSON document. */
import * as vscode from "vscode";
import { type ContainerSummary, InspectRequest } from "../../server/protocol";
import type { Connection } from "../connection";

const SCHEME = "my-container-manager-inspect";

export class InspectDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
    private readonly changeEmitter = new vscode.EventEmitter<vscode.Uri>();
    private readonly registration: vscode.Disposable;
    /** By the document's address; an entry lives as long as its document. */
    private readonly texts = new Map<string, string>();

    readonly onDidChange = this.changeEmitter.event;

    constructor(private readonly connection: Connection) {
        this.registration = vscode.Disposable.from(
            this.changeEmitter,
            vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
            vscode.workspace.onDidCloseTextDocument(({ uri }) => {
                this.texts.delete(uri.toString());
            }),
        );
    }

    dispose(): void {
        this.registration.dispose();
    }

    provideTextDocumentContent(uri: vscode.Uri): string {
        return this.texts.get(uri.toString()) ?? "";
    }

    /** Asks for the container's details and shows them, in the document that shows it already. */
    async show({ id, name }: ContainerSummary): Promise<void> {
        const details = await this.connection.request(InspectRequest, { container: id });
        const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${name}.json`, query: id });
        this.texts.set(uri.toString(), `${JSON.stringify(details, undefined, 4)}\n`);
        this.changeEmitter.fire(uri);
        await vscode.window.showTextDocument(uri, { preview: true });
    }
}

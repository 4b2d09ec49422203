import assert from "node:assert/strict";
import * as vscode from "vscode";
import { Connection } from "../../extension/connection";
import { SessionTerminal } from "../../extension/terminal/sessionTerminal";
import { type ContainerSummary, SHELL, StopRequest, WINDOW_BYTES } from "../../server/protocol";
import { eventually } from "../support/eventually";
import {
    killBackend,
    log,
    removeContainer,
    runContainer,
    SOCKET,
    startBackend,
    stateOf,
    stopBackend,
} from "./backends";

/** A session, and what it wrote to its terminal. */
class Watched {
    text = "";
    closed = false;

    constructor(readonly pty: SessionTerminal) {
        pty.onDidWrite((text) => (this.text += text));
        pty.onDidClose(() => (this.closed = true));
    }

    /** Waits until what was written since the last call has this. */
    async shows(expected: string | RegExp): Promise<void> {
        const has = (text: string) =>
            typeof expected === "string" ? text.includes(expected) : expected.test(text);
        try {
            await eventually(() => has(this.text), `the terminal shows ${String(expected)}`);
        } catch (cause) {
            throw new Error(`It shows ${JSON.stringify(this.text.slice(-2000))}`, { cause });
        }
        this.text = "";
    }

    type(text: string): void {
        this.pty.handleInput(text);
    }
}

describe("a terminal in a container", () => {
    let connection: Connection;
    let container: ContainerSummary;
    let opened: Watched[];

    beforeEach(async () => {
        await startBackend();
        connection = new Connection(SOCKET, log);
        await stateOf(connection, "connected");
        opened = [];
        container = await runContainer(connection);
    });

    afterEach(async () => {
        for (const terminal of opened) {
            terminal.pty.close();
        }
        await startBackend();
        await stateOf(connection, "connected");
        await removeContainer(connection, container);
        connection.dispose();
        await stopBackend();
    });

    function open(session: ConstructorParameters<typeof SessionTerminal>[1]): Watched {
        const watched = new Watched(new SessionTerminal(connection, session));
        opened.push(watched);
        return watched;
    }

    function exec(...command: string[]): Watched {
        const watched = open({ kind: "exec", container: container.id, command });
        watched.pty.open({ rows: 30, columns: 100 });
        return watched;
    }

    it("is a terminal there, of the given size", async () => {
        const terminal = exec(SHELL);
        terminal.type("tty; stty size; echo $TERM\r");
        await terminal.shows(/\/dev\/pts\/\d+\r\n30 100\r\nxterm-256color\r\n/);
        terminal.pty.setDimensions({ rows: 12, columns: 34 });
        terminal.type("stty size\r");
        await terminal.shows("\r\n12 34\r\n");
    });

    it("shows every character whole", async () => {
        const terminal = exec("/bin/sh", "-c", "for i in $(seq 3000); do printf 'ü漢🐋'; done");
        await terminal.shows("exited with code 0");
        assert.doesNotMatch(terminal.text, /\ufffd/);
    });

    it("says with which code the command ended, and closes at Enter", async () => {
        const terminal = exec(SHELL);
        terminal.type("exit 42\r");
        await terminal.shows("exited with code 42");
        terminal.type("x");
        assert.equal(terminal.closed, false);
        terminal.type("\r");
        assert.equal(terminal.closed, true);
    });

    it("says that a signal ended the command", async () => {
        const terminal = exec("/bin/sh", "-c", "kill -KILL $$");
        await terminal.shows("ended by SIGKILL");
    });

    it("ends when the container does, and says so", async () => {
        const terminal = exec(SHELL);
        terminal.type("echo here\r");
        await terminal.shows("\r\nhere\r\n");
        await connection.request(StopRequest, { container: container.id, graceSeconds: 0 });
        await terminal.shows("the container stopped");
    });

    it("says that the backend was lost", async () => {
        const terminal = exec(SHELL);
        terminal.type("echo here\r");
        await terminal.shows("\r\nhere\r\n");
        await killBackend(connection);
        await terminal.shows("the connection to the backend was lost");
    });

    it("says what was refused", async () => {
        const terminal = open({ kind: "exec", container: "nosuchcontainer", command: [SHELL] });
        terminal.pty.open(undefined);
        await terminal.shows("nosuchcontainer");
    });

    it("ends the command when it is closed", async () => {
        const script =
            "trap 'echo gone > /hungup; exit' HUP; echo ready; while :; do sleep 0.1; done";
        const terminal = exec("/bin/sh", "-c", script);
        await terminal.shows("ready\r\n");
        terminal.pty.close();
        const other = exec(SHELL);
        other.type("until test -f /hungup; do sleep 0.1; done; cat /hungup\r");
        await other.shows("\r\ngone\r\n");
    });

    it("is not flooded: Ctrl-C answers at once, and little is under way", async function () {
        this.timeout(60_000);
        const flooded = open({ kind: "exec", container: container.id, command: [SHELL] });
        // VS Code opens and answers this one itself, as it does for a person.
        const { pty } = flooded;
        const terminal = vscode.window.createTerminal({ name: "flooded", pty, isTransient: true });
        terminal.show();
        await flooded.shows(/[#$] /);
        terminal.sendText("yes");
        let written = 0;
        flooded.pty.onDidWrite((text) => {
            written += text.length;
            flooded.text = flooded.text.slice(-1000);
        });
        // More than may be under way: the rest was shown before.
        await eventually(() => written > 2 * WINDOW_BYTES, "much of it was shown", 50_000);
        const before = written;
        terminal.sendText("\x03", false);
        await eventually(() => flooded.text.includes("^C"), "the shell is back");
        assert.ok(written - before < WINDOW_BYTES, `${written - before} more`);
        terminal.dispose();
    });

    it("attaches to the container's command, line by line when it has no terminal", async () => {
        const script = "while read line; do echo got $line; done; echo end of input; exit 7";
        const reader = await runContainer(connection, script);
        try {
            const terminal = open({ kind: "attach", container: reader.id, tty: false });
            terminal.pty.open(undefined);
            terminal.type("one\r");
            await terminal.shows("got one\r\n");
            terminal.type("\x04");
            await terminal.shows(/end of input\r\n[^]*exited with code 7|the container stopped/);
        } finally {
            await removeContainer(connection, reader);
        }
    });
});

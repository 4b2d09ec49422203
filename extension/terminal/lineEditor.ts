/**
 * What a terminal driver does for a program that has no terminal: shows what is typed and hands it
 * over line by line. For attaching to a container whose command reads from a pipe.
 */

/** What one piece of typing comes to. */
export interface Edited {
    /** To be shown. */
    echo: string;
    /** To be sent. */
    input: string;
    /** Ctrl-C was typed. */
    interrupt: boolean;
    /** Ctrl-D was typed at the beginning of a line: the input ends. */
    end: boolean;
}

// eslint-disable-next-line no-control-regex -- sequences of keys such as the arrows
const KEY_SEQUENCE = /\x1b(?:\[[0-9;?]*[ -/]*[@-~]|O.|.)?/g;

export class LineEditor {
    private line: string[] = [];

    type(data: string): Edited {
        const edited: Edited = { echo: "", input: "", interrupt: false, end: false };
        // Moving about in a line is not offered.
        for (const character of data.replace(KEY_SEQUENCE, "")) {
            this.typeOne(character, edited);
        }
        return edited;
    }

    private typeOne(character: string, edited: Edited): void {
        switch (character) {
            case "\r":
            case "\n":
                edited.echo += "\r\n";
                edited.input += `${this.take()}\n`;
                break;
            case "\x7f":
            case "\b":
                if (this.line.pop() !== undefined) {
                    edited.echo += "\b \b";
                }
                break;
            case "\x15":
                edited.echo += "\b \b".repeat(this.line.length);
                this.line = [];
                break;
            case "\x03":
                edited.echo += "^C\r\n";
                edited.interrupt = true;
                this.line = [];
                break;
            case "\x04":
                edited.end ||= this.line.length === 0;
                edited.input += this.take();
                break;
            default:
                if (character >= " " || character === "\t") {
                    this.line.push(character);
                    edited.echo += character;
                }
        }
    }

    private take(): string {
        const line = this.line.join("");
        this.line = [];
        return line;
    }
}

/** Output of a program without a terminal, for one: lines begin on the left. */
export function withCarriageReturns(text: string): string {
    return text.replace(/\r?\n/g, "\r\n");
}

/** The one printer of what people read: aligned, and nothing of a container reaches the terminal raw. */
import Table from "cli-table3";
import { printable } from "./text";

/** A column of a table: its heading and which side its cells stand on. */
export interface Column {
    heading: string;
    align?: "left" | "right";
}

/** No lines, two spaces between columns. */
const STYLE = {
    chars: {
        top: "",
        "top-mid": "",
        "top-left": "",
        "top-right": "",
        bottom: "",
        "bottom-mid": "",
        "bottom-left": "",
        "bottom-right": "",
        left: "",
        "left-mid": "",
        mid: "",
        "mid-mid": "",
        right: "",
        "right-mid": "",
        middle: "  ",
    },
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
};

function render(table: InstanceType<typeof Table>): string {
    return `${table
        .toString()
        .split("\n")
        .map((line) => line.trimEnd())
        .join("\n")}\n`;
}

/** Rows under headings, each line ended; an empty cell shows as "-". */
export function formatTable(columns: readonly Column[], rows: readonly string[][]): string {
    const table = new Table({
        ...STYLE,
        head: columns.map((column) => column.heading),
        colAligns: columns.map((column) => column.align ?? "left"),
    });
    table.push(...rows.map((row) => row.map((cell) => printable(cell) || "-")));
    return render(table);
}

/** Names and values below each other, the values aligned; those without a value are left out. */
export function formatFields(fields: readonly (readonly [string, string | undefined])[]): string {
    const table = new Table({ ...STYLE });
    for (const [name, value] of fields) {
        if (value !== undefined) {
            table.push([`${name}:`, printable(value) || "-"]);
        }
    }
    return render(table);
}

/** Cut at `limit` characters, as a reader counts them; the last is then "…". */
export function shorten(text: string, limit: number): string {
    if (text.length <= limit) {
        return text;
    }
    const characters = Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
    return characters.length <= limit ? text : `${characters.slice(0, limit - 1).join("")}…`;
}

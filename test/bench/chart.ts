/** The README's chart: bars of medians, in colours that suit a light and a dark page. */
import type { Figures } from "./figures";

const WIDTH = 760;
const NAME_WIDTH = 110;
const VALUE_WIDTH = 150;
const BAR_HEIGHT = 20;
const ROW_HEIGHT = 28;
const TITLE_HEIGHT = 40;

const STYLE = `
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.value { fill: #59636e }
.bar { fill: #8c959f }
.ours { fill: #1a7f37 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .value { fill: #9198a1 }
  .bar { fill: #656c76 }
  .ours { fill: #3fb950 }
}`;

export interface Group {
    title: string;
    figures: Figures[];
}

/** One bar: its name, its length by the longest of its group, its time and what ours is to it. */
function bar(figures: Figures, longest: number, y: number): string {
    const room = WIDTH - NAME_WIDTH - VALUE_WIDTH;
    const length = Math.max(2, (figures.median / longest) * room);
    const kind = figures.name === "ours" ? "ours" : "bar";
    const compared = figures.name === "ours" ? "" : `, ${figures.ofOurs.toFixed(1)} × ours`;
    const middle = y + BAR_HEIGHT - 5;
    return `<text x="${NAME_WIDTH - 10}" y="${middle}" text-anchor="end">${figures.name}</text>
<rect class="${kind}" x="${NAME_WIDTH}" y="${y}" width="${length.toFixed(1)}" height="${BAR_HEIGHT}" rx="3"/>
<text class="value" x="${(NAME_WIDTH + length + 8).toFixed(1)}" y="${middle}">${figures.median.toFixed(1)} ms${compared}</text>`;
}

/** The chart as the text of an SVG file. */
export function chartText(groups: Group[]): string {
    const parts: string[] = [];
    let y = 0;
    for (const { title, figures } of groups) {
        parts.push(
            `<text class="title" x="${NAME_WIDTH}" y="${y + TITLE_HEIGHT - 14}">${title}</text>`,
        );
        y += TITLE_HEIGHT;
        const longest = Math.max(...figures.map(({ median }) => median));
        for (const each of figures) {
            parts.push(bar(each, longest, y));
            y += ROW_HEIGHT;
        }
    }
    const size = `width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}"`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">
<title>Median times of a container's whole life and of an exec</title>
<style>${STYLE}
</style>
${parts.join("\n")}
</svg>
`;
}

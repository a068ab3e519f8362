/** A workflow as one self-contained SVG: boxes in layers, arrows between them; follows the reader's light or dark theme. */
import { type Box, type BoxList, type Measures, placeList, type Size } from './layout.js';
import { listTitle, marksOf, whatOf } from './step-words.js';
import { allSteps, type StepDefinition } from './steps.js';
import type { WorkflowDefinition } from './workflow.js';

const BOX = { least: 220, most: 420, padding: 12, first: 22, row: 18 } as const;
/** Characters per line, and how wide one is at the most: nobody can measure a font here, so boxes are generous. */
const NAME = { most: 44, width: 8.4 } as const;
const SMALL = { most: 54, width: 7 } as const;
const GAP = { x: 28, y: 52 } as const;
const MARGIN = 24;
const TITLE = 40;
/** How far the arrow that leads back in a loop reaches out beside its steps. */
const BEND = 18;

const STYLE = `
    svg { color-scheme: light dark; font-family: system-ui, sans-serif; }
    .page { fill: #ffffff; } .box { fill: #f6f8fa; stroke: #8c959f; } .gated { stroke-dasharray: 5 3; } .block { fill: none; stroke-width: 1.5; } .back { stroke-dasharray: 2 4; }
    .title, .name { fill: #1f2328; } .small { fill: #59636e; } .edge { stroke: #8c959f; fill: none; } .head { fill: #8c959f; }
    .title { font-size: 16px; font-weight: 600; } .name { font-size: 13px; font-weight: 600; } .small { font-size: 11px; }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117; } .box { fill: #161b22; stroke: #6e7681; } .edge { stroke: #6e7681; } .head { fill: #6e7681; }
      .title, .name { fill: #f0f6fc; } .small { fill: #9198a1; }
    }`;

export function toSvg(definition: WorkflowDefinition): string {
  const measures = measuresOf(definition.steps);
  const list = placeList({ key: 'steps', steps: definition.steps }, { x: MARGIN, y: MARGIN + TITLE }, measures);
  const size = `width="${rounded(list.width + 2 * MARGIN)}" height="${rounded(TITLE + list.height + 2 * MARGIN)}"`;
  const box = `viewBox="0 0 ${rounded(list.width + 2 * MARGIN)} ${rounded(TITLE + list.height + 2 * MARGIN)}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${box} role="img">`,
    `  <title>${escaped(`${definition.name} ${definition.version}`, 200)}</title>`,
    `  <style>${STYLE}\n  </style>`,
    '  <defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="head" d="M0 0L8 4L0 8z"/></marker></defs>',
    `  <rect class="page" ${size}/>`,
    `  <text class="title" x="${String(MARGIN)}" y="${String(MARGIN + 12)}">${escaped(definition.name, 60)}</text>`,
    ...listParts(list),
    '</svg>',
    '',
  ].join('\n');
}

/** One width for all steps, so that the columns stand under each other; blocks are as wide as what they hold. */
function measuresOf(steps: readonly StepDefinition[]): Measures {
  let widest = 0;
  for (const step of allSteps(steps)) {
    widest = Math.max(widest, Math.min(step.name.length, NAME.most) * NAME.width);
    for (const row of rowsOf(step)) widest = Math.max(widest, Math.min(row.length, SMALL.most) * SMALL.width);
  }
  const width = Math.round(Math.min(BOX.most, Math.max(BOX.least, widest + 2 * BOX.padding)));
  const sizeOf = (step: StepDefinition): Size => ({
    width,
    height: BOX.first + BOX.row * Math.max(2, rowsOf(step).length) + BOX.padding,
  });
  return { gap: GAP, padding: BOX.padding + BEND, titleHeight: BOX.row, sizeOf };
}

/** The lines below the name. */
function rowsOf(step: StepDefinition): readonly string[] {
  const what = whatOf(step);
  return [step.name === step.id ? what : `${step.id} · ${what}`, ...marksOf(step)];
}

function rounded(value: number): string {
  return String(Math.round(value));
}

function listParts(list: BoxList): string[] {
  const byId = new Map(list.boxes.map((box) => [box.step.id, box]));
  const edges = list.boxes.flatMap((box) => box.step.dependencies.map((before) => edge(byId.get(before), box)));
  return [...edges, ...list.boxes.map((box) => stepPart(box))];
}

function edge(from: Box | undefined, to: Box): string {
  if (from === undefined) return '';
  const startX = from.x + from.width / 2;
  const startY = from.y + from.height;
  const endX = to.x + to.width / 2;
  const bend = (to.y - startY) / 2;
  const curve = [startX, startY + bend, endX, to.y - bend, endX, to.y].map(rounded).join(' ');
  return `  <path class="edge" d="M${rounded(startX)} ${rounded(startY)}C${curve}" marker-end="url(#head)"/>`;
}

function stepPart({ step, x, y, width, height, lists }: Box): string {
  const rows = rowsOf(step);
  const css = ['box', ...(step.condition === null ? [] : ['gated']), ...(lists.length === 0 ? [] : ['block'])].join(
    ' ',
  );
  const line = (look: string, dy: number, text: string): string =>
    `    <text class="${look}" x="${rounded(x + BOX.padding)}" y="${rounded(y + dy)}">${text}</text>`;
  return [
    '  <g>',
    `    <title>${escaped([step.name, ...rows].join(': '), 500)}</title>`,
    `    <rect class="${css}" x="${rounded(x)}" y="${rounded(y)}" width="${rounded(width)}" height="${rounded(height)}" rx="8"/>`,
    line('name', BOX.first, escaped(step.name, NAME.most)),
    ...rows.map((row, index) => line('small', BOX.first + BOX.row * (index + 1), escaped(row, SMALL.most))),
    ...lists.flatMap((list) => [...titlePart(list), ...listParts(list), ...backPart(step, list)]),
    '  </g>',
  ].join('\n');
}

function titlePart({ key, x, y }: BoxList): string[] {
  const title = listTitle(key);
  return title === '' ? [] : [`    <text class="small" x="${rounded(x)}" y="${rounded(y - 6)}">${title}</text>`];
}

/** From below the last step of a loop to above the first, around the right side. */
function backPart(step: StepDefinition, { boxes, x, width }: BoxList): string[] {
  const first = boxes.find((box) => box.step.id === (step.type === 'loop' ? step.steps[0]?.id : null));
  const last = boxes.find((box) => box.step.id === (step.type === 'loop' ? step.steps.at(-1)?.id : null));
  if (first === undefined || last === undefined) return [];
  const side = x + width + BEND;
  const [fromX, fromY] = [last.x + last.width, last.y + last.height / 2];
  const [toX, toY] = [first.x + first.width, first.y + first.height / 2 - (first === last ? BEND : 0)];
  const way = `M${rounded(fromX)} ${rounded(fromY)}H${rounded(side)}V${rounded(toY)}H${rounded(toX)}`;
  return [`    <path class="edge back" d="${way}" marker-end="url(#head)"/>`];
}

/** Text for XML, cut to `most` characters; control characters are not even allowed as entities. */
function escaped(text: string, most: number): string {
  const flat = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\uFFFE\uFFFF]+/gu, ' ');
  const characters = Array.from(flat);
  const clipped = characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : flat;
  return clipped.replace(/[&<>"']/g, (character) => `&#${String(character.charCodeAt(0))};`);
}

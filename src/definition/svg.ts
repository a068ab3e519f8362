/** A workflow as one self-contained SVG: boxes in layers, arrows between them; follows the reader's light or dark theme. */
import { layersOf } from './layout.js';
import type { StepDefinition, WorkflowDefinition } from './workflow.js';

const BOX = { least: 220, most: 420, height: 74, padding: 12 } as const;
/** Characters per line, and how wide one is at the most: nobody can measure a font here, so boxes are generous. */
const NAME = { most: 44, width: 8.4 } as const;
const SMALL = { most: 54, width: 7 } as const;
const GAP = { x: 28, y: 52 } as const;
const MARGIN = 24;
const TITLE = 40;

interface Place {
  readonly x: number;
  readonly y: number;
}

const STYLE = `
    svg { color-scheme: light dark; font-family: system-ui, sans-serif; }
    .page { fill: #ffffff; } .box { fill: #f6f8fa; stroke: #8c959f; } .gated { stroke-dasharray: 5 3; }
    .title, .name { fill: #1f2328; } .small { fill: #59636e; } .edge { stroke: #8c959f; fill: none; } .head { fill: #8c959f; }
    .title { font-size: 16px; font-weight: 600; } .name { font-size: 13px; font-weight: 600; } .small { font-size: 11px; }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117; } .box { fill: #161b22; stroke: #6e7681; } .edge { stroke: #6e7681; } .head { fill: #6e7681; }
      .title, .name { fill: #f0f6fc; } .small { fill: #9198a1; }
    }`;

export function toSvg(definition: WorkflowDefinition): string {
  const layers = layersOf(definition);
  const widest = Math.max(1, ...layers.map((layer) => layer.length));
  const wide = boxWidth(definition.steps);
  const width = widest * wide + (widest - 1) * GAP.x + 2 * MARGIN;
  const height = TITLE + layers.length * BOX.height + Math.max(0, layers.length - 1) * GAP.y + 2 * MARGIN;
  const places = placesOf(layers, { width, wide });
  const size = `width="${String(width)}" height="${String(height)}"`;
  const edges = definition.steps.flatMap((step) =>
    step.dependencies.map((before) => edge(places.get(before), places.get(step.id), wide)),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="0 0 ${String(width)} ${String(height)}" role="img">`,
    `  <title>${escaped(`${definition.name} ${definition.version}`, 200)}</title>`,
    `  <style>${STYLE}\n  </style>`,
    '  <defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="head" d="M0 0L8 4L0 8z"/></marker></defs>',
    `  <rect class="page" ${size}/>`,
    `  <text class="title" x="${String(MARGIN)}" y="${String(MARGIN + 12)}">${escaped(definition.name, 60)}</text>`,
    ...edges,
    ...definition.steps.map((step) => box(step, { ...(places.get(step.id) ?? { x: 0, y: 0 }), wide })),
    '</svg>',
    '',
  ].join('\n');
}

/** One width for all boxes, so that the columns stand under each other. */
function boxWidth(steps: readonly StepDefinition[]): number {
  const needed = steps.flatMap((step) => [
    Math.min(step.name.length, NAME.most) * NAME.width,
    Math.min(whoOf(step).length, SMALL.most) * SMALL.width,
    Math.min((step.condition ?? '').length + 3, SMALL.most) * SMALL.width,
  ]);
  return Math.round(Math.min(BOX.most, Math.max(BOX.least, ...needed.map((width) => width + 2 * BOX.padding))));
}

function whoOf(step: StepDefinition): string {
  return step.name === step.id ? step.persona : `${step.id} · ${step.persona}`;
}

function placesOf(
  layers: readonly (readonly string[])[],
  { width, wide }: { width: number; wide: number },
): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  for (const [row, layer] of layers.entries()) {
    const used = layer.length * wide + (layer.length - 1) * GAP.x;
    const left = (width - used) / 2;
    const y = MARGIN + TITLE + row * (BOX.height + GAP.y);
    for (const [column, id] of layer.entries()) places.set(id, { x: left + column * (wide + GAP.x), y });
  }
  return places;
}

function edge(from: Place | undefined, to: Place | undefined, wide: number): string {
  if (from === undefined || to === undefined) return '';
  const startX = from.x + wide / 2;
  const startY = from.y + BOX.height;
  const endX = to.x + wide / 2;
  const bend = (to.y - startY) / 2;
  const curve = [startX, startY + bend, endX, to.y - bend, endX, to.y]
    .map((value) => String(Math.round(value)))
    .join(' ');
  return `  <path class="edge" d="M${String(Math.round(startX))} ${String(startY)}C${curve}" marker-end="url(#head)"/>`;
}

function box(step: StepDefinition, { x, y, wide }: Place & { wide: number }): string {
  const gated = step.condition === null ? '' : ' gated';
  const line = (css: string, dy: number, text: string): string =>
    `    <text class="${css}" x="${String(x + BOX.padding)}" y="${String(y + dy)}">${text}</text>`;
  const rows = [
    '  <g>',
    `    <title>${escaped(step.condition === null ? step.name : `${step.name}: if ${step.condition}`, 500)}</title>`,
    `    <rect class="box${gated}" x="${String(x)}" y="${String(y)}" width="${String(wide)}" height="${String(BOX.height)}" rx="8"/>`,
    line('name', 22, escaped(step.name, NAME.most)),
    line('small', 40, escaped(whoOf(step), SMALL.most)),
  ];
  if (step.condition !== null) rows.push(line('small', 60, escaped(`if ${step.condition}`, SMALL.most)));
  return [...rows, '  </g>'].join('\n');
}

/** Text for XML, cut to `most` characters; control characters are not even allowed as entities. */
function escaped(text: string, most: number): string {
  const flat = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\uFFFE\uFFFF]+/gu, ' ');
  const characters = Array.from(flat);
  const clipped = characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : flat;
  return clipped.replace(/[&<>"']/g, (character) => `&#${String(character.charCodeAt(0))};`);
}

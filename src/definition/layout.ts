/** Places the steps of a workflow in layers: a step below everything it waits for, near what it waits for, blocks around theirs. */
import { EVERYTHING, levelsOf, type Waiting, waitsOf } from './order.js';
import { listsOf, type StepDefinition, type StepList } from './steps.js';

/** Step ids by layer, first to last, each layer from left to right. */
function layersOf(steps: readonly Waiting[]): readonly (readonly string[])[] {
  const waits = waitsOf(steps);
  const layers = levelsOf(waits).map((level) => [...level]);
  const dependents = new Map<string, string[]>(steps.map(({ id }) => [id, []]));
  const dependencies = new Map([...waits].map(([id, before]) => [id, before.filter((other) => other !== EVERYTHING)]));
  for (const { id } of steps) for (const before of dependencies.get(id) ?? []) dependents.get(before)?.push(id);
  // Two sweeps over the layers, down then up: each step goes to the middle of its neighbors.
  for (const layer of layers) sortByNeighbors(layer, dependencies, layers);
  for (const layer of layers.toReversed()) sortByNeighbors(layer, dependents, layers);
  return layers;
}

function sortByNeighbors(
  layer: string[],
  neighbors: ReadonlyMap<string, readonly string[]>,
  layers: readonly (readonly string[])[],
): void {
  if (layer.length < 2) return;
  const wanted = new Set(layer.flatMap((id) => neighbors.get(id) ?? []));
  const position = new Map<string, number>();
  for (const other of layers) {
    for (const [index, id] of other.entries()) if (wanted.has(id)) position.set(id, (index + 0.5) / other.length);
  }
  const middle = new Map(
    layer.map((id, index) => {
      const places = (neighbors.get(id) ?? []).map((other) => position.get(other) ?? 0.5);
      const own = (index + 0.5) / layer.length;
      return [id, places.length === 0 ? own : places.reduce((sum, place) => sum + place, 0) / places.length];
    }),
  );
  layer.sort((a, b) => (middle.get(a) ?? 0) - (middle.get(b) ?? 0));
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A step with its place in the drawing; of a block, the frame around its steps. */
export interface Box extends Size {
  readonly step: StepDefinition;
  readonly x: number;
  readonly y: number;
  readonly lists: readonly BoxList[];
}

export interface BoxList extends Size {
  readonly key: StepList['key'];
  readonly x: number;
  readonly y: number;
  readonly boxes: readonly Box[];
}

export interface Measures {
  readonly gap: { readonly x: number; readonly y: number };
  readonly padding: number;
  /** Room for the words above a list that has some. */
  readonly titleHeight: number;
  /** Of the words of a step, which is a whole step when it holds none. */
  sizeOf(step: StepDefinition): Size;
}

/** Boxes of a list at `x`, `y`, and how much room they take. */
export function placeList(
  { key, steps }: StepList,
  { x, y }: { readonly x: number; readonly y: number },
  measures: Measures,
): BoxList {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const { gap } = measures;
  const rows = layersOf(steps).map((layer) =>
    layer.flatMap((id) => {
      const step = byId.get(id);
      return step === undefined ? [] : [placeStep(step, measures)];
    }),
  );
  const widths = rows.map((row) => row.reduce((sum, box) => sum + box.width + gap.x, -gap.x));
  const width = Math.max(0, ...widths);
  const boxes: Box[] = [];
  let top = y;
  for (const [index, row] of rows.entries()) {
    let left = x + (width - (widths[index] ?? 0)) / 2;
    for (const box of row) {
      boxes.push(moved(box, left, top));
      left += box.width + gap.x;
    }
    top += Math.max(0, ...row.map(({ height }) => height)) + gap.y;
  }
  return { key, x, y, width, height: Math.max(0, top - y - gap.y), boxes };
}

/** A step at 0, 0: its own words, and below them its lists side by side. */
function placeStep(step: StepDefinition, measures: Measures): Box {
  const own = measures.sizeOf(step);
  const { padding, gap, titleHeight } = measures;
  const lists: BoxList[] = [];
  let left = padding;
  for (const list of listsOf(step).filter(({ steps }) => steps.length > 0)) {
    const top = own.height + (list.key === 'steps' ? 0 : titleHeight);
    const placed = placeList(list, { x: left, y: top }, measures);
    lists.push(placed);
    left += placed.width + gap.x;
  }
  if (lists.length === 0) return { step, x: 0, y: 0, ...own, lists };
  const width = Math.max(own.width, left - gap.x + padding);
  const height = Math.max(...lists.map((list) => list.y + list.height)) + padding;
  // What is narrower than the words above it stands in the middle.
  const shift = (width - (left - gap.x + padding)) / 2;
  return { step, x: 0, y: 0, width, height, lists: lists.map((list) => movedList(list, shift, 0)) };
}

function moved(box: Box, x: number, y: number): Box {
  return { ...box, x: box.x + x, y: box.y + y, lists: box.lists.map((list) => movedList(list, x, y)) };
}

function movedList(list: BoxList, x: number, y: number): BoxList {
  return { ...list, x: list.x + x, y: list.y + y, boxes: list.boxes.map((box) => moved(box, x, y)) };
}

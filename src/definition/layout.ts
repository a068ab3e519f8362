/** Places the steps of a workflow in layers: a step below everything it waits for, near what it waits for. */
import { type Dependencies, topologicalOrder } from './order.js';
import type { WorkflowDefinition } from './workflow.js';

/** Step ids by layer, first to last, each layer from left to right. */
export function layersOf(definition: WorkflowDefinition): readonly (readonly string[])[] {
  const dependencies: Dependencies = new Map(definition.steps.map((step) => [step.id, step.dependencies]));
  const { order, dependents } = topologicalOrder(dependencies);
  const depth = new Map<string, number>();
  const layers: string[][] = [];
  for (const id of order) {
    const layer = Math.max(-1, ...(dependencies.get(id) ?? []).map((before) => depth.get(before) ?? -1)) + 1;
    depth.set(id, layer);
    layers[layer] = [...(layers[layer] ?? []), id];
  }
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

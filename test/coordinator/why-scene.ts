/** A run in a hall, and somebody who asks why it does not go on. */
import { Observer } from '../../src/coordinator/client-observer.js';
import type { Cause, Explanation } from '../../src/core/causes.js';
import type { JsonObject } from '../../src/core/json.js';
import type { WorkflowDefinition } from '../../src/definition/workflow.js';
import { Hall, type Seat } from '../guarantees/hall.js';

export const PASS = '{"status":"pass"}';
export const FAIL = '{"status":"fail","error":{"class":"REJECTED","message":"2 of 5 tests failed"}}';
export const ERROR = '{"status":"error","error":{"class":"PERSONA_ERROR","message":"no tokens left"}}';

export class WhyScene {
  readonly hall = new Hall();
  readonly seat: Seat = this.hall.coordinator();
  readonly observer: Observer;

  constructor() {
    const { store, clock, client } = this.hall;
    this.observer = new Observer({ store, partitions: 1, clock, client });
  }

  async started(
    definition: WorkflowDefinition,
    { task = {}, inside = [] }: { task?: JsonObject; inside?: readonly WorkflowDefinition[] } = {},
  ): Promise<string> {
    const { client } = this.hall;
    return (await this.hall.during(client.start({ definition, task, workspace: null, inner: inside }))).run;
  }

  /** Lets the coordinator do what there is to do. */
  async settled(run: string, status = 'running'): Promise<void> {
    const { client } = this.hall;
    await this.hall.until(`${run} is ${status}`, async () => (await client.get(run)).status === status);
  }

  async stepIs(run: string, id: string, status: string): Promise<void> {
    const { client } = this.hall;
    await this.hall.until(`${id} is ${status}`, async () =>
      (await client.get(run)).steps.some((one) => one.id === id && one.status === status),
    );
  }

  announce(busy: number, worker = 'host-3:7:w'): Promise<void> {
    const [host = ''] = worker.split(':');
    return this.hall.store.namespace.announceWorker({ worker, host, pid: 7, personas: ['worker'], busy });
  }

  /** Nobody moves runs any more, as after kill -9 and the end of the lease. */
  withoutCoordinator(): void {
    this.seat.kill();
    this.hall.clock.advance(3_000);
  }
}

/** The codes of the chain that begins with this step; null: with the run itself. */
export function codesAt({ waits }: Explanation, id: string | null): readonly string[] {
  return (waits.find(([first]) => first?.step === id) ?? []).map(({ code }) => code);
}

export function rootOf({ waits }: Explanation): Cause | undefined {
  return waits[0]?.at(-1);
}

/**
 * A process's connection to the store: every method of every port, whatever they are, is a request that takes time to
 * arrive, happens, and is answered in time; and each of these may go wrong as the faults of the simulation say.
 */
import { CoordError } from '../../src/core/errors.js';
import type { Store } from '../../src/core/ports.js';
import { watch } from './breaches.js';
import type { Draw } from './draw.js';
import type { CallFault } from './faults.js';
import type { SimulatedProcess } from './process.js';
import { noteAnswer } from './answers.js';
import { outcomeOf } from './trace.js';
import type { Hanging, World } from './world.js';

/** What a full server refuses; scripts for work that is under way may use the reserve. */
const REFUSED_WHEN_FULL = new Set([
  'namespace.putDefinition',
  'namespace.announceWorker',
  'artifacts.put',
  'requests.join',
]);

interface Call {
  readonly name: string;
  readonly apply: (args: readonly unknown[]) => unknown;
  readonly args: readonly unknown[];
  readonly fault: CallFault | null;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  /** Ends a call that waits in the server; null for those that never wait. */
  readonly abort: AbortController | null;
  /** Its answer lies with the process, which has only to look. */
  answered: boolean;
  /** Where its partition stood when it was applied, of a call that changes something; null before. */
  stood: { readonly partition: number; readonly position: number } | null;
  /** The connection broke before that. */
  broken: boolean;
  settled: boolean;
}

export class Link implements Hanging {
  readonly process: SimulatedProcess;
  readonly #world: World;
  readonly #draw: Draw;
  readonly #calls = new Set<Call>();
  /** Requests and answers of one connection keep their order: whatever arrives next is the first of these. */
  readonly #requests: Call[] = [];
  readonly #answers: { readonly call: Call; readonly tell: () => void }[] = [];
  #lastArrival = 0;
  #lastAnswer = 0;

  constructor(process: SimulatedProcess, world: World, draw: Draw) {
    this.process = process;
    this.#world = world;
    this.#draw = draw;
    world.links.add(this);
    process.onDeath(() => {
      // The sockets of a process that dies are closed, unless its machine died with it.
      if (draw.chance(0.5)) for (const call of this.#calls) call.abort?.abort();
    });
  }

  /** The store as the process reaches it. */
  store(store: Store): Store {
    const ports = new Map<PropertyKey, unknown>();
    return new Proxy(store, {
      get: (target, name) => {
        const port: unknown = Reflect.get(target, name);
        if (typeof port !== 'object' || port === null) return port;
        if (!ports.has(name)) ports.set(name, this.#port(String(name), port));
        return ports.get(name);
      },
    });
  }

  /** Nothing waits in the server any more. */
  letGo(): void {
    for (const call of this.#calls) {
      call.abort?.abort();
      call.settled = true;
      call.reject(new CoordError('REDIS_UNREACHABLE', 'the simulation is over'));
    }
    this.#calls.clear();
  }

  hangUp(why: string): void {
    if (!this.process.alive) return;
    for (const call of this.#calls) {
      call.abort?.abort();
      if (call.answered) continue;
      call.broken = true;
      this.#answer(call, { error: new CoordError('OUTCOME_UNKNOWN', `${call.name}: ${why}`) }, { inOrder: false });
    }
  }

  #port(name: string, port: object): object {
    return new Proxy(port, {
      get: (target, method) => {
        const found: unknown = Reflect.get(target, method);
        if (typeof found !== 'function') return found;
        return (...args: readonly unknown[]): Promise<unknown> =>
          this.#call(`${name}.${String(method)}`, args, (given) => Reflect.apply(found, target, [...given]) as unknown);
      },
    });
  }

  #call(name: string, args: readonly unknown[], apply: Call['apply']): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#world.over) reject(new CoordError('REDIS_UNREACHABLE', 'the simulation is over'));
      if (this.#world.over || !this.process.alive) return;
      const fault = this.#world.faultOf(this.process.role, name);
      const call: Call = {
        name,
        args,
        apply,
        fault,
        resolve,
        reject,
        abort: blocks(args) ? new AbortController() : null,
        answered: false,
        stood: null,
        broken: false,
        settled: false,
      };
      this.#calls.add(call);
      if (fault?.kind === 'crash-before' || this.#isPoison(name, args)) this.process.crash();
      if (fault?.kind === 'stall-before') {
        this.process.stall(fault.ms);
        this.process.deliver(() => this.#send(call));
      } else if (this.process.alive) this.#send(call);
    });
  }

  /** Evaluating the message has killed the process, before it could say that it lives or commit what came of it. */
  #isPoison(name: string, args: readonly unknown[]): boolean {
    const { poison } = this.#world;
    if (poison.size === 0) return false;
    if (name === 'partitions.absolve') return (args[1] as readonly string[]).some((entry) => poison.has(entry));
    if (name !== 'partitions.commit') return false;
    const commit = args[1] as { readonly consumed: readonly string[] };
    return commit.consumed.some((entry) => poison.has(entry));
  }

  #send(call: Call): void {
    if (call.broken) return;
    const { schedule } = this.#world;
    const { fault } = call;
    if (fault?.kind === 'lost-request' || fault?.kind === 'late-request') {
      // The process gives up; of a request that is late, the store hears afterwards.
      const waits = fault.kind === 'lost-request' ? fault.ms : 20;
      schedule.after(waits, () => this.#fail(call, fault.kind));
      if (fault.kind === 'late-request') schedule.after(waits + fault.ms, () => this.#happen(call, fault.ms));
      return;
    }
    if (blocks(call.args)) {
      schedule.after(this.#latency(), () => this.#arrive(call));
      return;
    }
    this.#requests.push(call);
    this.#lastArrival = Math.max(this.#lastArrival, schedule.now + this.#latency());
    schedule.after(this.#lastArrival - schedule.now, () => {
      const first = this.#requests.shift();
      if (first !== undefined) this.#arrive(first);
    });
  }

  #arrive(call: Call): void {
    if (call.settled || call.broken) return;
    if (this.#world.down) this.#fail(call, 'the store is down');
    else this.#happen(call, 0);
  }

  /** The store does what it is asked. `late`: nobody waits for the answer any more. */
  #happen(call: Call, late: number): void {
    const world = this.#world;
    const { name, fault } = call;
    if (late > 0 && (world.down || call.broken)) return;
    if (world.full && this.#isRefused(call)) {
      world.answered('full');
      this.#answer(call, { error: new CoordError('REDIS_UNSUITABLE', `Redis refuses ${name}: OOM`) });
      return;
    }
    const { args, detach } = call.abort === null ? { args: call.args, detach: null } : waiting(call.args, call.abort);
    const judge = watch(world.contents, world.clock.now(), call);
    // Whatever the store changes, it changes before it gives its promise back.
    const given = call.apply(args);
    world.ledger.look(this.process.name, name);
    if (name === 'partitions.commit') world.lookAtLocks();
    call.stood = stoodAt(world, call);
    if (name === 'requests.reply' && world.doubled !== null) this.#double(call, world.doubled);
    if (fault?.kind === 'crash-after') this.process.crash();
    if (fault?.kind === 'stall-after') this.process.stall(fault.ms);
    Promise.resolve(given).then(
      (value) => {
        detach?.();
        noteAnswer(world, call, value);
        const breach = judge?.(value) ?? null;
        if (breach !== null) world.breaches.push(breach);
        if (fault?.kind === 'lost-reply') world.schedule.after(fault.ms, () => this.#fail(call, 'lost-reply'));
        else this.#answer(call, { value });
      },
      (error: unknown) => this.#answer(call, { error: error as Error }),
    );
  }

  /** A copy of the request that some network has made. */
  #double({ name, apply, args }: Call, late: number): void {
    const world = this.#world;
    world.doubled = null;
    world.schedule.after(late, () => {
      if (world.down) return;
      void Promise.resolve(apply(args)).then((value) => world.strangerHeard(name, value));
      world.ledger.look('network', name);
    });
  }

  #isRefused({ name, args }: Call): boolean {
    if (name !== 'admission.admit') return REFUSED_WHEN_FULL.has(name);
    const [request] = args;
    return typeof request === 'object' && request !== null && Reflect.get(request, 'kind') === 'start';
  }

  #fail(call: Call, why: string): void {
    const { name } = call;
    // Of a request that certainly was not applied, the client often cannot know it.
    const code = this.#draw.chance(0.5) ? 'REDIS_UNREACHABLE' : 'OUTCOME_UNKNOWN';
    this.#answer(call, { error: new CoordError(code, `${name}: ${why}`) }, { inOrder: false });
  }

  #answer(
    call: Call,
    answer: { readonly value: unknown } | { readonly error: Error },
    { inOrder } = { inOrder: !blocks(call.args) },
  ): void {
    // What the store still says through a broken connection is not heard.
    if (call.settled || (call.broken && 'value' in answer)) return;
    const { schedule } = this.#world;
    const tell = (): void => this.#tell(call, answer);
    if (!inOrder) {
      schedule.after(this.#latency(), () => this.process.deliver(tell));
      return;
    }
    this.#answers.push({ call, tell });
    this.#lastAnswer = Math.max(this.#lastAnswer, schedule.now + this.#latency());
    schedule.after(this.#lastAnswer - schedule.now, () => {
      const first = this.#answers.shift();
      // What a broken connection carried does not come.
      if (first === undefined || first.call.broken) return;
      first.call.answered = true;
      this.process.deliver(first.tell);
    });
  }

  #tell(call: Call, answer: { readonly value: unknown } | { readonly error: Error }): void {
    if (call.settled) return;
    call.settled = true;
    this.#calls.delete(call);
    const { schedule, trace } = this.#world;
    const outcome = 'value' in answer ? outcomeOf(answer.value) : codeOf(answer.error);
    trace.add(schedule.now, this.process.name, `${call.name} ${outcome}`);
    if ('value' in answer && call.stood !== null) this.process.sees(call.stood.partition, call.stood.position);
    if ('value' in answer) call.resolve(answer.value);
    else call.reject(answer.error);
  }

  /** Mostly quick, now and then slow. */
  #latency(): number {
    const draw = this.#draw;
    if (draw.chance(0.02)) return draw.between(5, 150);
    return draw.below(3);
  }
}

/** Calls whose answers say where the partition stands. */
const CONFIRMING: ReadonlySet<string> = new Set([
  'partitions.acquire',
  'partitions.commit',
  'partitions.discard',
  'partitions.fire',
  'admission.admit',
  'requests.begin',
  'requests.reply',
]);

function stoodAt(world: World, { name, args }: Call): Call['stood'] {
  const [place] = args as readonly { readonly partition: number }[];
  if (!CONFIRMING.has(name) || place === undefined) return null;
  return { partition: place.partition, position: world.contents.at(place.partition).lease.position };
}

function blocks(args: readonly unknown[]): boolean {
  const [want] = args;
  return typeof want === 'object' && want !== null && 'waitMs' in want && 'signal' in want;
}

interface Waiting {
  readonly args: readonly unknown[];
  /** The caller is not listened to any more. */
  readonly detach: () => void;
}

/** What waits in the server ends when its caller says so, and when the connection breaks. Cheaper than `AbortSignal.any`. */
function waiting([want, ...rest]: readonly unknown[], broken: AbortController): Waiting {
  const { signal } = want as { readonly signal: AbortSignal };
  const end = (): void => broken.abort();
  if (signal.aborted) end();
  signal.addEventListener('abort', end);
  const args = [{ ...(want as object), signal: broken.signal }, ...rest];
  return { args, detach: () => signal.removeEventListener('abort', end) };
}

function codeOf(error: unknown): string {
  return error instanceof CoordError ? error.code : `ERROR ${String(error)}`;
}

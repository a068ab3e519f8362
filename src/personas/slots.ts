/**
 * Free places of one worker: per persona and in all. A delivery loop reserves places before it asks for requests, so
 * a worker never holds more requests than it can run. Of several loops that want a scarce place, the one that was
 * served longest ago gets it.
 */

export interface Reservation {
  readonly taker: number;
  readonly personas: readonly string[];
  /** Places per persona. */
  readonly limit: number;
  /** Places in all. */
  readonly total: number;
  /** Whether nothing is left for other loops that want the same. */
  readonly scarce: boolean;
}

/** Stands for the places in all among the names of personas, which never hold a `*`. */
const ALL = '*';

export class Slots {
  readonly #capacity: ReadonlyMap<string, number>;
  readonly #takers: number;
  readonly #used = new Map<string, number>();
  readonly #wanted = new Map<string, Set<number>>();
  /** When each loop had its last reservation, as a count of reservations. */
  readonly #served = new Map<number, number>();
  #reservations = 0;
  readonly #listeners = new Set<() => void>();

  constructor(want: {
    readonly perPersona: ReadonlyMap<string, number>;
    readonly total: number;
    readonly takers: number;
  }) {
    this.#capacity = new Map([...want.perPersona, [ALL, want.total]]);
    this.#takers = want.takers;
  }

  /** Places for every persona that has one, or null when there is none now. */
  reserve(taker: number): Reservation | null {
    const names = [...this.#capacity.keys()].filter((name) => name !== ALL);
    const personas = this.#mayTake(ALL, taker) ? names.filter((name) => this.#mayTake(name, taker)) : [];
    for (const name of names) this.#note(name, taker, { taken: personas.includes(name) });
    this.#note(ALL, taker, { taken: personas.length > 0 });
    if (personas.length === 0) return null;
    const limit = Math.max(1, Math.floor(Math.min(...personas.map((name) => this.#free(name))) / this.#takers));
    const share = Math.max(1, Math.floor(this.#free(ALL) / this.#takers));
    const total = Math.min(share, limit * personas.length);
    this.#use(ALL, total);
    for (const name of personas) this.#use(name, limit);
    const scarce = this.#takers > 1 && [ALL, ...personas].some((name) => this.#free(name) <= 0);
    this.#served.set(taker, ++this.#reservations);
    return { taker, personas, limit, total, scarce };
  }

  /** Gives a reservation back but for one place per delivery, each named by its persona. */
  settle(reservation: Reservation, delivered: readonly string[]): void {
    this.#use(ALL, delivered.length - reservation.total);
    for (const name of reservation.personas) {
      this.#use(name, delivered.filter((persona) => persona === name).length - reservation.limit);
    }
    this.#changed();
  }

  /** A delivery is done with. */
  release(persona: string): void {
    this.#use(ALL, -1);
    this.#use(persona, -1);
    this.#changed();
  }

  /** Whether a persona that is not in the reservation could be added to it now. */
  couldTakeMore(reservation: Reservation): boolean {
    return (
      this.#mayTake(ALL, reservation.taker) &&
      [...this.#capacity.keys()].some(
        (name) => name !== ALL && !reservation.personas.includes(name) && this.#mayTake(name, reservation.taker),
      )
    );
  }

  /** Calls `listener` after every change until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves at the next change, or when aborted. */
  change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        forget();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const forget = this.onChange(done);
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
    });
  }

  /** Free, also for those that want it and were served longer ago. One order for everything, so nobody waits in a circle. */
  #mayTake(name: string, taker: number): boolean {
    const served = this.#served.get(taker) ?? 0;
    const wanting = [...(this.#wanted.get(name) ?? [])].filter((other) => other !== taker);
    const ahead = wanting.filter((other) => (this.#served.get(other) ?? 0) < served).length;
    return this.#free(name) > ahead;
  }

  /** Keeps note of who went without, until they get it. */
  #note(name: string, taker: number, want: { readonly taken: boolean }): void {
    const wanting = this.#wanted.get(name) ?? new Set<number>();
    this.#wanted.set(name, wanting);
    if (want.taken) wanting.delete(taker);
    else wanting.add(taker);
  }

  #free(name: string): number {
    return (this.#capacity.get(name) ?? 0) - (this.#used.get(name) ?? 0);
  }

  #use(name: string, count: number): void {
    this.#used.set(name, (this.#used.get(name) ?? 0) + count);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

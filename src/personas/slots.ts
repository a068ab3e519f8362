/**
 * Free places of one worker: per persona and in all. A delivery loop reserves places before it asks for requests, so
 * a worker never holds more requests than it can run. A reservation takes all that is free: it lasts as long as the
 * question, and loops ask one after the other.
 */

export interface Reservation {
  readonly personas: readonly string[];
  /** Places per persona. */
  readonly limit: number;
  /** Places in all. */
  readonly total: number;
}

/** Stands for the places in all among the names of personas, which never hold a `*`. */
const ALL = '*';

export class Slots {
  readonly #capacity: ReadonlyMap<string, number>;
  readonly #used = new Map<string, number>();
  /** Places that personas have for a time, where it is fewer. */
  readonly #limits = new Map<string, number>();
  readonly #listeners = new Set<() => void>();

  constructor(want: { readonly perPersona: ReadonlyMap<string, number>; readonly total: number }) {
    this.#capacity = new Map([...want.perPersona, [ALL, want.total]]);
  }

  /** Places for every persona that has one, or null when there is none now. */
  reserve(): Reservation | null {
    const free = this.#free(ALL);
    const personas = this.#names.filter((name) => this.#free(name) > 0);
    if (free <= 0 || personas.length === 0) return null;
    const limit = Math.min(...personas.map((name) => this.#free(name)));
    const total = Math.min(free, limit * personas.length);
    this.#use(ALL, total);
    for (const name of personas) this.#use(name, limit);
    return { personas, limit, total };
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

  /** Gives the persona no more than so many places, until it is called with null. */
  limit(persona: string, places: number | null): void {
    if (places === null) this.#limits.delete(persona);
    else this.#limits.set(persona, places);
    this.#changed();
  }

  /** Whether there is a place for the persona, but for its limit. */
  hasPlace(persona: string): boolean {
    return this.#free(ALL) > 0 && (this.#capacity.get(persona) ?? 0) > (this.#used.get(persona) ?? 0);
  }

  /** Whether a persona that is not in the reservation could be added to it now. */
  couldTakeMore(reservation: Reservation): boolean {
    return (
      this.#free(ALL) > 0 && this.#names.some((name) => !reservation.personas.includes(name) && this.#free(name) > 0)
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

  get #names(): readonly string[] {
    return [...this.#capacity.keys()].filter((name) => name !== ALL);
  }

  #free(name: string): number {
    const places = Math.min(this.#capacity.get(name) ?? 0, this.#limits.get(name) ?? Number.POSITIVE_INFINITY);
    return places - (this.#used.get(name) ?? 0);
  }

  #use(name: string, count: number): void {
    this.#used.set(name, (this.#used.get(name) ?? 0) + count);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

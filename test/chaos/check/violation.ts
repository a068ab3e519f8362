/** What the checks find. Every violation counts as one of the three things that must never be. */

export interface Violation {
  /** The invariant that does not hold, for example `I2`. */
  readonly invariant: string;
  readonly counts: 'lost' | 'duplicated' | 'stuck';
  readonly what: string;
}

/** Violations of one invariant. */
export class Found {
  readonly violations: Violation[] = [];
  readonly #invariant: string;

  constructor(invariant: string) {
    this.#invariant = invariant;
  }

  lost(what: string): void {
    this.violations.push({ invariant: this.#invariant, counts: 'lost', what });
  }

  duplicated(what: string): void {
    this.violations.push({ invariant: this.#invariant, counts: 'duplicated', what });
  }

  stuck(what: string): void {
    this.violations.push({ invariant: this.#invariant, counts: 'stuck', what });
  }
}

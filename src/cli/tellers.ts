/** How a followed run is told: drawn in place on a terminal, as lines into a pipe, or not at all. */
import type { Client } from '../coordinator/client.js';
import type { Fact } from '../core/facts.js';
import type { RunView } from '../core/views.js';
import { type Call, note, print } from './call.js';
import type { Teller } from './follow.js';
import { BlockFacts } from './render/block-facts.js';
import { FactTeller } from './render/fact-line.js';
import { LiveArea } from './render/live-area.js';
import { liveLines } from './render/live-view.js';
import { severalLines } from './render/printable.js';
import type { Ask } from './render/waiting.js';

/** Says nothing of the run; notes go to stderr. */
export function silentTeller(call: Call): Teller {
  return {
    fact: () => undefined,
    note: (text) => note(call, text),
    hints: (hints) => {
      for (const hint of hints) note(call, hint);
    },
    ask: ({ lines }) => note(call, lines.join('\n')),
    tick: async () => undefined,
    close: () => undefined,
  };
}

/** One line per fact. */
export function lineTeller(call: Call): Teller {
  const teller = new FactTeller();
  return {
    ...silentTeller(call),
    fact: (fact) => {
      const line = teller.line(fact);
      if (line !== null) print(call, line);
    },
    // What the run itself asks is one of its facts.
    ask: ({ lines, wantsData }, inner) => {
      // A fact does not say what data the answer must bring.
      if (inner || wantsData) note(call, lines.join('\n'));
    },
  };
}

/** The state of the run, drawn again when something happened and otherwise every second. */
export function liveTeller(call: Call, { client, run }: { client: Client; run: string }): Teller {
  return new LiveTeller(call, client, run);
}

/** Seconds that pass are shown at once, what workers report at the latest then. */
const REFRESH_MS = 1_000;

class LiveTeller implements Teller {
  readonly #call: Call;
  readonly #client: Client;
  readonly #run: string;
  readonly #area: LiveArea;
  readonly #retryAt = new Map<string, number>();
  readonly #blocks = new BlockFacts();
  #hints: readonly string[] = [];
  #happened = true;
  #drawnAt = 0;
  #offsetMs = 0;
  #closed = false;

  constructor(call: Call, client: Client, run: string) {
    this.#call = call;
    this.#client = client;
    this.#run = run;
    this.#area = new LiveArea(call.io);
  }

  fact(fact: Fact): void {
    this.#blocks.add(fact);
    if (fact.type === 'step.retrying') this.#retryAt.set(fact.step, fact.at + fact.delayMs);
    this.#happened = true;
  }

  note(text: string): void {
    this.#area.above(this.#call.colors.warning(severalLines(text)));
  }

  hints(hints: readonly string[]): void {
    this.#hints = hints;
    this.#happened = true;
  }

  /** What the run itself asks is drawn with it. */
  ask({ lines }: Ask, inner: boolean): void {
    if (inner) this.note(lines.join('\n'));
  }

  async tick(offsetMs: number): Promise<void> {
    this.#offsetMs = offsetMs;
    const now = this.#call.app.clock.now();
    if (!this.#happened && now - this.#drawnAt < REFRESH_MS) return;
    this.#happened = false;
    this.#drawnAt = now;
    this.#draw(await this.#client.get(this.#run));
  }

  close(last: RunView | null): void {
    if (last !== null) this.#draw(last);
    this.#closed = true;
    this.#area.close();
  }

  #draw(view: RunView): void {
    if (this.#closed) return;
    const { io, colors, app } = this.#call;
    const now = app.clock.now() + this.#offsetMs;
    const state = { view, now, retryAt: this.#retryAt, blocks: this.#blocks, hints: this.#hints };
    // A row stays free for the cursor below the last line.
    this.#area.draw(liveLines(state, { colors, rows: Math.max(1, io.rows - 1), columns: io.columns }));
  }
}

/**
 * Programs that are broken on purpose, each in one way that a reader might take for an improvement: the simulation must find
 * every one of them. A patch replaces text of the compiled program; it must be there, and only once. What the scripts of
 * Redis get wrong is in `test/contract/mutants.ts`.
 */

export interface Patch {
  /** Below `build/src`, without `.js`. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface Mutant {
  readonly name: string;
  readonly patches: readonly Patch[];
  /** Faults that bring it to light, as `--focus` of the simulation takes them: seeds without one of these are not tried. */
  readonly focus?: string;
}

const FENCE_OF_COMMIT: Patch = {
  file: 'memory/partitions',
  from: `if (fenced(place, lease))
            return 'fenced';
        const run = place.runs.get(commit.run);`,
  to: 'const run = place.runs.get(commit.run);',
};
const VERSION_OF_COMMIT: Patch = {
  file: 'memory/partitions',
  from: 'run === undefined || run.version !== commit.expectedVersion',
  to: 'run === undefined',
};
const FORGETTING: Patch = { file: 'coordinator/owner', from: 'turn.forget();', to: '' };

export const MUTANTS: readonly Mutant[] = [
  { name: 'commit without the version check', focus: 'edit', patches: [VERSION_OF_COMMIT] },
  {
    name: 'commit without the fence',
    focus: 'stall-before partitions.commit,late-request partitions.commit,stall-after partitions.load',
    patches: [FENCE_OF_COMMIT],
  },
  {
    name: 'commit with neither fence nor version check',
    focus: 'edit,stall-before partitions.commit,late-request partitions.commit',
    patches: [FENCE_OF_COMMIT, VERSION_OF_COMMIT],
  },
  {
    name: 'a fence that looks at the epoch only',
    focus: 'power-cut,failover',
    patches: [
      {
        file: 'memory/partitions',
        from: 'place.lease.owner !== lease.owner || place.lease.epoch !== lease.epoch',
        to: 'place.lease.epoch !== lease.epoch',
      },
    ],
  },
  {
    name: 'commit that leaves the message in the inbox',
    patches: [
      {
        file: 'memory/partitions',
        from: 'place.inbox.delete(consumed);',
        to: '',
      },
    ],
  },
  {
    name: 'timers taken in one call and posted in the next',
    patches: [
      {
        file: 'memory/partitions',
        from: 'for (const [timer] of due) {\n            place.timers.delete(timer);',
        to: `const taken = this.taken ?? [];
        this.taken = due;
        for (const [timer] of due) place.timers.delete(timer);
        for (const [timer] of taken) {`,
      },
    ],
  },
  {
    name: 'timers that stay when they have fired',
    patches: [
      {
        file: 'memory/partitions',
        from: 'for (const [timer] of due) {\n            place.timers.delete(timer);',
        to: 'for (const [timer] of due) {',
      },
    ],
  },
  {
    name: 'timers that fire a second early',
    patches: [
      { file: 'memory/partitions', from: 'filter(([, at]) => at <= now)', to: 'filter(([, at]) => at <= now + 1_000)' },
    ],
  },
  {
    name: 'lease by the clock of whoever wants it',
    patches: [
      {
        file: 'coordinator/owner',
        from: 'await partitions.acquire({ partition, owner: this.#owner, leaseMs })',
        to: 'await partitions.acquire({ partition, owner: this.#owner, leaseMs, now: this.#params.clock.now() })',
      },
      {
        file: 'memory/partitions',
        from: 'async acquire({ partition, owner, leaseMs, })',
        to: 'async acquire({ partition, owner, leaseMs, now })',
      },
      {
        file: 'memory/partitions',
        from: 'const remainingMs = lease.until - place.now();',
        to: 'const remainingMs = lease.until - (now ?? place.now());',
      },
    ],
  },
  {
    name: 'a cursor that is kept over a lost connection',
    focus: 'power-cut,failover',
    patches: [
      { file: 'coordinator/owner', from: "let cursor = '0';", to: "let cursor = this.kept ?? '0';" },
      { file: 'coordinator/owner', from: 'cursor = done.cursor;', to: 'cursor = this.kept = done.cursor;' },
    ],
  },
  {
    name: 'runs in memory that are kept over a lost lease, without the version check',
    focus: 'lost-reply partitions.commit,edit,cut',
    patches: [FORGETTING, VERSION_OF_COMMIT],
  },
  {
    name: 'a stale commit that is taken for done',
    focus: 'edit',
    patches: [{ file: 'coordinator/turn', from: "return 'again';", to: "return 'ok';" }],
  },
  {
    name: 'evaluations that are not counted before they happen',
    focus: 'poison',
    patches: [{ file: 'coordinator/owner', from: 'let batch = entries;', to: 'let batch = entries; careful = false;' }],
  },
  {
    name: 'a message that kills its coordinator and is never set aside',
    focus: 'poison',
    patches: [{ file: 'coordinator/owner', from: 'count > MAX_SUSPICIONS', to: 'count > 1_000' }],
  },
  {
    name: 'timers that nobody looks at after a takeover until something else happens',
    patches: [{ file: 'coordinator/owner', from: 'let fireAt = 0;', to: 'let fireAt = Infinity;' }],
  },
  {
    name: 'a store that went back and says nothing',
    focus: 'power-cut,failover',
    patches: [
      { file: 'memory/watermarks', from: 'return stood >= seen.position ? null :', to: 'return true ? null :' },
    ],
  },
  {
    name: 'reply without the token',
    focus: 'forged-token',
    patches: [
      {
        file: 'memory/requests',
        from: 'step.token === token ? claimOf(place, step) : null',
        to: 'claimOf(place, step)',
      },
    ],
  },
  {
    name: 'reply from whoever',
    focus: 'wrong-worker',
    patches: [{ file: 'memory/requests', from: 'claim?.worker === worker ? claim : null', to: 'claim' }],
  },
  {
    name: 'reply to an attempt that nobody has begun',
    focus: 'reply-unbegun',
    patches: [
      {
        file: 'memory/requests',
        from: `if (step === undefined || claim === null) {
            if (step?.delivered`,
        to: `if (step?.token === token && step.claim === null) {
            place.post({ run, kind: 'reply', head: JSON.stringify({ step: id, attempt, token, worker, begunAt: place.now() }), body });
            Object.assign(step, { token: null, delivered: token });
            return 'ok';
        }
        if (step === undefined || claim === null) {
            if (step?.delivered`,
      },
    ],
  },
  {
    name: 'begin without the token',
    focus: 'late-reply,forged-token',
    patches: [
      { file: 'memory/requests', from: 'if (step.token !== key.token)\n            return whyNot(run, key);', to: '' },
    ],
  },
  {
    name: 'begin that lets two work',
    focus: 'wrong-worker',
    patches: [
      {
        file: 'memory/requests',
        from: "if (held !== null && held.worker !== key.worker)\n            return 'held';",
        to: '',
      },
    ],
  },
  {
    name: 'a request that is gone when it is delivered',
    focus: 'lost-reply requests.take,crash-after requests.take,crash-before requests.begin',
    patches: [
      {
        file: 'memory/requests',
        from: 'taken.push(deliver(request, { partition, persona, worker, at: place.now() }));',
        to: 'taken.push(deliver(request, { partition, persona, worker, at: place.now() }));\n                    place.requestsOf(persona).delete(request.id);',
      },
    ],
  },
  {
    name: 'streams of requests that keep the newest one only',
    patches: [
      {
        file: 'memory/partitions',
        from: 'const id = place.nextId();\n            place.requestsOf(persona).set',
        to: 'const id = place.nextId();\n            place.requestsOf(persona).clear();\n            place.requestsOf(persona).set',
      },
    ],
  },
  {
    name: 'neither own deliveries nor abandoned ones are taken again',
    focus: 'lost-reply requests.take,crash-after requests.take,crash-before requests.begin',
    patches: [
      { file: 'personas/intake', from: 'let recover = true;', to: 'let recover = false;' },
      { file: 'personas/intake', from: 'recover = taken.aborted || (recover && fresh.length > 0);', to: '' },
      { file: 'personas/intake', from: 'recover = true;\n                recovered.clear();', to: '' },
      { file: 'personas/intake', from: 'claimed.push(...(await requests.claimAbandoned(want)));', to: '' },
      { file: 'memory/requests', from: '!isDead(holder)', to: 'true' },
    ],
  },
  {
    name: 'a heartbeat that moves nothing',
    patches: [
      {
        file: 'memory/requests',
        from: 'place.timers.set(deadline, now + heartbeatMs);\n        const { run',
        to: 'void heartbeatMs;\n        const { run',
      },
    ],
  },
  {
    name: 'a claim without a heartbeat deadline',
    focus: 'crash-after requests.begin,kill,crash-before requests.reply',
    patches: [
      { file: 'memory/requests', from: "place.timers.set(timer('heartbeat', key), now + heartbeatMs);", to: '' },
    ],
  },
  {
    name: 'the time of an attempt that begins when it is asked for',
    patches: [
      {
        file: 'machines/moves',
        from: 'const { queueMs } = dispatch(draft, path, step);',
        to: "const { queueMs } = dispatch(draft, path, step);\n            armTimer(draft, { kind: 'heartbeat', path, afterMs: 15_000 });",
      },
    ],
  },
  {
    name: 'a token that is the same for every attempt',
    patches: [
      {
        file: 'machines/requests',
        from: '`${path}.${String(attempt)}.${sha256(text).slice(0, 16)}`',
        to: '`${path}.1.0`',
      },
    ],
  },
  {
    name: 'a fold that takes any reply to a step that waits for one',
    focus: 'forged-token',
    patches: [
      { file: 'machines/fold', from: 'awaited === null || awaited !== token', to: 'awaited === null' },
      {
        file: 'memory/requests',
        from: 'step.token === token ? claimOf(place, step) : null',
        to: 'claimOf(place, step)',
      },
    ],
  },
  {
    name: 'a fold that depends on what is in memory',
    patches: [
      {
        file: 'machines/state',
        from: 'counters: new Map()',
        to: 'counters: stored.counters ?? new Map([[`open||`, 1]])',
      },
    ],
  },
  {
    name: 'admit that forgets the key',
    focus: 'lost-reply admission.admit,crash-after admission.admit,late-request admission.admit',
    patches: [
      {
        file: 'memory/store',
        from: 'place.admitted.set(idempotencyKey, { hash: requestHash, at: place.now() });',
        to: '',
      },
    ],
  },
  {
    name: 'a slot that is not given back',
    patches: [{ file: 'memory/partitions', from: 'if (release !== null)', to: 'if (false)' }],
  },
  {
    name: 'an inner run that begins again with each commit',
    patches: [{ file: 'memory/partitions', from: 'if (place.runs.has(start.run))\n            continue;', to: '' }],
  },
  {
    name: 'an end that the outer run is not told of',
    patches: [{ file: 'machines/ending', from: 'tellParent(draft);\n}\nfunction tellEnd', to: '}\nfunction tellEnd' }],
  },
  {
    name: 'a write that is not known to have happened and is given up',
    focus: 'lost-request requests.reply,lost-request requests.begin',
    patches: [{ file: 'personas/patience', from: 'means.signal.aborted || !mayPass(error)', to: 'true' }],
  },
];

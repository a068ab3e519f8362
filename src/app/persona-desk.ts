/** Behind `coord persona`: the persona files of a project, looked at and tried where the reader's shell stands. */
import type { KnownPersona, PersonaDesk, PersonaPlace } from '../cli/persona-desk.js';
import type { Clock } from '../core/clock.js';
import { CoordError } from '../core/errors.js';
import { isFine } from '../core/finding.js';
import type { Ids } from '../core/ids.js';
import { didYouMean } from '../core/suggest.js';
import { surveyPersonas } from '../personas/catalog.js';
import type { PersonaDefinition } from '../personas/persona.js';
import { formatProblem } from '../personas/persona-file.js';
import { shippedRoles } from '../personas/role.js';
import { runnerFor } from '../personas/runners.js';
import { Redaction, secretsIn } from '../personas/secrets.js';
import { roundTrip, tryPersona } from '../personas/trial.js';
import { personaDirectories } from './project.js';

interface DeskMeans {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function personaDesk({ clock, ids, env }: DeskMeans): PersonaDesk {
  const means = { clock, ids, redaction: new Redaction(secretsIn(env)) };
  return {
    survey: async (place) => {
      const { personas, problems } = await surveyPersonas(personaDirectories(place, place.personas));
      return { personas: [...personas.values()].map(known), problems: problems.map(formatProblem) };
    },
    roles: shippedRoles,
    check: async (place, { persona: name, ask, signal }) => {
      const persona = await named(place, name);
      const kind = runnerFor(persona, { clock });
      const findings = await kind.check(signal);
      // What is not there need not be asked.
      if (!ask || !kind.understandsWords || !isFine(findings)) return findings;
      return [...findings, await roundTrip(name, { kind, ...means }, signal)];
    },
    try: async (place, trial) => {
      const persona = await named(place, trial.persona);
      return tryPersona(trial, { kind: runnerFor(persona, { clock }), ...means });
    },
  };
}

/** Also beside files that cannot be read, as long as none of them hides it. Throws PERSONA_NOT_FOUND. */
async function named(place: PersonaPlace, name: string): Promise<PersonaDefinition> {
  const { personas, problems } = await surveyPersonas(personaDirectories(place, place.personas));
  const persona = personas.get(name);
  if (persona !== undefined) return persona;
  const broken = problems.map((problem) => `\n  ${formatProblem(problem)}`).join('');
  const hint = didYouMean(name, [...personas.keys()]);
  throw new CoordError(
    'PERSONA_NOT_FOUND',
    `there is no persona "${name}"; coord persona list shows those that there are.${hint}${broken}`,
  );
}

function known(persona: PersonaDefinition): KnownPersona {
  const { name, kind, description, file, concurrency, tools, prompt } = persona;
  return { name, kind, description, file, concurrency, tools, prompt, by: workedBy(persona) };
}

function workedBy(persona: PersonaDefinition): string {
  switch (persona.kind) {
    case 'command':
      return persona.command.join(' ');
    case 'function':
      return typeof persona.run === 'function' ? 'this program' : `${persona.run.module} ${persona.run.export}`;
    case 'git':
    case 'verify':
      return 'coord itself';
  }
}

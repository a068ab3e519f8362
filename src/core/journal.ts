/**
 * A run's history: one entry per transition, with the messages that were folded and the facts that came of them. Folding
 * the messages of all entries once more, from the record that the run began with, gives the stored run to the byte;
 * and each entry's hash covers the one before it, so that nothing can be changed, taken out or put in unnoticed.
 */
import { sha256 } from './json.js';
import type { Claim, Message } from './messages.js';

/** What the hash of the first entry continues: all that the run began with. */
export function genesisHash(begun: {
  readonly definition: string;
  readonly input: string;
  readonly record: string;
}): string {
  return sha256(`${begun.definition}\n${begun.input}\n${begun.record}`);
}

/** The hash of the entry that follows the one with the hash `before`. `messages` and `facts` are JSON texts as stored. */
export function chainHash(
  before: string,
  entry: { readonly version: number; readonly messages: string; readonly facts: string },
): string {
  return sha256(`${before}\n${String(entry.version)}\n${entry.messages}\n${entry.facts}`);
}

/** Messages as JSON; `journalMessages` is its inverse. */
export function journalText(messages: readonly Message[]): string {
  return JSON.stringify(messages.map((message) => ('claims' in message ? withClaimList(message) : message)));
}

/** What `journalText` wrote, which the store has kept: it is not checked again. */
export function journalMessages(text: string): readonly Message[] {
  return (JSON.parse(text) as (Message | Listed)[]).map((message) =>
    'claims' in message ? { ...message, claims: new Map(message.claims) } : message,
  );
}

type Canceling = Extract<Message, { readonly kind: 'cancel' }>;
type Listed = Omit<Canceling, 'claims'> & { readonly claims: readonly (readonly [string, Claim])[] };

function withClaimList(message: Canceling): Listed {
  return { ...message, claims: [...message.claims] };
}

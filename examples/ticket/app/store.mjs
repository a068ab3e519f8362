/**
 * The tickets of this application: one folder per ticket, and in it one JSON file per version, `000007.json`. A version
 * is written beside its place and then linked to its number, which fails when somebody else was faster. So a reader
 * never sees half a ticket, no writer overwrites what it has not read, and a program that is killed leaves no lock behind.
 */
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkTicket, Refusal } from './lifecycle.mjs';

/** Names folders, so no dots and no slashes. */
const ID = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

export class Store {
  #folder;

  constructor(folder) {
    this.#folder = join(folder, 'tickets');
  }

  /** All tickets that have not been deleted. */
  list() {
    return entries(this.#folder).flatMap((id) => this.read(id) ?? []);
  }

  /** The ticket as it is now; null when there is none, or not any more. */
  read(id) {
    const ticket = this.#newest(id);
    return ticket === null || ticket.deleted ? null : ticket;
  }

  /** Every version there has been, oldest first. */
  versions(id) {
    return this.#numbers(id).map((number) => this.#version(id, number));
  }

  /** Where the versions of a ticket appear. */
  folderOf(id) {
    if (!ID.test(id))
      throw new Refusal(`"${id}" cannot be a ticket: letters, digits, - and _, beginning with a letter`);
    return join(this.#folder, id);
  }

  /**
   * Replaces a ticket by what `change(ticket)` makes of it, and returns that. What it is given is null when there is no
   * ticket; what it returns unchanged is not written. Called again when somebody else has written meanwhile.
   */
  change(id, change) {
    for (;;) {
      const newest = this.#newest(id);
      const before = newest?.deleted ? null : newest;
      const changed = change(before);
      if (changed === before) return changed;
      const next = { ...changed, version: (newest?.version ?? 0) + 1 };
      if (!next.deleted) checkTicket(before, next);
      if (this.#write(id, next)) return next;
    }
  }

  #newest(id) {
    const number = this.#numbers(id).at(-1);
    return number === undefined ? null : this.#version(id, number);
  }

  #numbers(id) {
    return entries(this.folderOf(id))
      .flatMap((name) => /^(\d{6})\.json$/.exec(name)?.[1] ?? [])
      .map(Number)
      .toSorted((a, b) => a - b);
  }

  #version(id, number) {
    return JSON.parse(readFileSync(this.#path(id, number), 'utf8'));
  }

  #path(id, number) {
    return join(this.folderOf(id), `${String(number).padStart(6, '0')}.json`);
  }

  /** False when this version is there already. */
  #write(id, ticket) {
    mkdirSync(this.folderOf(id), { recursive: true });
    const beside = join(this.folderOf(id), `.${process.pid}.tmp`);
    writeFileSync(beside, `${JSON.stringify(ticket, null, 2)}\n`, { flush: true });
    try {
      linkSync(beside, this.#path(id, ticket.version));
      return true;
    } catch (error) {
      if (error.code === 'EEXIST') return false;
      throw error;
    } finally {
      rmSync(beside, { force: true });
    }
  }
}

/** The folder of the application's data. */
export function dataFolder(fallback) {
  return process.env.TICKET_DATA ?? fallback;
}

function entries(folder) {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}

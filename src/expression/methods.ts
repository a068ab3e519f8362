/**
 * The methods that texts and lists have, all of them: none changes anything, none depends on a locale, and each
 * pays for its work before it does it.
 */
import { type Fragment, fail, type Frame, kindOf, makeText, spend, spendText } from './frame.js';

export interface MethodCall {
  readonly frame: Frame;
  readonly fragment: Fragment;
  readonly inputs: readonly unknown[];
}

type TextMethod = (text: string, call: MethodCall) => unknown;
type ListMethod = (list: readonly unknown[], call: MethodCall) => unknown;
/** Evaluates the callback for one item. */
export type Visit = (item: unknown, index: number) => unknown;
type CallbackMethod = (list: readonly unknown[], visit: Visit) => unknown;

const TEXT_METHODS: ReadonlyMap<string, TextMethod> = new Map<string, TextMethod>([
  ['includes', (text, call) => search(text, call) !== -1],
  ['startsWith', (text, call) => text.startsWith(textInput(call, 0))],
  ['endsWith', (text, call) => text.endsWith(textInput(call, 0))],
  ['indexOf', search],
  ['toLowerCase', (text, call) => made(text.toLowerCase(), call)],
  ['toUpperCase', (text, call) => made(text.toUpperCase(), call)],
  ['trim', (text) => text.trim()],
  ['slice', (text, call) => text.slice(numberInput(call, 0, 0), numberInput(call, 1, text.length))],
]);

const LIST_METHODS: ReadonlyMap<string, ListMethod> = new Map<string, ListMethod>([
  ['includes', (list, call) => list.includes(call.inputs[0])],
  ['indexOf', (list, call) => list.indexOf(call.inputs[0])],
  ['slice', (list, call) => list.slice(numberInput(call, 0, 0), numberInput(call, 1, list.length))],
  ['join', join],
]);

const LIST_CALLBACK_METHODS: ReadonlyMap<string, CallbackMethod> = new Map<string, CallbackMethod>([
  ['some', (list, visit) => list.some((item, index) => Boolean(visit(item, index)))],
  ['every', (list, visit) => list.every((item, index) => Boolean(visit(item, index)))],
  ['filter', (list, visit) => list.filter((item, index) => Boolean(visit(item, index)))],
  ['find', (list, visit) => list.find((item, index) => Boolean(visit(item, index)))],
  // A list is JSON, which has no "nothing": what a callback does not find becomes null.
  ['map', (list, visit) => list.map((item, index) => visit(item, index) ?? null)],
]);

export const CALLBACK_METHODS: ReadonlySet<string> = new Set(LIST_CALLBACK_METHODS.keys());
export const METHOD_NAMES: ReadonlySet<string> = new Set([
  ...TEXT_METHODS.keys(),
  ...LIST_METHODS.keys(),
  ...CALLBACK_METHODS,
]);

/** Calls a method that takes values. */
export function callMethod(receiver: unknown, method: string, call: MethodCall): unknown {
  const { frame, fragment, inputs } = call;
  if (typeof receiver === 'string') {
    const found = TEXT_METHODS.get(method);
    if (found === undefined) return noMethod(receiver, method, fragment);
    spendText(frame, receiver.length, fragment);
    return found(receiver, call);
  }
  const found = Array.isArray(receiver) ? LIST_METHODS.get(method) : undefined;
  if (!Array.isArray(receiver) || found === undefined) return noMethod(receiver, method, fragment);
  const perItem = typeof inputs[0] === 'string' ? 1 + Math.floor(inputs[0].length / 256) : 1;
  spend(frame, 1 + receiver.length * perItem, fragment);
  return found(receiver, call);
}

/** Calls a method that takes a function. */
export function callWithCallback(
  receiver: unknown,
  method: string,
  call: MethodCall & { readonly visit: Visit },
): unknown {
  const found = LIST_CALLBACK_METHODS.get(method);
  if (!Array.isArray(receiver) || found === undefined) return noMethod(receiver, method, call.fragment);
  return found(receiver, call.visit);
}

function noMethod(receiver: unknown, method: string, fragment: Fragment): never {
  return fail(fragment, `${kindOf(receiver)} has no method "${method}"`);
}

function textInput(call: MethodCall, index: number): string {
  const value = call.inputs[index];
  return typeof value === 'string' ? value : fail(call.fragment, `a text is expected, not ${kindOf(value)}`);
}

function numberInput(call: MethodCall, index: number, otherwise: number): number {
  const value = call.inputs[index];
  if (value === undefined) return otherwise;
  return typeof value === 'number' ? value : fail(call.fragment, `a number is expected, not ${kindOf(value)}`);
}

/** The engine's search can cost the product of both lengths, so that is what is paid for. */
function search(text: string, call: MethodCall): number {
  const wanted = textInput(call, 0);
  spend(call.frame, Math.floor((text.length / 256) * (wanted.length / 1_024)), call.fragment);
  return text.indexOf(wanted);
}

function made(text: string, call: MethodCall): string {
  makeText(call.frame, text.length, call.fragment);
  return text;
}

function join(list: readonly unknown[], call: MethodCall): string {
  const separator = call.inputs.length === 0 ? ',' : textInput(call, 0);
  const texts = list.map((item) => {
    if (typeof item === 'string') return item;
    if (typeof item === 'number' || typeof item === 'boolean') return String(item);
    return fail(call.fragment, `join takes texts, numbers and booleans, not ${kindOf(item)}`);
  });
  const length = texts.reduce((sum, text) => sum + text.length + separator.length, 0);
  makeText(call.frame, length, call.fragment);
  return texts.join(separator);
}

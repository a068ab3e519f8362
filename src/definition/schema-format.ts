/** The formats of texts that are checked. Others are notes to the reader, as JSON Schema has it. */

export interface TextFormat {
  /** For messages. */
  readonly example: string;
  test(text: string): boolean;
}

const CHARACTERS = 2_048;

function format(example: string, test: (text: string) => boolean): TextFormat {
  // Bounded first, so that no test has to care how long a text is.
  return { example, test: (text) => text.length <= CHARACTERS && test(text) };
}

const TIME = /^([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i;
const DURATION = /^P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$/;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

export const FORMATS: ReadonlyMap<string, TextFormat> = new Map([
  ['date-time', format('2026-11-20T14:00:00Z', isDateTime)],
  ['date', format('2026-11-20', isDate)],
  ['time', format('14:00:00Z', (text) => TIME.test(text))],
  ['duration', format('PT1H30M', (text) => DURATION.test(text))],
  ['email', format('ada@example.org', isEmail)],
  ['hostname', format('example.org', isHostname)],
  ['ipv4', format('192.0.2.1', isIpv4)],
  ['ipv6', format('2001:db8::1', (text) => /^[0-9a-f:.]{2,45}$/i.test(text) && URL.canParse(`http://[${text}]/`))],
  ['uri', format('https://example.org/a', (text) => /^[a-z][a-z0-9+.-]*:[^\s]*$/i.test(text) && URL.canParse(text))],
  [
    'uuid',
    format('5f2b1c9e-0d4f-4b7e-9a57-1f3c8e6d2a10', (text) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)),
  ],
]);

function isDateTime(text: string): boolean {
  const [, date = '', time = ''] = /^(.{10})[t ](.*)$/is.exec(text) ?? [];
  return isDate(date) && TIME.test(time);
}

function isDate(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  return year !== undefined && Number(day) >= 1 && Number(day) <= daysOf(Number(year), Number(month));
}

function daysOf(year: number, month: number): number {
  if (month < 1 || month > 12) return 0;
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  if (month === 2) return leap ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@');
  return at >= 1 && at <= 64 && !/[\s@<>(),;:\\"[\]]/.test(text.slice(0, at)) && isHostname(text.slice(at + 1));
}

function isHostname(text: string): boolean {
  return text.length <= 253 && text.split('.').every((label) => LABEL.test(label));
}

function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

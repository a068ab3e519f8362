/** Cents as text: 1250 is "12.50 EUR". */
export function formatCents(cents) {
  if (!Number.isInteger(cents)) throw new RangeError(`an amount must be whole cents, not ${cents}`);
  const sign = cents < 0 ? '-' : '';
  const digits = String(Math.abs(cents)).padStart(3, '0');
  return `${sign}${digits.slice(0, -2)}.${digits.slice(-2)} EUR`;
}

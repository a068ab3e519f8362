/** The coupons of the shop and the discount that each one gives. */
const COUPONS = new Map([
  ['SPRING15', { kind: 'percent', percent: 15 }],
  ['THIRD', { kind: 'percent', percent: 33 }],
  ['WELCOME10', { kind: 'amount', amount: 1000 }],
  ['GIFT50', { kind: 'amount', amount: 5000 }],
]);

export function findCoupon(code) {
  const coupon = COUPONS.get(code);
  if (coupon === undefined) throw new Error(`there is no coupon "${code}"`);
  return coupon;
}

/** What a coupon takes off a subtotal, in cents. */
export function discountFor(coupon, subtotal) {
  if (coupon.kind === 'percent') return (subtotal * coupon.percent) / 100;
  return coupon.amount;
}

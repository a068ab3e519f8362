/** What sending the goods costs, in cents. */
const FLAT_RATE = 490;
const FREE_FROM = 5000;

/** `goods` is what the customer pays for the goods, after any discount. */
export function shippingFor(goods, itemCount) {
  return itemCount === 0 || goods >= FREE_FROM ? 0 : FLAT_RATE;
}

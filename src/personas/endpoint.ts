/** Addresses of services that personas call: the one place that reads them. */

export type ReadEndpoint = { readonly url: URL } | { readonly problem: string };

/** An http(s) address without user and password, which would end up in logs; the problem is a phrase that never repeats them. */
export function readEndpoint(text: string): ReadEndpoint {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    return { problem: 'is not an address such as "https://example.com/v1"' };
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return { problem: `must begin with https:// or http://, not ${url.protocol}` };
  if (url.username !== '' || url.password !== '')
    return { problem: 'must not hold a user or a password; name an environment variable for the secret instead' };
  if (url.hash !== '') return { problem: 'must not hold a "#"' };
  return { url };
}

/** The address for messages: without its query, which may hold a key. */
export function shownEndpoint(url: URL): string {
  return `${url.origin}${url.pathname === '/' ? '' : url.pathname}`;
}

/** Further down the path of the address, its query kept; `tail` is there only once when the address ends with it already. */
export function endpointBelow(url: URL, tail: string): URL {
  const below = new URL(url);
  const path = url.pathname.replace(/\/+$/, '');
  below.pathname = path.endsWith(tail) ? path : `${path}${tail}`;
  return below;
}

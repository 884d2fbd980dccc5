// Addresses after the #: #/live/front, #/playback/front?t=1795400000000.
import { signal } from '@preact/signals';

export interface Route {
  screen: 'live' | 'playback' | 'cameras' | 'status' | 'settings';
  arg: string;
  query: URLSearchParams;
}

const screens = ['live', 'playback', 'cameras', 'status', 'settings'];

export function parse(hash: string): Route {
  const [path, query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [screen, arg = ''] = path.split('/');
  let decoded = arg;
  try {
    decoded = decodeURIComponent(arg);
  } catch {
    // A malformed address is shown as it stands.
  }
  return {
    screen: (screens.includes(screen) ? screen : 'live') as Route['screen'],
    arg: decoded,
    query: new URLSearchParams(query),
  };
}

export const route = signal<Route>(parse(typeof location === 'undefined' ? '' : location.hash));

export function listen() {
  addEventListener('hashchange', () => {
    route.value = parse(location.hash);
  });
}

export function href(screen: Route['screen'], arg = '', query = ''): string {
  return `#/${screen}${arg ? '/' + encodeURIComponent(arg) : ''}${query ? '?' + query : ''}`;
}

export function go(screen: Route['screen'], arg = '', query = '') {
  location.hash = href(screen, arg, query);
}

/** replace changes the address without a step in the history or a redraw. */
export function replace(screen: Route['screen'], arg = '', query = '') {
  history.replaceState(null, '', href(screen, arg, query));
}

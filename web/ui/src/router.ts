// Addresses after the #: #/live/front, #/cameras/front/zones, #/playback/front?t=1795400000000.
import { signal } from '@preact/signals';

export interface Route {
  screen: 'live' | 'playback' | 'events' | 'cameras' | 'status' | 'settings';
  arg: string;
  /** What of arg: zones, in #/cameras/front/zones. */
  part: string;
  query: URLSearchParams;
}

const screens = ['live', 'playback', 'events', 'cameras', 'status', 'settings'];

export function parse(hash: string): Route {
  const [path, query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [screen, arg = '', part = ''] = path.split('/');
  return {
    screen: (screens.includes(screen) ? screen : 'live') as Route['screen'],
    arg: decoded(arg),
    part: decoded(part),
    query: new URLSearchParams(query),
  };
}

function decoded(s: string): string {
  try {
    return decodeURIComponent(s);
  } catch {
    return s; // a malformed address is shown as it stands
  }
}

export const route = signal<Route>(parse(typeof location === 'undefined' ? '' : location.hash));

export function listen() {
  addEventListener('hashchange', () => {
    route.value = parse(location.hash);
  });
}

export function href(screen: Route['screen'], arg = '', query = '', part = ''): string {
  return `#/${screen}${arg ? '/' + encodeURIComponent(arg) : ''}${part ? '/' + encodeURIComponent(part) : ''}${query ? '?' + query : ''}`;
}

export function go(screen: Route['screen'], arg = '', query = '', part = '') {
  location.hash = href(screen, arg, query, part);
}

/** replace changes the address without a step in the history or a redraw. */
export function replace(screen: Route['screen'], arg = '', query = '') {
  history.replaceState(null, '', href(screen, arg, query));
}

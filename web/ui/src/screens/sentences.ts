// Events as sentences. Pure.
import type { Event } from '../types';

const known: Record<string, ((name: string) => string) | undefined> = {
  'camera.recording': (n) => `${n} records`,
  'camera.live': (n) => `${n} is live`,
  'camera.connecting': (n) => `${n} is connecting`,
  'camera.offline': (n) => `${n} went offline`,
  'camera.error': (n) => `${n} has an error`,
  'camera.disabled': (n) => `${n} was switched off`,
  floor_unsatisfiable: () => 'The disk is smaller than its floor',
  nothing_to_prune: () => 'The disk is full and nothing on it may be deleted',
  prune_not_recovering_space: () => 'Deleting footage does not free space',
  disk_stats_unavailable: () => 'The disk does not tell how full it is',
};

const words = (type: string) => {
  const s = type.replace(/[._]+/g, ' ').trim();
  return s.charAt(0).toUpperCase() + s.slice(1);
};

function plain(v: unknown): string {
  if (v === null || v === undefined) return '';
  return typeof v === 'object' ? '' : String(v);
}

/** sentence tells an event; name is its camera's name, if it has one. */
export function sentence(e: Event, name?: string): { text: string; detail: string } {
  const p = e.payload ?? {};
  const message = plain(p.message);
  const state = e.type === 'camera_state' || e.type === 'camera.state' ? `camera.${plain(p.state)}` : e.type;
  const tell = known[state] ?? known[state.replace('_', '.')];
  const text = tell ? tell(name ?? 'A camera') : message || (name ? `${name}: ${words(e.type).toLowerCase()}` : words(e.type));
  const rest = [tell && message, p.reason ?? p.state_reason].map(plain).filter(Boolean);
  if (rest.length || tell || message) return { text, detail: rest.join(', ') };
  const detail = Object.entries(p).filter(([k, v]) => k !== 'message' && plain(v)).slice(0, 4)
    .map(([k, v]) => `${k.replace(/_/g, ' ')} ${plain(v)}`).join(', ');
  return { text, detail };
}

// What the retention form holds, and what of it to send. Pure.
import type { CameraPolicy, Retention, RetentionSet, VolumeLimits } from '../types';

/** Values are the texts in the form by key: volumes.NAME.floor_bytes, cameras.ID.age_hours. */
export type Values = Record<string, string>;

export const volumeFields: { key: keyof VolumeLimits; label: string }[] = [
  { key: 'floor_bytes', label: 'Floor' },
  { key: 'high_bytes', label: 'High mark' },
  { key: 'reserve_bytes', label: 'Reserve' },
  { key: 'cap_bytes', label: 'Cap' },
];

export const cameraFields: { key: keyof CameraPolicy; label: string }[] = [
  { key: 'age_hours', label: 'Deleted after' },
  { key: 'quota_bytes', label: 'Quota' },
  { key: 'keep_hours', label: 'Kept at least' },
];

const gb = 1e9;
const round = (n: number) => String(Math.round(n * 1000) / 1000);

/** unit gives what a number without a unit means. */
export const unit = (key: string) => (key.endsWith('_bytes') ? 'GB' : 'days');

/** show gives the text of a value: GB, or MB where GB would be a fraction; days, or hours. It may be rounded. */
export function show(key: string, n: number | null | undefined): string {
  if (n === null || n === undefined) return '';
  if (key.endsWith('_bytes')) return n < gb ? `${round(n / 1e6)} MB` : round(n / gb);
  return n % 24 === 0 ? String(n / 24) : `${n} h`;
}

/** read gives the value of a text: null for none, NaN for what nobody could mean. */
export function read(key: string, text: string): number | null {
  const t = text.trim().toLowerCase().replace(',', '.');
  if (t === '') return null;
  const m = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/.exec(t);
  if (!m) return NaN;
  const n = Number(m[1]);
  if (key.endsWith('_bytes')) return Math.round(n * ({ '': gb, gb, mb: 1e6, tb: 1e12 }[m[2]] ?? NaN));
  const hours = n * ({ '': 24, d: 24, day: 24, days: 24, h: 1, hour: 1, hours: 1 }[m[2]] ?? NaN);
  return Math.abs(hours - Math.round(hours)) < 1e-6 ? Math.round(hours) : NaN;
}

/** fill gives the texts of what is set. */
export function fill(r: RetentionSet): Values {
  const v: Values = {};
  for (const [name, limits] of Object.entries(r.volumes ?? {})) for (const f of volumeFields) v[`volumes.${name}.${f.key}`] = show(f.key, limits[f.key]);
  for (const [id, policy] of Object.entries(r.cameras ?? {})) for (const f of cameraFields) v[`cameras.${id}.${f.key}`] = show(f.key, policy[f.key]);
  return v;
}

/**
 * collect gives what to send, and what is wrong by key. It names everything that was named, since what is not sent is
 * taken back, and gives a number whose text was left alone as it was, since the text may be rounded.
 */
export function collect(v: Values, was: RetentionSet): { set: RetentionSet; errors: Record<string, string> } {
  const errors: Record<string, string> = {};
  const take = (at: string, key: string, old: number | null) => {
    const text = v[`${at}.${key}`] ?? '';
    if (text === show(key, old)) return old ?? null;
    const n = read(key, text);
    if (Number.isNaN(n)) errors[`${at}.${key}`] = key.endsWith('_bytes') ? 'A number of GB, or with MB or TB.' : 'A number of days, or of whole hours with h.';
    return n;
  };
  const set: RetentionSet = { volumes: {}, cameras: {} };
  for (const [name, old] of Object.entries(was.volumes ?? {})) set.volumes[name] = Object.fromEntries(volumeFields.map((f) => [f.key, take(`volumes.${name}`, f.key, old[f.key])])) as VolumeLimits;
  for (const [id, old] of Object.entries(was.cameras ?? {})) set.cameras[id] = Object.fromEntries(cameraFields.map((f) => [f.key, take(`cameras.${id}`, f.key, old[f.key])])) as CameraPolicy;
  return { set, errors };
}

/** place gives where a form shows an error of the recorder: a field, a whole row, or '' where neither is there. */
export function place(was: RetentionSet, field: string): string {
  const fields = Object.keys(fill(was));
  const row = (key: string) => key.slice(0, key.lastIndexOf('.'));
  return fields.some((key) => key === field || row(key) === field) ? field : '';
}

/** force gives the value in force of a volume's limit, for the field that is empty. */
export function force(r: Retention, name: string, key: keyof VolumeLimits): string {
  const n = r.in_force?.[name]?.[key];
  if (n) return n < gb ? show(key, n) : `${show(key, n)} GB`;
  return key === 'cap_bytes' ? 'none' : 'by the disk';
}

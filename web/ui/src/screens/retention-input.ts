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

/** show gives the text of a value: GB, or days, or hours where days would be a fraction. */
export function show(key: string, n: number | null | undefined): string {
  if (n === null || n === undefined) return '';
  if (key.endsWith('_bytes')) return round(n / gb);
  return n % 24 === 0 ? String(n / 24) : `${n} h`;
}

/** read gives the value of a text: null for none, NaN for what nobody could mean. */
export function read(key: string, text: string): number | null {
  const t = text.trim().toLowerCase().replace(',', '.');
  if (t === '') return null;
  const m = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/.exec(t);
  if (!m) return NaN;
  const n = Number(m[1]);
  const unit = key.endsWith('_bytes')
    ? { '': gb, gb, mb: 1e6, tb: 1e12 }[m[2]]
    : { '': 24, d: 24, day: 24, days: 24, h: 1, hour: 1, hours: 1 }[m[2]];
  return unit === undefined ? NaN : Math.round(n * unit);
}

/** fill gives the texts of what is set. */
export function fill(r: RetentionSet): Values {
  const v: Values = {};
  for (const [name, limits] of Object.entries(r.volumes ?? {})) for (const f of volumeFields) v[`volumes.${name}.${f.key}`] = show(f.key, limits[f.key]);
  for (const [id, policy] of Object.entries(r.cameras ?? {})) for (const f of cameraFields) v[`cameras.${id}.${f.key}`] = show(f.key, policy[f.key]);
  return v;
}

/** collect gives what to send, and what is wrong by key. */
export function collect(v: Values, volumes: string[], cameras: string[]): { set: RetentionSet; errors: Record<string, string> } {
  const errors: Record<string, string> = {};
  const take = (key: string) => {
    const n = read(key, v[key] ?? '');
    if (Number.isNaN(n)) errors[key] = key.endsWith('_bytes') ? 'A number of GB, or with MB or TB.' : 'A number of days, or hours with h.';
    return n;
  };
  const set: RetentionSet = { volumes: {}, cameras: {} };
  for (const name of volumes) set.volumes[name] = Object.fromEntries(volumeFields.map((f) => [f.key, take(`volumes.${name}.${f.key}`)])) as VolumeLimits;
  for (const id of cameras) set.cameras[id] = Object.fromEntries(cameraFields.map((f) => [f.key, take(`cameras.${id}.${f.key}`)])) as CameraPolicy;
  return { set, errors };
}

/** force gives the value in force of a volume's limit, for the field that is empty. */
export function force(r: Retention, name: string, key: keyof VolumeLimits): string {
  const n = r.in_force?.[name]?.[key];
  return n ? `${show(key, n)} GB` : key === 'cap_bytes' ? 'none' : 'by the disk';
}

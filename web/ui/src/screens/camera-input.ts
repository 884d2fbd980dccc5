// What the camera form holds, and what of it to send. Pure.
import type { CameraInput } from '../api';
import type { Camera, RecordMode, Window } from '../types';
import { scheduled } from './record-mode';

/** What the form holds. */
export interface Values {
  name: string;
  way: 'vendor' | 'urls';
  vendor: string;
  address: string;
  main: string;
  sub: string;
  user: string;
  pass: string;
  record: boolean;
  audio: boolean;
  volume: string;
  mirror: string;
  mode: RecordMode;
  schedule: Window[];
  preroll: string;
  postroll: string;
}

export function valuesOf(c?: Camera): Values {
  return {
    name: c?.name ?? '',
    way: c && !c.vendor ? 'urls' : 'vendor',
    vendor: c?.vendor ?? '',
    address: c?.address ?? '',
    main: c && !c.vendor ? c.main_url ?? '' : '',
    sub: c && !c.vendor ? c.sub_url ?? '' : '',
    user: c?.username ?? '',
    pass: '',
    record: c?.record ?? true,
    audio: c?.audio ?? true,
    volume: c?.volume ?? '',
    mirror: c?.mirror ?? '',
    mode: c?.record_mode ?? 'continuous',
    schedule: c?.schedule ?? [],
    preroll: String(c?.preroll_s || 10),
    postroll: String(c?.postroll_s || 30),
  };
}

const seconds = (s: string) => (/^\s*\d+\s*$/.test(s) ? Number(s) : undefined);

/** A new camera has what nobody changed from the recorder. */
const untouched: Record<string, unknown> = { record_mode: 'continuous', schedule: [], preroll_s: 10, postroll_s: 30 };

const everything = (v: Values): Record<string, unknown> => ({
  name: v.name.trim(),
  vendor: v.way === 'vendor' ? v.vendor : '',
  address: v.way === 'vendor' ? v.address.trim() : '',
  main_url: v.way === 'urls' ? v.main.trim() : '',
  sub_url: v.way === 'urls' ? v.sub.trim() : '',
  username: v.user,
  record: v.record,
  audio: v.audio,
  volume: v.volume,
  mirror: v.mirror,
  record_mode: v.mode,
  // One that is not in use is not sent: it may be half written.
  schedule: scheduled(v.mode) ? v.schedule : undefined,
  preroll_s: seconds(v.preroll),
  postroll_s: seconds(v.postroll),
});

/** inputOf gives what to send: everything for a new camera, only what changed for an old one. */
export function inputOf(v: Values, before?: Values): CameraInput {
  const was = before ? everything(before) : untouched;
  const out: Record<string, unknown> = {};
  for (const [k, x] of Object.entries(everything(v))) {
    if (x !== undefined && JSON.stringify(x) !== JSON.stringify(was[k] ?? '')) out[k] = x;
  }
  if (v.pass) out.password = v.pass;
  return out as CameraInput;
}

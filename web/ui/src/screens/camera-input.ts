// What the camera form holds, and what of it to send. Pure.
import type { CameraInput } from '../api';
import type { Camera } from '../types';

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
  };
}

/** inputOf gives what to send: everything for a new camera, only what changed for an old one. */
export function inputOf(v: Values, before?: Values): CameraInput {
  const full: Record<string, unknown> = {
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
  };
  const was: Record<string, unknown> = before ? (inputOf(before) as Record<string, unknown>) : {};
  const out: Record<string, unknown> = {};
  for (const [k, x] of Object.entries(full)) {
    if (before ? x !== (was[k] ?? '') : x !== '') out[k] = x;
  }
  if (v.pass) out.password = v.pass;
  return out as CameraInput;
}

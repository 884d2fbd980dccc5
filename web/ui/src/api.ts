// Calls to the recorder's HTTP interface.
import { sessionEnded } from './store';
import type { Camera, DiskList, Footage, Gap, Hold, RecordMode, Retention, RetentionPlan, RetentionSet, Window } from './types';
import type { GopAnswer } from './media/gops';

/** ApiError is an answer that was not a success; code is the API's word, field names the input at fault. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly field?: string,
    /** Seconds to wait before the next try, if the recorder said so. */
    readonly wait?: number,
  ) {
    super(message);
  }
}

export const base = '/api/v1';

export const unreachable = () => new ApiError(0, 'unreachable', 'The recorder does not answer. Check the network and try again.');

// Where 401 says something of what was sent, not of the session.
const doors = ['/auth/login', '/auth/claim', '/auth/me', '/auth/logout'];

/** problem makes an error of an answer that was not a success; 401 anywhere but at the door ends the session on screen. */
export function problem(status: number, path: string, answer: any, wait?: number): ApiError {
  const err = answer?.error ?? {};
  if (status === 401 && !doors.includes(path)) sessionEnded();
  return new ApiError(status, err.code ?? `http_${status}`, err.message ?? `The recorder answered ${status}.`, err.field, wait);
}

/** ask sends JSON and gives the answer, if it is a success. */
export async function ask(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  let res: Response;
  try {
    res = await fetch(base + path, {
      method,
      signal,
      headers: body === undefined ? undefined : { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (e) {
    if ((e as Error).name === 'AbortError') throw e;
    throw unreachable();
  }
  if (!res.ok) throw problem(res.status, path, await res.json().catch(() => null), Number(res.headers.get('Retry-After')) || undefined);
  return res;
}

/** call sends JSON and gives the decoded answer. */
export async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const res = await ask(method, path, body, signal);
  return (res.status === 204 ? null : await res.json().catch(() => null)) as T;
}

export interface Me {
  username?: string;
  role?: string;
  /** Absent: all. */
  cameras?: string[];
  totp?: boolean;
}

/** Whether somebody may claim the recorder now, and what its certificate should look like. */
export interface Setup {
  claimable: boolean;
  claimed: boolean;
  /** How long the setup window stays open, ms. */
  left?: number;
  words?: string;
  fingerprint?: string;
}

export const auth = {
  me: async () => unwrapUser(await call<any>('GET', '/auth/me')),
  async setup(): Promise<Setup> {
    const res = await ask('GET', '/auth/claim');
    const s = await res.json();
    // By the box's clock on both sides: before anybody signed in, it may be far off.
    const left = Date.parse(s.until) - Date.parse(res.headers.get('Date') ?? '');
    return Number.isFinite(left) ? { ...s, left } : s;
  },
  claim: (code: string, username: string, password: string) => call('POST', '/auth/claim', { code, username, password }),
  login: (username: string, password: string, code?: string) => call('POST', '/auth/login', code ? { username, password, code } : { username, password }),
  logout: () => call('POST', '/auth/logout', {}),
};

function unwrapUser(a: any): Me {
  const u = a?.user ?? a ?? {};
  return typeof u === 'string' ? { username: u } : { username: u.username ?? u.name, role: u.role, cameras: u.cameras, totp: u.totp };
}

/** What a camera form sends; passwords are only ever sent, never read. */
export interface CameraInput {
  id?: string;
  name?: string;
  vendor?: string;
  address?: string;
  main_url?: string;
  sub_url?: string;
  username?: string;
  password?: string;
  record?: boolean;
  audio?: boolean;
  volume?: string;
  mirror?: string;
  record_mode?: RecordMode;
  schedule?: Window[];
  preroll_s?: number;
  postroll_s?: number;
}

export interface TestStep {
  name: string;
  ok: boolean;
  ms?: number;
  detail?: string;
  hint?: string;
}

export interface TestResult {
  ok?: boolean;
  codec?: string;
  width?: number;
  height?: number;
  fps?: number;
  audio?: string | boolean | null;
  error?: string | { code?: string; message?: string };
  reason?: string;
  steps?: TestStep[];
  [more: string]: unknown;
}

const id = encodeURIComponent;

export const cameras = {
  list: () => call<Camera[]>('GET', '/cameras'),
  add: (c: CameraInput) => call<Camera>('POST', '/cameras', c),
  change: (cam: string, c: CameraInput) => call<Camera>('PATCH', `/cameras/${id(cam)}`, c),
  remove: (cam: string) => call('DELETE', `/cameras/${id(cam)}`),
  /** Records now, for as long as the camera's post-roll says. */
  trigger: (cam: string, reason: string) => call<{ until: string }>('POST', `/cameras/${id(cam)}/trigger`, { reason }),
  test: (cam: string, signal?: AbortSignal) => call<TestResult>('POST', `/cameras/${id(cam)}/test`, {}, signal),
};

export const volumes = {
  adopt: (name: string, other: string) => call('POST', `/system/volumes/${id(name)}/adopt`, { id: other }),
};

export const disks = {
  list: () => call<DiskList>('GET', '/system/disks'),
  prepare: (disk: string, volume: string, confirm: string) => call('POST', `/system/disks/${id(disk)}/prepare`, { volume, confirm }),
  use: (disk: string, volume: string) => call('POST', `/system/disks/${id(disk)}/use`, { volume }),
  /** Answers once the disk may be unplugged. */
  remove: (volume: string) => call('POST', `/system/volumes/${id(volume)}/remove`, {}),
};

export const retention = {
  get: () => call<Retention>('GET', '/system/retention'),
  set: (r: RetentionSet) => call<Retention>('PUT', '/system/retention', r),
  preview: async (r: RetentionSet) => (await call<{ volumes?: RetentionPlan[] }>('POST', '/system/retention/preview', r))?.volumes ?? [],
};

const iso = (ms: number) => new Date(Math.round(ms)).toISOString();

export const holds = {
  /** All, or those of one camera. */
  list: async (cam?: string) => (await call<{ holds?: Hold[] }>('GET', cam === undefined ? '/holds' : `/holds?camera=${id(cam)}`))?.holds ?? [],
  place: (cam: string, from: number, to: number, more: { reason?: string; incident?: string } = {}) => call<Hold>('POST', '/holds', { from: iso(from), to: iso(to), cameras: [cam], ...more }),
  release: (hold: string) => call('DELETE', `/holds/${id(hold)}`),
};

export const footage = {
  async timeline(cam: string, from: number, to: number, signal?: AbortSignal): Promise<{ ranges: Footage[]; gaps: Gap[] }> {
    const a = await call<any>('GET', `/cameras/${id(cam)}/timeline?from=${iso(from)}&to=${iso(to)}`, undefined, signal);
    const ms = (v: string | number) => (typeof v === 'number' ? v : Date.parse(v));
    return {
      ranges: (a?.ranges ?? []).map((r: any) => ({ start: ms(r.start), end: ms(r.end), ...(r.why && { why: r.why }) })),
      gaps: (a?.gaps ?? []).map((g: any) => ({ start: ms(g.start), end: ms(g.end), reason: g.reason ?? '' })),
    };
  },
  async gops(cam: string, from: number, to: number, signal?: AbortSignal): Promise<GopAnswer> {
    const a = await call<any>('GET', `/cameras/${id(cam)}/gops?from=${iso(from)}&to=${iso(to)}`, undefined, signal);
    return { inits: a?.inits ?? [], segments: a?.segments ?? [], gaps: a?.gaps ?? [] };
  },
  clipURL: (cam: string, from: number, to: number) => `${base}/cameras/${id(cam)}/clip.mp4?from=${iso(from)}&to=${iso(to)}`,
};

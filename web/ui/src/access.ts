// Calls about who may do what: people, sessions, keys of machines, the audit, certificates, backups.
import { ask, base, call, problem, unreachable } from './api';
import { toMs, type Zone } from './format';

export type PersonRole = 'admin' | 'manager' | 'guard' | 'viewer';
export type MachineRole = 'worker' | 'metrics' | 'relay' | 'integration';

export interface Person {
  username: string;
  role: PersonRole;
  /** Absent: all cameras. */
  cameras?: string[];
  disabled: boolean;
  totp: boolean;
  created: string;
  last_login?: string;
  sessions: number;
}

export interface Session {
  id: string;
  username: string;
  created: string;
  seen: string;
  address: string;
  agent: string;
  current: boolean;
}

export interface Key {
  id: string;
  name: string;
  role: MachineRole;
  cameras?: string[];
  created: string;
  created_by: string;
  expires_at?: string;
  last_used?: string;
  expired: boolean;
}

export interface Deed {
  seq: number;
  time: string;
  actor: string;
  address?: string;
  action: string;
  target?: string;
  camera?: string;
  result: 'ok' | 'denied' | 'failed';
  detail?: Record<string, string>;
}

/** What is asked of the audit; from and to are RFC 3339. */
export type AuditQuery = Partial<Record<'text' | 'actor' | 'action' | 'camera' | 'from' | 'to', string>>;

export interface Certificate {
  mode: 'off' | 'own' | 'given' | 'acme';
  names: string[];
  fingerprint: string;
  words: string;
  not_after?: string;
  publicly_trusted: boolean;
  hsts: boolean;
  ca_fingerprint: string;
  problem?: string;
  acme?: {
    domain: string; email: string; directory: string; challenge: string; state: string; error?: string; next_try?: string;
    dns?: { server: string; zone: string; key_name: string; algorithm: string };
  };
}

/** What the form of a certificate holds. */
export interface CertificateForm {
  mode: string;
  certificate: string;
  key: string;
  hsts: boolean;
  domain: string;
  email: string;
  directory: string;
  challenge: string;
  server: string;
  zone: string;
  keyName: string;
  keySecret: string;
  algorithm: string;
}

export interface Outgoing {
  cameras_public: boolean;
  allow: string[];
}

const id = encodeURIComponent;

export const account = {
  password: (current: string, password: string) => call('POST', '/auth/password', { current, password }),
  sessions: async () => (await call<{ sessions: Session[] }>('GET', '/auth/sessions')).sessions,
  end: (session: string) => call('DELETE', `/auth/sessions/${id(session)}`),
  begin: (password: string) => call<{ secret: string; uri: string; qr: string[] }>('POST', '/auth/totp', { password }),
  confirm: async (code: string) => (await call<{ recovery_codes: string[] }>('POST', '/auth/totp/confirm', { code })).recovery_codes,
  remove: (password: string, code: string) => call('POST', '/auth/totp/remove', { password, code }),
  recovery: async (password: string) => (await call<{ recovery_codes: string[] }>('POST', '/auth/totp/recovery', { password })).recovery_codes,
};

export const people = {
  list: async () => (await call<{ users: Person[] }>('GET', '/users')).users,
  add: (p: { username: string; role: PersonRole; password: string; cameras?: string[] }) => call<Person>('POST', '/users', p),
  change: (name: string, change: { role?: PersonRole; cameras?: string[] | null; disabled?: boolean; password?: string; totp?: false }) => call<Person>('PATCH', `/users/${id(name)}`, change),
  remove: (name: string) => call('DELETE', `/users/${id(name)}`),
  sessions: async () => (await call<{ sessions: Session[] }>('GET', '/sessions')).sessions,
  end: (session: string) => call('DELETE', `/sessions/${id(session)}`),
};

export const keys = {
  list: async () => (await call<{ keys: Key[] }>('GET', '/api-keys')).keys,
  add: (k: { name: string; role: MachineRole; cameras?: string[]; expires_at?: string }) => call<Key & { key: string }>('POST', '/api-keys', k),
  remove: (key: string) => call('DELETE', `/api-keys/${id(key)}`),
};

export const audit = {
  list: (query: AuditQuery, before = 0) => call<{ entries: Deed[]; next?: number }>('GET', `/audit?${new URLSearchParams({ limit: '50', ...query, ...(before && { before: String(before) }) })}`),
  verify: () => call<{ ok: boolean; entries: number; broken_at?: number; reason?: string }>('GET', '/audit/verify'),
  exportURL: (format: 'csv' | 'jsonl', { from, to }: AuditQuery) => `${base}/audit/export?${new URLSearchParams({ format, ...(from && { from }), ...(to && { to }) })}`,
};

export const box = {
  certificate: () => call<Certificate>('GET', '/system/tls'),
  setCertificate: (c: object) => call<Certificate>('PUT', '/system/tls', c),
  outgoing: () => call<Outgoing>('GET', '/system/outgoing'),
  setOutgoing: (o: Outgoing) => call<Outgoing>('PUT', '/system/outgoing', o),
  rotate: async () => (await call<{ rotated: number }>('POST', '/system/secrets/rotate', {})).rotated,
  backup: async (passphrase: string) => (await ask('POST', '/system/backup', { passphrase })).blob(),
  async restore(file: Blob, passphrase: string) {
    let res: Response;
    try {
      res = await fetch(`${base}/system/restore?confirm=restore`, {
        method: 'POST', body: file, headers: { 'Content-Type': 'application/octet-stream', 'Backup-Passphrase': encodeURIComponent(passphrase) },
      });
    } catch {
      throw unreachable();
    }
    if (!res.ok) throw problem(res.status, '/system/restore', await res.json().catch(() => null));
  },
};

export const roleWords: Record<PersonRole | MachineRole, string> = {
  admin: 'Everything',
  manager: 'Cameras, exports and kept footage',
  guard: 'Live, playback, exports and keeping footage',
  viewer: 'Live and playback',
  worker: 'Takes pictures to look at, and says what it sees',
  metrics: 'Reads the figures for a monitoring system',
  relay: 'Takes streams to pass them on',
  integration: 'Watches, plays back, and reports or triggers things',
};

/** certificateOf makes a request of the form: only what the mode needs, and secrets only when they were written. Pure. */
export function certificateOf(v: CertificateForm): object {
  const written = (o: Record<string, string>) => Object.fromEntries(Object.entries(o).filter(([, t]) => t.trim()).map(([k, t]) => [k, t.trim()]));
  switch (v.mode) {
    case 'given':
      return { mode: v.mode, hsts: v.hsts, ...written({ certificate: v.certificate, key: v.key }) };
    case 'acme': {
      const dns = v.challenge === 'dns-01' && { dns: written({ server: v.server, zone: v.zone, key_name: v.keyName, key_secret: v.keySecret, algorithm: v.algorithm }) };
      return { mode: v.mode, hsts: v.hsts, acme: { challenge: v.challenge, ...written({ domain: v.domain, email: v.email, directory: v.directory }), ...dns } };
    }
  }
  return { mode: v.mode };
}

/** auditQuery makes a query of what a form says: empty fields ask for nothing, and a day is whole. Pure. */
export function auditQuery(said: AuditQuery, zone: Zone): AuditQuery {
  const q: AuditQuery = {};
  for (const k of ['text', 'actor', 'action', 'camera'] as const) if (said[k]?.trim()) q[k] = said[k].trim();
  const midnight = (day: string | undefined, later: number) => {
    const m = /^(\d+)-(\d+)-(\d+)$/.exec(day ?? '');
    return m && new Date(toMs({ y: +m[1], m: +m[2], d: +m[3] + later }, zone)).toISOString();
  };
  const from = midnight(said.from, 0);
  const to = midnight(said.to, 1);
  return { ...q, ...(from && { from }), ...(to && { to }) };
}

/** camerasText says which cameras somebody may see. Pure. */
export function camerasText(cameras: string[] | undefined, nameOf: (id: string) => string): string {
  if (!cameras) return 'All cameras';
  if (cameras.length === 0) return 'No camera';
  return cameras.map(nameOf).join(', ');
}

/** agentText makes a few words of what a browser calls itself. Pure. */
export function agentText(agent: string): string {
  const browser = [['Edg/', 'Edge'], ['OPR/', 'Opera'], ['Firefox/', 'Firefox'], ['Chrome/', 'Chrome'], ['Safari/', 'Safari']].find(([mark]) => agent.includes(mark))?.[1];
  const system = [['Android', 'Android'], ['iPhone', 'iPhone'], ['iPad', 'iPad'], ['Windows', 'Windows'], ['Mac OS', 'Mac'], ['Linux', 'Linux']].find(([mark]) => agent.includes(mark))?.[1];
  if (!browser) return agent.slice(0, 40) || 'unknown';
  return system ? `${browser} on ${system}` : browser;
}

/** deedText is an entry of the audit as a sentence without who. Pure. */
export function deedText(d: Deed): string {
  const what = d.action.replace(/[._]/g, ' ');
  const about = [d.target, d.camera && d.camera !== d.target ? `camera ${d.camera}` : ''].filter(Boolean).join(', ');
  const more = Object.entries(d.detail ?? {}).map(([k, v]) => `${k}: ${v}`).join(', ');
  return [what, about, more && `(${more})`].filter(Boolean).join(' ');
}

/** qrPath draws modules as one path of squares. Pure. */
export const qrPath = (rows: string[]) => rows.map((row, y) => [...row].map((m, x) => (m === '1' ? `M${x} ${y}h1v1h-1z` : '')).join('')).join('');

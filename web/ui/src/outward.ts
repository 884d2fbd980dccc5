// Calls about what leaves the box, and about what is kept together: notifications, the relay, incidents, rules that hold footage.
import { base, call } from './api';
import { listOf } from './perception';

export type Kind = 'webhook' | 'mail' | 'mqtt';

export interface Subscription {
  id: string;
  name: string;
  kind: Kind;
  enabled: boolean;
  types: string[];
  min_severity: string;
  cameras: string[] | null;
  webhook?: { url: string };
  mail?: { host: string; port: number; tls: 'tls' | 'starttls' | 'none'; username?: string; from: string; to: string[] };
  mqtt?: { url: string; username?: string; prefix: string; discovery: boolean; discovery_prefix: string };
  secret_set?: boolean;
  state?: { cursor?: number; pending?: number; last_sent_at?: string; last_error?: string; failing_since?: string; /** Why nothing is sent until somebody changes something. */ halted?: string };
}

export interface Delivery {
  at: string;
  event_seq: number;
  type: string;
  attempt: number;
  /** HTTP code, or 0. */
  status: number;
  result: 'sent' | 'failed' | 'given_up' | 'skipped';
  error?: string;
  took_ms: number;
}

/** What the form of a subscription holds: text as it is typed. */
export interface SubscriptionForm {
  name: string;
  kind: Kind;
  enabled: boolean;
  types: string;
  min_severity: string;
  cameras: string[] | null;
  url: string;
  secret: string;
  host: string;
  port: string;
  tls: string;
  username: string;
  from: string;
  to: string;
  prefix: string;
  discovery: boolean;
  discovery_prefix: string;
}

export interface RelayState {
  enabled: boolean;
  url: string;
  stream: string;
  subject: string;
  username?: string;
  secret_set?: boolean;
  state?: { cursor?: number; pending?: number; last_ack_at?: string; last_error?: string; dropped?: number };
}

export interface HoldRule {
  id: string;
  name: string;
  enabled: boolean;
  types: string[];
  cameras: string[] | null;
  zones: string[];
  min_severity: string;
  before_seconds: number;
  after_seconds: number;
  keep_days: number;
  open_incident: boolean;
}

export interface Incident {
  id: string;
  title: string;
  state: 'open' | 'closed';
  cameras: string[];
  created: string;
  by: string;
  notes?: { at: string; by: string; text: string }[];
  holds?: string[];
  exports?: { at: string; by: string; cameras: string[]; from: string; to: string; manifest_sha256: string; bytes: number }[];
}

const id = encodeURIComponent;

export const notifications = {
  list: async () => listOf<Subscription>(await call('GET', '/notifications'), 'notifications'),
  add: (s: object) => call<Subscription>('POST', '/notifications', s),
  change: (sub: string, s: object) => call<Subscription>('PATCH', `/notifications/${id(sub)}`, s),
  remove: (sub: string) => call('DELETE', `/notifications/${id(sub)}`),
  test: (sub: string) => call<Partial<Delivery> | null>('POST', `/notifications/${id(sub)}/test`, {}),
  deliveries: async (sub: string) => listOf<Delivery>(await call('GET', `/notifications/${id(sub)}/deliveries?limit=50`), 'deliveries'),
};

export const relay = {
  get: () => call<RelayState>('GET', '/system/relay'),
  set: (r: object) => call<RelayState>('PUT', '/system/relay', r),
};

export const holdRules = {
  list: async () => listOf<HoldRule>(await call('GET', '/hold-rules'), 'rules'),
  add: (r: object) => call<HoldRule>('POST', '/hold-rules', r),
  change: (rule: string, r: object) => call<HoldRule>('PATCH', `/hold-rules/${id(rule)}`, r),
  remove: (rule: string) => call('DELETE', `/hold-rules/${id(rule)}`),
};

export const incidents = {
  list: async () => listOf<Incident>(await call('GET', '/incidents'), 'incidents'),
  get: (incident: string) => call<Incident>('GET', `/incidents/${id(incident)}`),
  add: (title: string, cameras: string[]) => call<Incident>('POST', '/incidents', { title, cameras }),
  change: (incident: string, c: { title?: string; state?: Incident['state'] }) => call<Incident>('PATCH', `/incidents/${id(incident)}`, c),
  note: (incident: string, text: string) => call<Incident>('POST', `/incidents/${id(incident)}/notes`, { text }),
  exportURL: (cameras: string[], from: number, to: number, incident?: string) =>
    `${base}/export.zip?${new URLSearchParams({ cameras: cameras.join(','), from: new Date(from).toISOString(), to: new Date(to).toISOString(), ...(incident && { incident }) })}`,
  key: () => call<{ key_id: string; public_key: string; words?: string }>('GET', '/system/signing-key'),
};

/** words splits a list that people write with commas or spaces. Pure. */
export const words = (text: string): string[] => text.split(/[\s,;]+/).filter(Boolean);

const kept = (o: Record<string, unknown>) => Object.fromEntries(Object.entries(o).filter(([, v]) => v !== ''));

export function formOf(s?: Subscription): SubscriptionForm {
  const { webhook, mail, mqtt } = s ?? {};
  return {
    name: s?.name ?? '', kind: s?.kind ?? 'webhook', enabled: s?.enabled ?? true, types: (s?.types ?? ['*']).join(', '),
    min_severity: s?.min_severity ?? 'warning', cameras: s?.cameras ?? null,
    url: webhook?.url ?? mqtt?.url ?? '', secret: '',
    host: mail?.host ?? '', port: mail?.port ? String(mail.port) : '465', tls: mail?.tls ?? 'tls', username: mail?.username ?? mqtt?.username ?? '', from: mail?.from ?? '', to: (mail?.to ?? []).join(', '),
    prefix: mqtt?.prefix ?? 'vedette', discovery: mqtt?.discovery ?? true, discovery_prefix: mqtt?.discovery_prefix ?? 'homeassistant',
  };
}

/** subscriptionOf makes a request of the form: what its kind needs, and a secret only when one was written. The kind of one that is there stays. Pure. */
export function subscriptionOf(f: SubscriptionForm, there = false): object {
  const common = { name: f.name.trim(), ...(!there && { kind: f.kind }), enabled: f.enabled, types: words(f.types), min_severity: f.min_severity, cameras: f.cameras };
  switch (f.kind) {
    case 'webhook':
      return { ...common, webhook: kept({ url: f.url.trim(), secret: f.secret }) };
    case 'mail':
      return { ...common, mail: { ...kept({ host: f.host.trim(), tls: f.tls, password: f.secret, from: f.from.trim() }), username: f.username.trim(), port: Number(f.port) || 0, to: words(f.to) } };
    case 'mqtt':
      return { ...common, mqtt: { ...kept({ url: f.url.trim(), password: f.secret, prefix: f.prefix.trim(), discovery_prefix: f.discovery_prefix.trim() }), username: f.username.trim(), discovery: f.discovery } };
  }
}

/** deliveryText says how an attempt ended. Pure. */
export function deliveryText(d: Partial<Delivery>): string {
  const code = d.status ? ` (${d.status})` : '';
  switch (d.result) {
    case 'sent': return `Sent${code}`;
    case 'given_up': return `Given up${code}`;
    case 'skipped': return 'Left out: too many were waiting';
    default: return `Failed${code}`;
  }
}

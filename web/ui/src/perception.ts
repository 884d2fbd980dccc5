// Calls about what is seen: tasks and workers, zones, detections, the event log.
import { base, call } from './api';
import type { Event } from './types';

export interface Task {
  id: string;
  camera_id: string;
  task_type: string;
  stream_profile: 'sub' | 'main';
  fps: number;
  width: number;
  config: Record<string, unknown>;
  enabled: boolean;
}

export type TaskInput = Omit<Task, 'id' | 'camera_id'>;

export interface Worker {
  worker_id: string;
  key_id: string;
  key_name?: string;
  seen_at: string;
  live: boolean;
  leases?: { lease_id: string; task_ids: string[]; expires_at: string }[];
}

export interface Sampler {
  camera_id: string;
  stream_profile: string;
  state: string;
  fps: number;
  width: number;
  reason?: string;
  frames?: number;
  last_frame_at?: string;
  restarts?: number;
}

/** A place in a picture, both 0 to 1 from its top left. */
export type Point = [number, number];

export interface Zone {
  id: string;
  camera_id: string;
  name: string;
  kind: 'polygon' | 'line';
  points: Point[];
  direction: 'any' | 'ab' | 'ba';
  labels: string[];
  min_confidence: number;
  confirm_frames: number;
  dwell_seconds: number;
  lost_seconds: number;
  severity: 'info' | 'warning' | 'critical';
  enabled: boolean;
  record: boolean;
}

export type ZoneInput = Omit<Zone, 'id' | 'camera_id'>;

export interface Occupancy {
  zone_id: string;
  name?: string;
  total: number;
  labels?: Record<string, number>;
  tracks?: { track_id: string; label?: string; since: string }[];
}

export interface Detection {
  label?: string;
  confidence?: number;
  /** x, y, width, height, 0 to 1. */
  bbox?: [number, number, number, number];
  track_id?: string;
}

/** What one look at one picture found, as the websocket tells it. */
export interface Seen {
  camera_id: string;
  captured_at: string;
  task_type: string;
  detections: Detection[];
}

const id = encodeURIComponent;

/** listOf reads a list that comes bare or under its name. */
export const listOf = <T>(answer: any, name: string): T[] => (Array.isArray(answer) ? answer : answer?.[name] ?? []);

export const tasks = {
  list: async (cam: string) => listOf<Task>(await call('GET', `/cameras/${id(cam)}/ai-tasks`), 'tasks'),
  add: (cam: string, t: TaskInput) => call<Task>('POST', `/cameras/${id(cam)}/ai-tasks`, t),
  change: (task: string, t: Partial<TaskInput>) => call<Task>('PATCH', `/ai-tasks/${id(task)}`, t),
  remove: (task: string) => call('DELETE', `/ai-tasks/${id(task)}`),
  workers: async () => listOf<Worker>(await call('GET', '/ai/workers'), 'workers'),
  samplers: async () => listOf<Sampler>(await call('GET', '/ai/samplers'), 'samplers'),
};

export const zones = {
  list: async (cam: string) => listOf<Zone>(await call('GET', `/cameras/${id(cam)}/zones`), 'zones'),
  add: (cam: string, z: ZoneInput) => call<Zone>('POST', `/cameras/${id(cam)}/zones`, z),
  change: (zone: string, z: Partial<ZoneInput>) => call<Zone>('PATCH', `/zones/${id(zone)}`, z),
  remove: (zone: string) => call('DELETE', `/zones/${id(zone)}`),
  occupancy: async (cam: string) => listOf<Occupancy>(await call('GET', `/cameras/${id(cam)}/occupancy`), 'zones'),
};

export type EventQuery = Partial<Record<'type' | 'severity' | 'camera', string>>;

export const eventLog = {
  /** The newest, or with since those after it; ascending. */
  list: async (query: EventQuery, limit: number, since?: number) => listOf<Event>(
    await call('GET', `/events?${new URLSearchParams({ ...query, limit: String(limit), ...(since !== undefined && { since_seq: String(since) }) })}`), 'events'),
  evidenceURL: (cam: string, name: string) => `${base}/cameras/${id(cam)}/evidence/${id(name)}`,
};

/** changed gives what of now is not as it was. Pure. */
export function changed<T extends object>(now: T, was: T): Partial<T> {
  return Object.fromEntries(Object.entries(now).filter(([k, v]) => JSON.stringify(v) !== JSON.stringify(was[k as keyof T]))) as Partial<T>;
}

// The shapes the recorder's API and websocket speak. Fields the panel can do
// without are optional, so that an older recorder still shows.

export type CameraState = 'disabled' | 'connecting' | 'recording' | 'live' | 'offline' | 'error';

export interface Camera {
  id: string;
  name: string;
  state: CameraState;
  state_reason?: string;
  vendor?: string;
  address?: string;
  main_url?: string;
  sub_url?: string;
  username?: string;
  has_password?: boolean;
  record?: boolean;
  audio?: boolean;
  record_mode?: RecordMode;
  schedule?: Window[];
  /** Seconds that a recording reaches back before what began it, and goes on after it. */
  preroll_s?: number;
  postroll_s?: number;
  recording_now?: RecordingNow;
  /** Name of the volume it is assigned to; empty: by room. */
  volume?: string;
  /** Name of a second volume; empty: none. */
  mirror?: string;
  /** Where it is recorded at present. */
  volume_on?: string;
  mirror_on?: string;
  codec?: string;
  audio_codec?: string;
  width?: number;
  height?: number;
  fps?: number;
  bitrate_bps?: number;
  /** RFC 3339; when the last sample reached the disk. */
  last_written?: string;
  /** Units dropped since the run began. */
  drops?: number;
  /** RFC 3339; when the present state began. */
  state_since?: string;
}

export type RecordMode = 'continuous' | 'scheduled' | 'event' | 'scheduled_event';

export type Day = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

/** A stretch of certain days, in the recorder's time zone: 22:00 to 06:00 ends on the next day. */
export interface Window {
  days: Day[];
  from: string;
  to: string;
}

/** Whether a camera writes, and what asked for it. */
export interface RecordingNow {
  active: boolean;
  why?: string;
  until?: string;
}

export interface Volume {
  name?: string;
  id: string;
  path?: string;
  medium?: string;
  total_bytes: number;
  free_bytes: number;
  floor_bytes: number;
  high_bytes: number;
  reserve_bytes: number;
  footage_bytes: number;
  held_bytes: number;
  state: string;
  reason?: string;
  /** Id of the disk that is there instead of the one that used to be. */
  other?: string;
  write_bytes_per_s?: number;
  /** How far back footage will reach once the disk is full, days. */
  days_left?: number;
  camera_days?: Record<string, number>;
  wear?: Wear;
}

/** What a disk says of itself. */
export interface Wear {
  status: string;
  reason?: string;
  used_percent?: number;
  temperature_c?: number;
  years_left?: number;
  estimated?: boolean;
  write_amplification?: number;
}

/** Limits of a volume, bytes; null is the default. */
export type VolumeLimits = Record<'floor_bytes' | 'high_bytes' | 'reserve_bytes' | 'cap_bytes', number | null>;
/** Policy of a camera; null is no limit. */
export type CameraPolicy = Record<'age_hours' | 'quota_bytes' | 'keep_hours', number | null>;

export interface RetentionSet {
  volumes: Record<string, VolumeLimits>;
  cameras: Record<string, CameraPolicy>;
}

export interface Retention extends RetentionSet {
  in_force: Record<string, Record<keyof VolumeLimits, number>>;
}

/** What a setting would delete of one volume. */
export interface RetentionPlan {
  volume: string;
  segments: number;
  bytes: number;
  bytes_by_rule: Record<string, number>;
  oldest: Record<string, string>;
}

/** Footage that nothing deletes until it is released. */
export interface Hold {
  id: string;
  /** RFC 3339. */
  from: string;
  to: string;
  cameras: string[] | null;
  reason?: string;
  /** The incident it belongs to. */
  incident?: string;
  by: string;
  until?: string;
}

export interface System {
  version?: string;
  board?: string;
  uptime_s?: number;
  clock?: { trusted: boolean; source?: string };
  cameras?: { total: number; recording: number };
  volumes?: Volume[];
  /** Seconds of footage a power cut may cost. */
  promise_s?: number;
}

export type Pattern = 'solid' | 'off' | 'blink' | 'pulse';

export interface Led {
  name: string;
  label?: string;
  color?: string;
  pattern: Pattern | string;
  on?: boolean;
}

/** A disk of the machine. */
export interface MachineDisk {
  name: string;
  kind: string;
  model?: string;
  serial?: string;
  bytes: number;
  removable: boolean;
  /** Why it cannot be erased. */
  busy?: string;
  /** What has to be typed to erase it. */
  phrase: string;
  volume?: string;
  working?: boolean;
  parts: { name: string; fs?: string; label?: string; bytes: number; mount?: string }[];
}

export interface DiskList {
  /** Those a disk may be given to. */
  volumes: string[];
  disks: MachineDisk[];
}

/** Which system runs, and what is going on with another one. */
export interface Machine {
  slot: string;
  version: string;
  board: string;
  supported: boolean;
  other?: OtherSlot;
  trial?: Trial;
  busy: boolean;
  /** Of what is going on, 0 to 100. */
  percent: number;
  message: string;
  /** Why the last update was not installed. */
  error?: { code: string; reason: string };
  /** What has to be typed to wipe the machine. */
  reset_phrase?: string;
  setup?: { applied_at?: string; errors: Mistake[] };
}

/** What the slot holds that does not run; state: empty, good, ready, failed. */
export interface OtherSlot {
  slot: string;
  version?: string;
  state: string;
}

/** Of a system that has not proved itself yet. */
export interface Trial {
  /** RFC 3339; the machine goes back then. */
  until: string;
  waiting_for: string;
}

/** A line of the provisioning file that was not taken; 0: of the whole file. */
export interface Mistake {
  line: number;
  key: string;
  reason: string;
}

export interface BoardButton {
  name: string;
  label?: string;
}

export interface Board {
  board?: string;
  /** As people call it. */
  name?: string;
  /** Of the whole box: starting, recording, degraded … in the recorder's words. */
  state?: string;
  /** What is not in order, one sentence each. */
  reasons?: string[];
  leds?: Led[];
  buttons?: BoardButton[];
  /** Hung is what ended the last boot, where that is known. */
  watchdog?: { timeout_s: number; left_s: number; resets?: number; hung?: { check: string; reason: string }[]; hung_at?: string };
  temperatures?: { name: string; celsius: number }[];
}

export interface Event {
  seq: number;
  time: string;
  type: string;
  severity: 'info' | 'warning' | 'critical' | string;
  camera?: string;
  payload?: Record<string, unknown>;
}

export interface Envelope {
  v: number;
  t: string;
  id?: number;
  seq?: number;
  d?: any;
}

/** A stretch of time, Unix milliseconds, the end not included. */
export interface Range {
  start: number;
  end: number;
}

/** Footage: why it was recorded, if that is known and not simply because all is. */
export interface Footage extends Range {
  why?: string;
}

export interface Gap extends Range {
  reason: string;
}

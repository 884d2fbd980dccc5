// Events as sentences. Pure.
import { bytes, clock, gapReason, plural, sentence as asSentence, span, stamp, type Zone } from '../format';
import type { Event } from '../types';

type Payload = Record<string, unknown>;
type Said = { text: string; detail?: string };
type Tell = (p: Payload, name: string, zone: Zone) => Said;

const plain = (v: unknown): string => (v === null || v === undefined || typeof v === 'object' ? '' : String(v));

const reasonOf = (p: Payload) => {
  const r = plain(p.reason ?? p.state_reason);
  return r ? asSentence(r) : '';
};

/** from gives "from 192.0.2.7": the port says nothing to anybody. */
const from = (p: Payload) => {
  const a = plain(p.address).replace(/^\[(.*)\]:\d+$/, '$1').replace(/^([^:]+):\d+$/, '$1');
  return a ? `from ${a}` : '';
};

const who = (p: Payload) => plain(p.user) || 'Somebody';

/** The doer is named where it is another one than whom it is about. */
const by = (p: Payload, ...more: unknown[]) => [plain(p.by) && `by ${plain(p.by)}`, ...more.map(plain)].filter(Boolean).join(', ');

/** What was tried at the door, where it was no password. */
const tried: Record<string, string> = { 'API key': 'Somebody came with a key that is none', 'setup code': 'Somebody tried a wrong code for setting up' };

const camera = (text: (name: string) => string): Tell => (p, name) => ({ text: text(name), detail: reasonOf(p) });

const moment = (v: unknown, zone: Zone) => {
  const t = Date.parse(plain(v));
  return Number.isFinite(t) ? clock(t, zone) : '';
};

const until = (v: unknown, zone: Zone) => {
  const t = Date.parse(plain(v));
  return Number.isFinite(t) ? `on ${stamp(t, zone)}` : '';
};

// What presses the disk, when it begins and when it is over.
const pressure: Record<string, [string, string]> = {
  free_floor: ['The disk reached its floor: the oldest footage is being deleted', 'The disk is above its floor again'],
  nothing_to_prune: ['The disk is full and nothing on it may be deleted', 'There is footage again that may be deleted'],
  floor_unsatisfiable: ['The disk is smaller than its floor', 'The floor fits the disk again'],
  prune_not_recovering_space: ['Deleting footage does not free space', 'Deleting footage frees space again'],
  size_cap: ['The disk holds as much footage as it may: the oldest is being deleted', 'Nothing is deleted for the cap any more'],
  locked_exceeds_cap: ['Kept footage alone is more than the disk may hold', 'Kept footage fits under the cap again'],
  locked_exceeds_quota: ['Kept footage alone is more than a camera may have', 'Kept footage fits under the quotas again'],
  evidence_fills_disk: ['Kept footage leaves little room to record', 'Kept footage leaves room to record again'],
  delete_failed: ['Footage could not be deleted', 'Footage can be deleted again'],
  disk_stats_unavailable: ['The disk does not tell how full it is', 'The disk tells how full it is again'],
  reserve: ['The disk is below its reserve: recording rests', 'The disk has room again'],
};

/** What the vital checks look after. */
const hung: Record<string, string> = { disk: 'writing to the disk', index: 'the index of footage', sweeper: 'the sweeper' };

const wear: Record<string, string> = { worn: 'The disk is worn', failing: 'The disk is failing', good: 'The disk is well again', unknown: 'The disk does not tell its wear any more' };

const actions: Record<string, string> = {
  evidence_hold: 'the last 5 minutes are kept',
  stop: 'the recorder stops cleanly',
  claim_code_shown: 'the claim code is on the console',
  setup_opened: 'the setup window is open, and its code is on the console',
  none: 'nothing to do',
  factory_reset: 'accounts and settings are wiped',
};

const rules: Record<string, string> = { age: 'as old as they may get', quota: 'their camera has its share', size_cap: 'the disk holds as much as it may', free_floor: 'the oldest, for free space' };

const gestures: Record<string, string> = { press: 'pressed', hold: 'held for 3 s', long: 'held for 10 s', broken: 'held far too long' };

/** What a track is: a person, a car; "something" where the worker has no word for it. */
const thing = (p: Payload) => {
  const l = plain(p.label);
  return l ? `${l.charAt(0).toUpperCase()}${l.slice(1)}` : 'Something';
};

const zoneName = (p: Payload) => plain(p.zone_name) || plain(p.zone) || 'a zone';
const secondsOf = (p: Payload) => (typeof p.seconds === 'number' ? span(p.seconds * 1000) : '');
const sure = (p: Payload) => (typeof p.confidence === 'number' ? `${Math.round(p.confidence * 100)} % sure` : '');
const joined = (...parts: string[]) => parts.filter(Boolean).join(', ');

/** What is told of notifications names the one it is about. */
const told = (p: Payload) => plain(p.name) || plain(p.subscription_name) || plain(p.subscription) || 'a notification';

/** What began, went on or ended with a rule that keeps footage. */
const ruleName = (p: Payload) => plain(p.rule_name) || plain(p.name) || plain(p.rule) || 'A rule';

const known: Record<string, Tell> = {
  zone_enter: (p) => ({ text: `${thing(p)} entered ${zoneName(p)}`, detail: sure(p) }),
  zone_exit: (p) => ({ text: `${thing(p)} left ${zoneName(p)}`, detail: joined(secondsOf(p) && `after ${secondsOf(p)}`, p.by === 'lost' ? 'out of sight' : '') }),
  zone_dwell: (p) => ({ text: `${thing(p)} stays in ${zoneName(p)}`, detail: joined(secondsOf(p) && `for ${secondsOf(p)}`, sure(p)) }),
  zone_line_cross: (p) => ({ text: `${thing(p)} crossed ${zoneName(p)}`, detail: joined(p.direction === 'ab' ? 'from A to B' : p.direction === 'ba' ? 'from B to A' : '', sure(p)) }),
  notification_given_up: (p) => ({ text: `Nothing could be sent to ${told(p)}: some of it was given up`, detail: joined(plain(p.error), typeof p.count === 'number' ? `${p.count} of them` : '') }),
  notification_halted: (p) => ({ text: `Nothing is sent to ${told(p)}: its secret cannot be read`, detail: plain(p.error) }),
  notification_failing: (p) => ({ text: `Nothing could be sent to ${told(p)} for a while`, detail: plain(p.error) }),
  notification_recovered: (p) => ({ text: `What happens is sent to ${told(p)} again` }),
  relay_dropped: (p) => ({ text: `${plural(Number(p.count ?? p.dropped) || 0, 'report')} went before the relay could hand them on` }),
  relay_failing: (p) => ({ text: 'The relay reaches its server no more', detail: plain(p.error) }),
  relay_connected: () => ({ text: 'The relay reaches its server' }),
  detections_dropped: (p) => ({ text: 'What workers saw had to go before everybody had taken it', detail: typeof p.count === 'number' ? plural(p.count, 'report') : plain(p.reason) }),
  detections_lost: (p) => ({ text: 'Some of what workers saw was lost', detail: plain(p.reason) || plain(p.error) }),
  detections_failed: (p) => ({ text: 'What workers see cannot be written down', detail: plain(p.error) || plain(p.reason) }),
  recording_triggered: (p, n) => ({ text: `${n} is recorded, because somebody asked`, detail: reasonOf(p) }),
  sampler_error: (p, n) => ({ text: `No pictures of ${n} for the workers`, detail: reasonOf(p) || plain(p.error) }),
  sampler_restarted: (p, n) => ({ text: `The decoder of ${n} was started again`, detail: reasonOf(p) || plain(p.error) }),
  sampler_budget_exhausted: (p, n) => ({ text: `There is no room in the budget for pictures of ${n}`, detail: reasonOf(p) }),
  incident_opened: (p) => ({ text: `Incident opened: ${plain(p.title) || plain(p.incident)}`, detail: plain(p.by) && `by ${plain(p.by)}` }),
  incident_closed: (p) => ({ text: `Incident closed: ${plain(p.title) || plain(p.incident)}`, detail: plain(p.by) && `by ${plain(p.by)}` }),
  incident_export: (p) => ({ text: `Footage of the incident ${plain(p.title) || plain(p.incident)} was exported`, detail: plain(p.by) && `by ${plain(p.by)}` }),
  hold_placed: (p, n, z) => ({ text: `${ruleName(p)} keeps footage${n === 'A camera' ? '' : ` of ${n}`}`, detail: moment(p.from, z) ? `${moment(p.from, z)} – ${moment(p.to, z)}` : '' }),
  hold_rule_limited: (p) => ({ text: `${ruleName(p)} kept as much as a rule may in an hour, and rests` }),
  hold_rule_failed: (p) => ({ text: `${ruleName(p)} could not keep footage`, detail: plain(p.error) }),
  watchdog_reset: (p) => {
    const causes = (Array.isArray(p.causes) ? p.causes : []) as { check?: unknown; reason?: unknown }[];
    return {
      text: `The watchdog restarted the machine: ${causes.map((c) => hung[plain(c.check)] ?? plain(c.check)).join(' and ') || 'something'} had hung`,
      detail: causes.map((c) => plain(c.reason)).join('; '),
    };
  },
  crashed: (p) => ({ text: 'The recorder crashed, and was started again', detail: plain(p.what) }),
  update_asked: (p) => ({ text: `${who({ user: p.by })} wants ${plain(p.to) ? `version ${plain(p.to)}` : 'an update'} installed`, detail: plain(p.url) }),
  update_installed: (p) => ({ text: `Version ${plain(p.to)} is installed, and starts with the next restart` }),
  update_refused: (p) => ({ text: 'An update was refused', detail: plain(p.error) }),
  update_failed: (p) => ({ text: 'An update could not be installed', detail: plain(p.error) }),
  update_confirmed: (p) => ({ text: `Version ${plain(p.to)} has proved itself`, detail: plain(p.from) && `before it ran ${plain(p.from)}` }),
  update_not_confirmed: (p) => ({ text: `Version ${plain(p.to)} did not prove itself`, detail: plain(p.reason) }),
  update_rolled_back: (p) => ({ text: `Back to version ${plain(p.from)}: ${plain(p.to)} was given up`, detail: plain(p.reason) }),
  setup_applied: () => ({ text: 'The settings on the card were taken up' }),
  setup_refused: (p) => {
    const errors = (Array.isArray(p.errors) ? p.errors : []) as { line?: unknown; key?: unknown; reason?: unknown }[];
    return {
      text: plain(p.camera) ? `Camera ${plain(p.camera)} of the settings on the card could not be added` : 'The settings on the card have mistakes, and were not used',
      detail: plain(p.error) || errors.map((e) => `${Number(e.line) > 0 ? `line ${Number(e.line)}, ` : ''}${plain(e.key)}: ${plain(e.reason)}`).join('; '),
    };
  },
  start_trouble: (p) => ({ text: 'Something went wrong while the system started', detail: plain(p.error) }),
  card_grown: (p) => ({ text: 'The whole card is used now', detail: typeof p.to_bytes === 'number' ? `${bytes(p.to_bytes)} for settings` : '' }),
  data_repaired: (p) => ({ text: 'The file system of the settings was repaired', detail: plain(p.said) }),
  data_replaced: (p) => ({ text: 'The settings could not be read any more, and begin anew', detail: `What was there is kept on the card. ${plain(p.reason)}` }),
  data_volatile: (p) => ({ text: 'Settings cannot be kept: they are lost when the power goes', detail: plain(p.reason) }),
  factory_reset: (p) => ({ text: 'Accounts and settings were wiped', detail: p.footage ? 'and footage with them' : 'footage was kept' }),
  footage_erased: (p) => ({ text: 'All footage was erased', detail: p.kept ? `not on ${Object.keys(p.kept as object).join(', ')}` : '' }),
  factory_reset_asked: (p) => ({ text: `${p.by ? who({ user: p.by }) : 'Somebody at the box'} had accounts and settings wiped` }),
  reboot_asked: (p) => ({ text: `${who({ user: p.by })} restarted the machine` }),
  poweroff_asked: (p) => ({ text: `${who({ user: p.by })} switched the machine off` }),
  clock_stepped: (p) => ({ text: `The clock was set ${span(Math.abs(Number(p.seconds) || 0) * 1000)} ${Number(p.seconds) < 0 ? 'back' : 'forward'}` }),
  disk_health: (p) => ({ text: `${wear[plain(p.status)] ?? 'The disk changed'}${plain(p.volume) ? ` (${plain(p.volume)})` : ''}`, detail: plain(p.reason) }),
  camera_recording: camera((n) => `${n} records`),
  camera_live: camera((n) => `${n} is live, not recorded`),
  camera_connecting: camera((n) => `${n} is connecting`),
  camera_interrupted: camera((n) => `${n} was interrupted`),
  camera_offline: camera((n) => `${n} went offline`),
  camera_error: camera((n) => `${n} has an error`),
  camera_disabled: camera((n) => `${n} was switched off`),
  camera_added: (p, n) => ({ text: `${plain(p.name) || n} was added` }),
  camera_removed: (p, n) => ({ text: `${plain(p.name) || n} was removed` }),
  recording_gap: (p, n, z) => ({
    text: `${n} lost ${span(Number(p.seconds) * 1000 || 0)}: ${gapReason(plain(p.reason))}`,
    detail: moment(p.start, z) ? `${moment(p.start, z)} – ${moment(p.end, z)}` : '',
  }),
  auth_claimed: (p) => ({ text: `${who(p)} claimed this recorder`, detail: from(p) }),
  auth_login: (p) => ({ text: `${who(p)} signed in`, detail: from(p) }),
  auth_logout: (p) => ({ text: `${who(p)} signed out`, detail: from(p) }),
  auth_login_failed: (p) => ({ text: plain(p.user) ? `A wrong password for ${who(p)}` : tried[plain(p.detail)] ?? 'Somebody failed to sign in', detail: from(p) }),
  auth_login_throttled: (p) => ({ text: 'Too many failed attempts to sign in: slowed down', detail: from(p) }),
  auth_second_factor_failed: (p) => ({ text: `A wrong code of the second factor for ${who(p)}`, detail: from(p) }),
  auth_recovered: (p) => ({ text: `${who(p)} got another password with the code of the box`, detail: from(p) }),
  auth_setup_opened: () => ({ text: 'Somebody held the button: an admin can be made for 15 minutes' }),
  auth_user_added: (p) => ({ text: `${who(p)} was added`, detail: by(p, p.detail) }),
  auth_user_changed: (p) => ({ text: `The account of ${who(p)} was changed`, detail: by(p, p.detail) }),
  auth_user_removed: (p) => ({ text: `${who(p)} was removed`, detail: by(p) }),
  auth_password_changed: (p) => ({ text: `${who(p)} has another password`, detail: from(p) }),
  auth_session_ended: (p) => ({ text: `A session of ${who(p)} was ended` }),
  auth_key_added: (p) => ({ text: `${who(p)} made a key for a machine`, detail: plain(p.detail) || plain(p.target) }),
  auth_key_removed: (p) => ({ text: `${who(p)} revoked the key of a machine`, detail: plain(p.detail) || plain(p.target) }),
  auth_totp_added: (p) => ({ text: `${who(p)} uses a second factor` }),
  auth_totp_removed: (p) => ({ text: `${who(p)} uses no second factor any more`, detail: by(p) }),
  certificate_renewed: () => ({ text: 'The certificate of this panel was renewed' }),
  certificate_failing: (p) => ({ text: 'The certificate of this panel cannot be renewed', detail: plain(p.error) || plain(p.reason) }),
  certificate_expiring: (p, _, z) => ({ text: 'The certificate of this panel ends soon', detail: until(p.not_after, z) }),
  audit_broken: (p) => ({ text: 'The audit was changed from outside', detail: [p.entry && `entry ${plain(p.entry)}`, plain(p.reason)].filter(Boolean).join(': ') }),
  secrets_rotated: (p) => ({ text: 'The secrets are sealed under a new key', detail: typeof p.secrets === 'number' ? `${p.secrets} of them` : '' }),
  backup_made: () => ({ text: 'A backup was made' }),
  backup_restored: () => ({ text: 'A backup was restored' }),
  outgoing_changed: (p) => ({ text: `${who({ user: p.by })} changed where the recorder may connect to` }),
  system_started: (p) => ({ text: 'The recorder started', detail: plain(p.version) && `version ${plain(p.version)}` }),
  system_stopped: () => ({ text: 'The recorder stopped cleanly' }),
  system_recovered: (p) => ({ text: 'The recorder put its footage in order after an unclean stop', detail: plain(p.summary) }),
  volume_lost: (p) => ({ text: `Disk ${plain(p.volume)} was lost`, detail: reasonOf(p) }),
  volume_absent: (p) => ({ text: `Disk ${plain(p.volume)} cannot be used`, detail: reasonOf(p) }),
  volume_present: (p) => ({ text: `Disk ${plain(p.volume)} is there` }),
  volume_resting: (p) => ({ text: `Disk ${plain(p.volume)} was taken out of use` }),
  disk_offered: (p) => ({ text: `A disk was plugged in that nobody uses (${plain(p.model) || plain(p.disk)})`, detail: 'Status shows it, and what may be done with it' }),
  disk_mounted: (p) => ({ text: `The disk of ${plain(p.volume)} was mounted` }),
  disk_prepared: (p) => ({ text: `A disk was prepared for ${plain(p.volume)}` }),
  disk_prepare_failed: (p) => ({ text: `A disk could not be prepared for ${plain(p.volume)}`, detail: plain(p.error) }),
  disk_pulled: (p) => ({ text: `The disk of ${plain(p.volume)} was pulled without being removed first` }),
  disk_removed: (p) => ({ text: `The disk of ${plain(p.volume)} may be unplugged` }),
  disk_prepare_asked: (p) => ({ text: `${who({ user: p.by })} had disk ${plain(p.disk)} erased for ${plain(p.volume)}` }),
  disk_use_asked: (p) => ({ text: `${who({ user: p.by })} gave disk ${plain(p.disk)} to ${plain(p.volume)}` }),
  disk_remove_asked: (p) => ({ text: `${who({ user: p.by })} wants the disk of ${plain(p.volume)} removed` }),
  volume_replaced: (p) => ({ text: `Disk ${plain(p.volume)} was replaced by another one` }),
  footage_restamped: (p, _, z) => ({
    text: 'Footage from before the clock was set has its true time now',
    detail: typeof p.segments === 'number' ? `${plural(p.segments, 'file')}${moment(p.from, z) ? ` from ${moment(p.from, z)}` : ''}` : '',
  }),
  disk_pressure: (p) => {
    const [begins, ends] = pressure[plain(p.reason)] ?? [`The disk: ${plain(p.reason).replace(/_/g, ' ')}`, `The disk: ${plain(p.reason).replace(/_/g, ' ')} is over`];
    return { text: p.cleared ? ends : begins };
  },
  evidence_hold: (p, _, z) => ({
    text: moment(p.from, z) ? `Footage from ${moment(p.from, z)} to ${moment(p.to, z)} is kept as evidence` : 'Footage is kept as evidence',
    detail: typeof p.segments === 'number' ? plural(p.segments, 'file') + ' so far' : '',
  }),
  evidence_released: (p, _, z) => ({ text: `Footage from ${moment(p.from, z)} to ${moment(p.to, z)} is not kept any more`, detail: plain(p.by) && `released by ${plain(p.by)}` }),
  retention_changed: (p) => ({ text: `${plain(p.by) || 'Somebody'} changed how much footage is kept` }),
  retention_delete: (p) => ({ text: `${plural(Number(p.deleted) || 0, 'file')} deleted: ${rules[plain(p.reason)] ?? plain(p.reason).replace(/_/g, ' ')}` }),
  evidence_hold_failed: (p) => ({ text: 'Footage could not be kept as evidence', detail: plain(p.error) }),
  button: (p) => ({
    text: `The button was ${gestures[plain(p.gesture)] ?? 'used'}${actions[plain(p.action)] ? `: ${actions[plain(p.action)]}` : ''}`,
    detail: plain(p.error),
  }),
};

const words = (type: string) => {
  const s = type.replace(/[._]+/g, ' ').trim();
  return s.charAt(0).toUpperCase() + s.slice(1);
};

// Said already, or of no use to people.
const silent = ['message', 'captured_at', 'evidence', 'batch_seq', 'frame_id'];

/** sentence tells an event; name is its camera's name, if it has one. */
export function sentence(e: Event, name = '', zone: Zone = 'utc'): { text: string; detail: string } {
  const p = e.payload ?? {};
  const state = e.type === 'camera_state' || e.type === 'camera.state' ? `camera_${plain(p.state)}` : e.type;
  const tell = known[state.replace('.', '_')];
  if (tell) {
    const { text, detail = '' } = tell(p, name || 'A camera', zone);
    return { text, detail };
  }
  const message = plain(p.message);
  const text = message || (name ? `${name}: ${words(e.type).toLowerCase()}` : words(e.type));
  const detail = Object.entries(p).filter(([k, v]) => !silent.includes(k) && plain(v)).slice(0, 4)
    .map(([k, v]) => `${k.replace(/_/g, ' ')} ${plain(v)}`).join(', ');
  return { text, detail };
}

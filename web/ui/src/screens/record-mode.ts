// The words and the checks of when a camera is recorded. Pure.
import type { Day, RecordMode, Window } from '../types';

export const days: Day[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
export const dayNames: Record<Day, string> = { mon: 'Monday', tue: 'Tuesday', wed: 'Wednesday', thu: 'Thursday', fri: 'Friday', sat: 'Saturday', sun: 'Sunday' };

export const scheduled = (m: RecordMode) => m === 'scheduled' || m === 'scheduled_event';
export const byEvent = (m: RecordMode) => m === 'event' || m === 'scheduled_event';

const minutes = (s: string): number => {
  const m = /^(\d{1,2}):(\d\d)$/.exec(s.trim());
  const n = m ? Number(m[1]) * 60 + Number(m[2]) : NaN;
  return m && Number(m[2]) < 60 && n <= 1440 ? n : NaN;
};

/** windowText says a window as people do. */
export function windowText(w: Window): string {
  const over = minutes(w.to) <= minutes(w.from);
  return `${daysText(w.days)}, ${w.from} to ${w.to}${over ? ' of the next day' : ''}`;
}

/** daysText gives Mon to Fri for five days in a row. */
export function daysText(list: readonly Day[]): string {
  const on = days.filter((d) => list.includes(d));
  if (on.length === 7) return 'every day';
  if (!on.length) return 'no day';
  const short = (d: Day) => dayNames[d].slice(0, 3);
  const first = days.indexOf(on[0]);
  const row = on.length > 2 && on.every((d, i) => days.indexOf(d) === first + i);
  return row ? `${short(on[0])} to ${short(on[on.length - 1])}` : on.map(short).join(', ');
}

/** checkRecording says what the recorder would refuse, by field. */
export function checkRecording(v: { record: boolean; mode: RecordMode; schedule: Window[]; preroll: string; postroll: string }): Record<string, string> {
  const bad: Record<string, string> = {};
  if (!v.record) return bad;
  if (scheduled(v.mode)) {
    if (!v.schedule.length) bad.schedule = 'Add a window, or choose another way to record.';
    v.schedule.forEach((w, i) => {
      if (!w.days.length) bad.schedule = `Window ${i + 1} has no day.`;
      else if (!Number.isFinite(minutes(w.from)) || minutes(w.from) === 1440 || !Number.isFinite(minutes(w.to))) bad.schedule = `Window ${i + 1}: write times as 06:30, up to 24:00.`;
    });
  }
  const seconds = (s: string, lo: number, hi: number) => /^\d+$/.test(s.trim()) && Number(s) >= lo && Number(s) <= hi;
  if (byEvent(v.mode)) {
    if (!seconds(v.preroll, 1, 60)) bad.preroll_s = 'Enter a number from 1 to 60.';
    if (!seconds(v.postroll, 5, 600)) bad.postroll_s = 'Enter a number from 5 to 600.';
  }
  return bad;
}

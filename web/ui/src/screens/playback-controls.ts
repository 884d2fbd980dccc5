// The rows of controls under the picture, and the way to a date and time.
import { mayExport } from '../roles';
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { ApiError, footage as api, holds } from '../api';
import { Icon } from '../icons';
import { Choice, IconButton } from '../ui/kit';
import { say, user } from '../store';
import type { Footage, Gap } from '../types';
import type { View } from '../timeline/model';
import { clock, dayStart, fields, isoDay, parseTime, span, stamp, toMs, unasked, whyText, type Zone } from '../format';

export interface Actions {
  play(on: boolean): void;
  by(ms: number): void;
  moveTo(t: number): void;
  mark(which: 'a' | 'b'): void;
  clear(): void;
  rate(r: number): void;
  step(frames: number): void;
  zoom(factor: number): void;
  sound(): void;
  full(): void;
}

export function Transport({ actions: a, playing }: { actions: Actions; playing: boolean }) {
  return html`<div class="transport" role="group" aria-label="Transport">
    <${IconButton} icon="frameBack" label="One frame back" onClick=${() => a.step(-1)} testid="frame-back" />
    <${IconButton} icon="back10" label="10 seconds back" onClick=${() => a.by(-10_000)} testid="back-10" />
    <${IconButton} icon=${playing ? 'pause' : 'play'} label=${playing ? 'Pause' : 'Play'} onClick=${() => a.play(!playing)} class="ib-main" testid="play" />
    <${IconButton} icon="fwd10" label="10 seconds forward" onClick=${() => a.by(10_000)} testid="forward-10" />
    <${IconButton} icon="frameFwd" label="One frame forward" onClick=${() => a.step(1)} testid="frame-forward" />
  </div>`;
}

export function Picture({ actions: a, sound }: { actions: Actions; sound: boolean }) {
  return html`<div class="picture" role="group" aria-label="Picture and sound">
    <${IconButton} icon=${sound ? 'sound' : 'muted'} label="Sound" pressed=${sound} onClick=${a.sound} testid="sound" />
    <${IconButton} icon="full" label="Full screen" onClick=${a.full} testid="fullscreen" />
  </div>`;
}

const rates = [0.5, 1, 2, 4, 8];

export function Rates({ rate, onPick }: { rate: number; onPick: (r: number) => void }) {
  return html`<${Choice} label="Speed" testid="speed" value=${String(rate)} onPick=${(v: string) => onPick(Number(v))}
    options=${rates.map((r) => ({ value: String(r), label: r === 0.5 ? '½×' : `${r}×`, title: `${r} times as fast` }))} />`;
}

/** Marks chooses a range and offers it as a file, to whoever may take one. */
export function Marks({ id, marks, actions: a, zone, recorded }: {
  id: string; marks: { a: number | null; b: number | null }; actions: Actions; zone: Zone; recorded: number;
}) {
  if (!mayExport(user.value?.role)) return null;
  const both = marks.a !== null && marks.b !== null;
  const length = both ? marks.b! - marks.a! : 0;
  return html`<div class="marks" role="group" aria-label="Clip">
    <button type="button" class="button mark ${marks.a !== null ? 'is-set' : ''}" onClick=${() => a.mark('a')} data-testid="mark-in" title="Mark the start (I)">
      <${Icon} name="markIn" /><span>${marks.a === null ? 'Mark in' : clock(marks.a, zone)}</span></button>
    <button type="button" class="button mark ${marks.b !== null ? 'is-set' : ''}" onClick=${() => a.mark('b')} data-testid="mark-out" title="Mark the end (O)">
      <${Icon} name="markOut" /><span>${marks.b === null ? 'Mark out' : clock(marks.b, zone)}</span></button>
    ${both
      ? html`<a class="button primary" href=${api.clipURL(id, marks.a!, marks.b!)} download=${fileName(id, marks.a!, zone)} data-testid="download-clip">
          <${Icon} name="download" /><span>Download ${span(length)}</span></a>`
      : html`<button type="button" class="button" disabled data-testid="download-clip-off" title="Mark a start and an end first"><${Icon} name="download" /><span>Download</span></button>`}
    ${both && recorded > 0 && html`<button type="button" class="button" onClick=${() => keep(id, marks.a!, marks.b!)} data-testid="keep" title="Nothing deletes it until somebody releases it">
      <${Icon} name="keep" /><span>Keep</span></button>`}
    ${(marks.a !== null || marks.b !== null) && html`<${IconButton} icon="close" label="Clear marks" onClick=${a.clear} testid="mark-clear" />`}
    ${both && recorded < length - 1000 && html`<p class="marks-note">${recorded > 0 ? `${span(recorded)} of it is recorded` : 'Nothing in it is recorded'}</p>`}
  </div>`;
}

async function keep(id: string, from: number, to: number) {
  try {
    await holds.place(id, from, to);
    say('good', 'Kept: nothing deletes it until it is released, under Status.');
  } catch (e) {
    say('error', e instanceof ApiError ? e.message : 'It could not be kept.');
  }
}

function fileName(id: string, from: number, zone: Zone): string {
  return `${id}_${isoDay(from, zone)}_${clock(from, zone).replaceAll(':', '-')}.mp4`;
}

/** GoTo has the day with its neighbours and a field that reads times as people write them. */
export function GoTo({ at, now, zone, onGo }: { at: number | null; now: () => number; zone: Zone; onGo: (t: number) => void }) {
  const [text, setText] = useState('');
  const [bad, setBad] = useState(false);
  const here = at ?? now();
  const today = dayStart(now(), zone);
  const submit = (e: Event) => {
    e.preventDefault();
    const t = parseTime(text, here, now(), zone);
    if (t === null || t > now() + 1000) return setBad(true);
    setText('');
    (document.activeElement as HTMLElement | null)?.blur();
    onGo(t);
  };
  const pickDay = (e: Event) => {
    const m = /^(\d+)-(\d+)-(\d+)$/.exec((e.target as HTMLInputElement).value);
    if (!m) return;
    const f = fields(here, zone);
    onGo(toMs({ ...f, y: +m[1], m: +m[2], d: +m[3] }, zone));
  };
  const shift = (n: number) => {
    const f = fields(here, zone);
    onGo(toMs({ ...f, d: f.d + n }, zone));
  };
  return html`<div class="goto">
    <div class="goto-day" role="group" aria-label="Day">
      <${IconButton} icon="back" label="Day before" onClick=${() => shift(-1)} testid="day-before" />
      <input type="date" aria-label="Day" value=${isoDay(here, zone)} max=${isoDay(now(), zone)} onChange=${pickDay} data-testid="day-input" />
      <${IconButton} icon="forward" label="Day after" onClick=${() => shift(1)} disabled=${dayStart(here, zone) >= today} testid="day-after" />
    </div>
    <form class="goto-time" onSubmit=${submit}>
      <label class="sr" for="goto">Go to a time</label>
      <input id="goto" class="mono ${bad ? 'is-bad' : ''}" value=${text} placeholder="14:05, yesterday 7pm" autocomplete="off" spellcheck=${false}
        aria-invalid=${bad ? 'true' : undefined} aria-describedby="goto-help" data-testid="goto-input"
        onInput=${(e: InputEvent) => { setText((e.target as HTMLInputElement).value); setBad(false); }}
        onKeyDown=${(e: KeyboardEvent) => { if (e.key === 'Escape') { setText(''); setBad(false); (e.target as HTMLElement).blur(); } }} />
      <button type="submit" class="button" data-testid="goto-submit">Go</button>
      <p id="goto-help" class=${bad ? 'goto-help bad' : 'sr'} role=${bad ? 'alert' : undefined}>${bad ? why(text, here, now(), zone) : 'A time, a date and time, yesterday 19:00, or -10m'}</p>
    </form>
  </div>`;
}

function why(text: string, at: number, now: number, zone: Zone): string {
  const t = parseTime(text, at, now, zone);
  if (t !== null && t > now) return `${stamp(t, zone)} has not come yet.`;
  return 'Write a time as 14:05, 2026-11-23 14:05, yesterday 7pm or -10m.';
}

/** Legend says what the patterns of the time line mean, as far as they are on show. */
export function Legend({ ranges, gaps, view }: { ranges: readonly Footage[]; gaps: readonly Gap[]; view: View }) {
  const seen = (r: { start: number; end: number }) => r.end > view.from && r.start < view.to;
  const whys = new Set(ranges.filter(seen).map((r) => (whyText(r.why) ? r.why : '')));
  const quiet = gaps.some((g) => seen(g) && unasked(g.reason));
  if (!quiet && !['schedule', 'event', 'manual'].some((w) => whys.has(w))) return null;
  const failed = gaps.some((g) => seen(g) && !unasked(g.reason));
  return html`<ul class="legend line-legend" aria-label="What the patterns mean" data-testid="timeline-legend">
    ${whys.has('') && html`<li><span class="solid"></span>All the time</li>`}
    ${whys.has('schedule') && html`<li><span class="solid solid-schedule"></span>By schedule</li>`}
    ${whys.has('event') && html`<li><span class="solid solid-event"></span>By an event</li>`}
    ${whys.has('manual') && html`<li><span class="solid solid-manual"></span>By hand</li>`}
    ${quiet && html`<li><span class="quiet"></span>Not asked for</li>`}
    ${failed && html`<li><span class="hatch"></span>Gap</li>`}
  </ul>`;
}

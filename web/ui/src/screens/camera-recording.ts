// When a camera is recorded: all the time, by a weekly schedule, when something happens, or both.
import { html } from 'htm/preact';
import type { Day, RecordMode, Window } from '../types';
import { Field } from '../ui/kit';
import { Icon } from '../icons';
import type { Values } from './camera-input';
import { byEvent, dayNames, days, scheduled, windowText } from './record-mode';

const modes: [RecordMode, string, string][] = [
  ['continuous', 'All the time', ''],
  ['scheduled', 'By a schedule', 'Nothing is recorded outside of these windows.'],
  ['event', 'When something happens', 'An event of a zone or a worker, or somebody at the panel, begins a recording.'],
  ['scheduled_event', 'By a schedule, and when something happens', 'All of these windows, and what happens between them.'],
];

type Part = { v: Values; onChange: (v: Partial<Values>) => void; errors: Record<string, string> };

/** Recording is the part of a camera's form that says when it is recorded. */
export function Recording({ v, onChange, errors }: Part) {
  if (!v.record) return null;
  const hint = modes.find(([m]) => m === v.mode)?.[2];
  const pick = (e: Event) => {
    const mode = (e.target as HTMLSelectElement).value as RecordMode;
    onChange({ mode, ...(scheduled(mode) && !v.schedule.length && { schedule: [{ days: [...days], from: '22:00', to: '06:00' }] }) });
  };
  return html`
    <div class="field ${errors.record_mode ? 'field-bad' : ''}"><label for="record_mode">When</label>
      <div class="field-box"><select id="record_mode" value=${v.mode} onChange=${pick} data-testid="camera-mode" aria-describedby=${[errors.record_mode && 'record_mode-error', hint && 'record_mode-hint'].filter(Boolean).join(' ') || undefined}>
        ${modes.map(([m, text]) => html`<option key=${m} value=${m} selected=${m === v.mode}>${text}</option>`)}</select></div>
      ${errors.record_mode && html`<p class="field-error" id="record_mode-error"><${Icon} name="warn" size=${16} />${errors.record_mode}</p>`}
      ${hint && html`<p class="field-hint" id="record_mode-hint">${hint}</p>`}</div>
    ${scheduled(v.mode) && html`<${Schedule} list=${v.schedule} error=${errors.schedule} onChange=${(schedule: Window[]) => onChange({ schedule })} />`}
    ${byEvent(v.mode) && html`<div class="pair">
      <${Field} id="preroll_s" label="Seconds before it" value=${v.preroll} onInput=${(preroll: string) => onChange({ preroll })} error=${errors.preroll_s} inputmode="numeric" testid="camera-preroll" hint="1 to 60, kept in memory." />
      <${Field} id="postroll_s" label="Seconds after it" value=${v.postroll} onInput=${(postroll: string) => onChange({ postroll })} error=${errors.postroll_s} inputmode="numeric" testid="camera-postroll" hint="5 to 600; anew with all that happens meanwhile." />
    </div>`}`;
}

/** Schedule is a table of weekly windows: a row says its days and its times. */
function Schedule({ list, error, onChange }: { list: Window[]; error?: string; onChange: (l: Window[]) => void }) {
  const set = (i: number, w: Partial<Window>) => onChange(list.map((x, n) => (n === i ? { ...x, ...w } : x)));
  const flip = (i: number, d: Day, on: boolean) => set(i, { days: days.filter((x) => (x === d ? on : list[i].days.includes(x))) });
  const time = (i: number, k: 'from' | 'to') => html`<input class="time" value=${list[i][k]} size=${5} maxlength=${5} placeholder="22:00" aria-label="Window ${i + 1}, ${k}" data-testid="window-${k}-${i}"
    onInput=${(e: Event) => set(i, { [k]: (e.target as HTMLInputElement).value.trim() })} />`;
  return html`<div class="schedule ${error ? 'field-bad' : ''}">
    <div class="table-box"><table class="table" data-testid="schedule"><caption class="sr">Weekly windows, in the recorder's time zone</caption>
      <thead><tr><th scope="col"><span class="sr">Window</span></th>${days.map((d) => html`<th scope="col" key=${d}><abbr title=${dayNames[d]}>${dayNames[d].slice(0, 2)}</abbr></th>`)}<th scope="col">From</th><th scope="col">To</th><th scope="col"><span class="sr">Remove</span></th></tr></thead>
      <tbody>${list.map((w, i) => html`<tr key=${i}><th scope="row"><span class="sr">Window</span> ${i + 1}</th>
        ${days.map((d) => html`<td key=${d} data-label=${dayNames[d].slice(0, 2)}><label class="tick"><input type="checkbox" checked=${w.days.includes(d)} onChange=${(e: Event) => flip(i, d, (e.target as HTMLInputElement).checked)} data-testid="window-${d}-${i}" aria-label="Window ${i + 1}, ${dayNames[d]}" /></label></td>`)}
        <td class="at" data-label="From">${time(i, 'from')}</td><td class="at" data-label="To">${time(i, 'to')}</td>
        <td><button type="button" class="ib" aria-label="Remove window ${i + 1}" onClick=${() => onChange(list.filter((_, n) => n !== i))}><${Icon} name="trash" /></button></td></tr>`)}</tbody></table></div>
    <p class="field-hint">${list.map((w) => windowText(w)).join('; ') || 'No window yet.'}</p>
    <div role="status">${error && html`<p class="field-error" id="schedule" tabIndex=${-1}><${Icon} name="warn" size=${16} />${error}</p>`}</div>
    <p><button type="button" class="button small" disabled=${list.length >= 64} onClick=${() => onChange([...list, { days: [...days], from: '08:00', to: '18:00' }])} data-testid="window-add">Add a window</button></p>
  </div>`;
}

// The time line as a table: the same facts without a canvas.
import { html } from 'htm/preact';
import { gapReason, span, stamp, unasked, whyText, type Zone } from '../format';
import type { Footage, Gap } from '../types';
import { rows, type View } from './model';

const most = 200;

export function List({ view, ranges, gaps, at, zone, onGo }: {
  view: View; ranges: readonly Footage[]; gaps: readonly Gap[]; at: number | null; zone: Zone; onGo: (t: number) => void;
}) {
  const all = rows(ranges, gaps, view);
  if (!all.length) return html`<p class="muted pad">Nothing recorded in the time on show.</p>`;
  return html`<div class="table-box"><table class="table" data-testid="timeline-list">
    <caption class="sr">Recordings and gaps between ${stamp(view.from, zone)} and ${stamp(view.to, zone)}</caption>
    <thead><tr><th scope="col">From</th><th scope="col">To</th><th scope="col">Length</th><th scope="col">What</th><th scope="col"><span class="sr">Go</span></th></tr></thead>
    <tbody>${all.slice(0, most).map((r) => html`<tr key=${r.kind + r.start} aria-current=${at !== null && at >= r.start && at < r.end ? 'true' : undefined}>
      <td class="mono">${stamp(r.start, zone)}</td><td class="mono">${stamp(r.end, zone)}</td><td>${span(r.end - r.start)}</td>
      <td>${r.kind === 'recorded' ? html`<span class="solid solid-${r.why ?? ''}" aria-hidden="true"></span>Recorded ${whyText(r.why)}`
        : unasked(r.reason) ? html`<span class="quiet" aria-hidden="true"></span>Not recorded: ${gapReason(r.reason)}` : html`<span class="hatch" aria-hidden="true"></span>Gap: ${gapReason(r.reason)}`}</td>
      <td>${r.kind === 'recorded' && html`<button type="button" class="button small" onClick=${() => onGo(Math.max(r.start, view.from))}>Play<span class="sr"> from ${stamp(r.start, zone)}</span></button>`}</td>
    </tr>`)}</tbody>
  </table>${all.length > most && html`<p class="muted pad">${all.length - most} more: zoom in to see them.</p>`}</div>`;
}

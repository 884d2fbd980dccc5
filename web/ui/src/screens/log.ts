// The recorder's log, for whoever looks for a fault.
import { html } from 'htm/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api';
import { Icon } from '../icons';
import { log, type LogQuery } from '../machine';
import { stale } from '../store';
import { useTry, Wrong } from '../ui/ask';
import { lineLevel } from './machine-words';

const levels = [['debug', 'Everything'], ['info', 'Information and above'], ['warn', 'Warnings and errors'], ['error', 'Errors']];
const shown = 200;

/** Log shows the newest lines once somebody wants to see them. */
export function Log() {
  const [open, setOpen] = useState(false);
  return html`<div class="log">
    <p><button type="button" class="button" aria-expanded=${open} onClick=${() => setOpen(!open)} data-testid="log-open">${open ? 'Hide the log' : 'Show the log'}</button></p>
    ${open && html`<${Lines} />`}
  </div>`;
}

function Lines() {
  const [q, setQ] = useState<LogQuery>({ lines: shown, level: 'info', previous: false });
  const [lines, setLines] = useState<string[] | null>(null);
  const [none, setNone] = useState(false);
  const box = useRef<HTMLPreElement>(null);
  const { busy, error, go } = useTry();
  const load = () => go(async () => {
    try {
      setLines((await log.read(q)).split('\n').filter(Boolean));
    } catch (e) {
      if (!(e instanceof ApiError && e.status === 501)) throw e;
      setNone(true);
    }
  });
  useEffect(() => void load(), [q]);
  useEffect(() => { // the newest are at the end
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  if (none) return html`<p class="muted" role="status" data-testid="log-none">This recorder does not keep its log: whoever runs it does.</p>`;
  const all = { ...q, lines: 20_000 };
  return html`
    <div class="press-row log-tools">
      <label class="pick small">Level <select value=${q.level} onChange=${(e: Event) => setQ({ ...q, level: (e.target as HTMLSelectElement).value })} data-testid="log-level">
        ${levels.map(([value, label]) => html`<option key=${value} value=${value}>${label}</option>`)}</select></label>
      <label class="pick small">Of <select value=${q.previous ? 'before' : 'now'} onChange=${(e: Event) => setQ({ ...q, previous: (e.target as HTMLSelectElement).value === 'before' })} data-testid="log-run">
        <option value="now">this run</option><option value="before">the runs before</option></select></label>
      <button type="button" class="button small" disabled=${busy || stale.value} onClick=${load} data-testid="log-again">Read again</button>
      <a class="button small" href=${log.url(all)} download="vedette${q.previous ? '-before' : ''}.log" data-testid="log-download"><${Icon} name="download" size=${16} />Download all</a>
    </div>
    <${Wrong} error=${error} />
    ${lines && html`<pre ref=${box} class="log-lines mono" tabIndex=${0} role="region" aria-label="The newest lines of the log" data-testid="log-lines">${lines.length === 0 ? 'Nothing was logged.' : lines.map((l, i) => html`<span key=${i} class="log-${lineLevel(l)}">${l}${'\n'}</span>`)}</pre>`}`;
}

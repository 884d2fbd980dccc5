// The audit: who did what. For administrators.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { audit as api, deedText, type Deed } from '../access';
import { plural, stamp } from '../format';
import { say, zone } from '../store';
import { useTry, Wrong } from '../ui/ask';
import { Field } from '../ui/kit';

const results = { ok: 'done', denied: 'denied', failed: 'failed' };

export function AuditCard() {
  const [list, setList] = useState<Deed[]>([]);
  const [next, setNext] = useState(0);
  const [text, setText] = useState('');
  const [checked, setChecked] = useState('');
  const { busy, error, go } = useTry();
  const load = (before = 0, about = text) => go(async () => {
    const page = await api.list({ limit: '50', ...(about && { text: about }), ...(before && { before: String(before) }) });
    setList((old) => (before ? [...old, ...page.entries] : page.entries));
    setNext(page.next ?? 0);
  });
  useEffect(() => void load(), []);
  const verify = async () => {
    try {
      const r = await api.verify();
      setChecked(r.ok ? `Unbroken: ${plural(r.entries, 'entry', 'entries')} follow on each other.` : `Changed from outside at entry ${r.broken_at}: ${r.reason}.`);
    } catch (e) {
      say('error', (e as Error).message);
    }
  };
  const search = (e: Event) => {
    e.preventDefault();
    // What the field holds: Enter may come before it was drawn again.
    void load(0, new FormData(e.currentTarget as HTMLFormElement).get('audit-text') as string);
  };
  return html`<section class="card span2" aria-labelledby="audit-h"><h2 id="audit-h">Audit</h2>
    <form class="row" onSubmit=${search}><${Field} id="audit-text" label="Search" value=${text} onInput=${setText} testid="audit-text" /><button type="submit" class="button" disabled=${busy}>Search</button></form>
    <${Wrong} error=${error} />
    <div class="table-box"><table class="table stackable" data-testid="audit">
      <thead><tr><th scope="col">When</th><th scope="col">Who</th><th scope="col">What</th><th scope="col">From</th><th scope="col">Result</th></tr></thead>
      <tbody>${list.map((d) => html`<tr key=${d.seq}><td data-label="When" class="mono">${stamp(Date.parse(d.time), zone.value)}</td><th scope="row">${d.actor || 'somebody'}</th>
        <td data-label="What">${deedText(d)}</td><td data-label="From" class="mono">${d.address ?? ''}</td>
        <td data-label="Result">${d.result === 'ok' ? results.ok : html`<span class="tag tag-bad">${results[d.result]}</span>`}</td></tr>`)}</tbody>
    </table></div>
    <p class="actions">${next > 0 && html`<button type="button" class="button" disabled=${busy} onClick=${() => load(next)}>Earlier</button> `}
      <button type="button" class="button" onClick=${verify} data-testid="audit-verify">Check that nothing was changed</button>
      <a class="button" href=${api.exportURL('csv')} download>Table (CSV)</a> <a class="button" href=${api.exportURL('jsonl')} download>JSON lines</a></p>
    <p role="status" data-testid="audit-checked">${checked}</p>
  </section>`;
}

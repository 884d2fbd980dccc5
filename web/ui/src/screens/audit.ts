// The audit: who did what. For administrators.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { audit as api, auditQuery, deedText, type AuditQuery, type Deed } from '../access';
import { plural, stamp } from '../format';
import { cameraList, say, zone } from '../store';
import { useTry, Wrong } from '../ui/ask';
import { Field } from '../ui/kit';

const results = { ok: 'done', denied: 'denied', failed: 'failed' };

/** The first words of actions, and what they are about. */
const kinds: [string, string][] = [
  ['login', 'Signing in'], ['setup', 'Claiming and the setup window'], ['user', 'People'], ['session', 'Sessions'], ['password', 'Passwords'], ['totp', 'Second factors'],
  ['key', 'Keys of machines'], ['camera', 'Cameras'], ['footage', 'Exports'], ['hold', 'Kept footage'], ['retention', 'How long footage is kept'], ['volume', 'Disks in use'],
  ['disk', 'Disks of the machine'], ['system', 'Updates, restarts, resets'], ['tls', 'The certificate'], ['outgoing', 'Where it connects to'], ['secrets', 'Secrets'],
  ['backup', 'Backups'], ['audit', 'The audit itself'], ['log', 'The log'], ['support', 'Support bundles'], ['denied', 'What was denied'],
];

export function AuditCard() {
  const [list, setList] = useState<Deed[]>([]);
  const [next, setNext] = useState(0);
  const [query, setQuery] = useState<AuditQuery>({});
  const { busy, error, go } = useTry();
  const load = (q: AuditQuery, before = 0) => go(async () => {
    const page = await api.list(q, before);
    setQuery(q);
    setList((old) => (before ? [...old, ...page.entries] : page.entries));
    setNext(page.next ?? 0);
  });
  useEffect(() => void load({}), []);
  return html`<section class="card span2" aria-labelledby="audit-h"><h2 id="audit-h">Audit</h2>
    <${Filters} busy=${busy} onAsk=${(q: AuditQuery) => void load(q)} />
    <${Wrong} error=${error} />
    <div class="table-box"><table class="table stackable" data-testid="audit">
      <thead><tr><th scope="col">When</th><th scope="col">Who</th><th scope="col">What</th><th scope="col">From</th><th scope="col">Result</th></tr></thead>
      <tbody>${list.map((d) => html`<tr key=${d.seq}><td data-label="When" class="mono">${stamp(Date.parse(d.time), zone.value)}</td><th scope="row">${d.actor || 'somebody'}</th>
        <td data-label="What">${deedText(d)}</td><td data-label="From" class="mono">${d.address ?? ''}</td>
        <td data-label="Result">${d.result === 'ok' ? results.ok : html`<span class="tag tag-bad">${results[d.result]}</span>`}</td></tr>`)}</tbody>
    </table></div>
    ${list.length === 0 && !busy && !error && html`<p class="muted" role="status" data-testid="audit-none">Nothing like that is written down.</p>`}
    ${next > 0 && html`<p><button type="button" class="button" disabled=${busy} onClick=${() => load(query, next)} data-testid="audit-earlier">Earlier</button></p>`}
    <${Proof} query=${query} />
  </section>`;
}

/** Filters has what is looked for typed and chosen. */
function Filters({ busy, onAsk }: { busy: boolean; onAsk: (q: AuditQuery) => void }) {
  const [said, setSaid] = useState<AuditQuery>({});
  const put = (k: keyof AuditQuery) => (v: string) => setSaid((old) => ({ ...old, [k]: v }));
  const submit = (e: Event) => {
    e.preventDefault();
    // What the fields hold: Enter may come before they were drawn again.
    const form = Object.fromEntries([...new FormData(e.currentTarget as HTMLFormElement)].map(([k, v]) => [k.replace('audit-', ''), String(v)]));
    onAsk(auditQuery(form, zone.value));
  };
  const clear = () => [setSaid({}), onAsk({})];
  const field = (k: keyof AuditQuery, label: string, type = 'text') => html`<${Field} id="audit-${k}" label=${label} type=${type} value=${said[k] ?? ''} onInput=${put(k)} testid="audit-${k}" />`;
  const pick = (k: 'action' | 'camera', label: string, all: string, options: [string, string][]) => html`<div class="field"><label for="audit-${k}">${label}</label>
    <select id="audit-${k}" name="audit-${k}" value=${said[k] ?? ''} onChange=${(e: Event) => put(k)((e.target as HTMLSelectElement).value)} data-testid="audit-${k}">
      <option value="">${all}</option>${options.map(([v, name]) => html`<option key=${v} value=${v}>${name}</option>`)}</select></div>`;
  return html`<form onSubmit=${submit} class="filters"><div class="row">${field('text', 'Search')}<button type="submit" class="button" disabled=${busy} data-testid="audit-search">Search</button></div>
    <details data-testid="audit-more"><summary>By person, kind, camera or day</summary><div class="row">
      ${field('actor', 'Who')}${pick('action', 'What', 'Everything', kinds)}${pick('camera', 'Camera', 'All cameras', cameraList.value.map((c) => [c.id, c.name]))}
      ${field('from', 'First day', 'date')}${field('to', 'Last day', 'date')}
      <button type="button" class="button" onClick=${clear} data-testid="audit-clear">Clear</button></div></details></form>`;
}

/** Proof checks the chain, and gives the audit away as a file. */
function Proof({ query }: { query: AuditQuery }) {
  const [checked, setChecked] = useState('');
  const [busy, setBusy] = useState(false);
  const verify = async () => {
    setBusy(true);
    try {
      const r = await api.verify();
      setChecked(r.ok ? `Unbroken: ${plural(r.entries, 'entry', 'entries')} follow on each other.` : `Changed from outside at entry ${r.broken_at}: ${r.reason}.`);
    } catch (e) {
      say('error', (e as Error).message);
    } finally {
      setBusy(false);
    }
  };
  const days = query.from || query.to ? ' of these days' : '';
  return html`<p class="actions"><button type="button" class="button" disabled=${busy} onClick=${verify} data-testid="audit-verify">${busy ? 'Checking…' : 'Check that nothing was changed'}</button>
      <a class="button" href=${api.exportURL('csv', query)} download data-testid="audit-csv">Table${days} (CSV)</a> <a class="button" href=${api.exportURL('jsonl', query)} download data-testid="audit-jsonl">JSON lines${days}</a></p>
    <p role="status" data-testid="audit-checked">${checked}</p>`;
}

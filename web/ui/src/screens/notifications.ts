// Where the recorder tells of what happens: webhooks, mail, MQTT. For administrators.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api';
import { ago, plural, sentence, stamp } from '../format';
import { Icon } from '../icons';
import { deliveryText, formOf, notifications as api, subscriptionOf, type Delivery, type Kind, type Subscription, type SubscriptionForm } from '../outward';
import { boxNow, say, stale, zone } from '../store';
import { Ask } from '../ui/ask';
import { Choice, Dialog, Field, Toggle } from '../ui/kit';
import { Select } from '../zones/form';
import { PickCameras } from './incidents';

const kinds: Record<Kind, string> = { webhook: 'Webhook', mail: 'Mail', mqtt: 'MQTT' };

export function NotificationsCard() {
  const [list, setList] = useState<Subscription[] | null>(null);
  const [edit, setEdit] = useState<Subscription | Kind | null>(null);
  const [gone, setGone] = useState<Subscription | null>(null);
  const [shown, setShown] = useState<Subscription | null>(null);
  const load = () => api.list().then(setList, () => setList(null));
  useEffect(() => {
    void load();
    const t = setInterval(() => document.hidden || void load(), 10_000);
    return () => clearInterval(t);
  }, []);
  if (!list) return null;
  const close = () => [setEdit(null), setGone(null), setShown(null), void load()];
  return html`<section class="card span2" aria-labelledby="notifications-h"><h2 id="notifications-h">Notifications</h2>
    ${!list.length && html`<p class="muted">None yet: what happens is told in this panel alone.</p>`}
    <ul class="subs" data-testid="notifications">${list.map((s) => html`<${Sub} key=${s.id} s=${s} onEdit=${() => setEdit(s)} onGone=${() => setGone(s)} onShow=${() => setShown(s)} onChanged=${load} />`)}</ul>
    <p class="actions">${(Object.keys(kinds) as Kind[]).map((k) => html`<button key=${k} type="button" class="button" disabled=${stale.value} onClick=${() => setEdit(k)} data-testid="notify-add-${k}">Add ${k === 'mail' ? 'mail' : `a${k === 'mqtt' ? 'n' : ''} ${k === 'mqtt' ? 'MQTT broker' : 'webhook'}`}…</button>`)}</p>
    ${edit && html`<${SubDialog} s=${typeof edit === 'string' ? undefined : edit} kind=${typeof edit === 'string' ? edit : edit.kind} onClose=${close} />`}
    ${shown && html`<${Deliveries} s=${shown} onClose=${close} />`}
    ${gone && html`<${Ask} title="Remove ${gone.name}?" verb="Remove" act=${() => api.remove(gone.id)} onClose=${close} testid="notify-gone"><p>Nothing is sent there any more, and its secret is forgotten.</p><//>`}
  </section>`;
}

const target = (s: Subscription) => s.webhook?.url ?? s.mqtt?.url ?? (s.mail ? `${(s.mail.to ?? []).join(', ')} by ${s.mail.host}` : '');

/** Sub is one place that is told, and how that goes. */
function Sub({ s, onEdit, onGone, onShow, onChanged }: { s: Subscription; onEdit: () => void; onGone: () => void; onShow: () => void; onChanged: () => void }) {
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState<{ ok: boolean; text: string } | null>(null);
  const st = s.state ?? {};
  const since = (t?: string) => ago(boxNow.value - Date.parse(t ?? ''));
  const bad = !!st.halted || !!st.failing_since;
  const test = async () => {
    setBusy(true);
    setResult(null);
    try {
      const d = await api.test(s.id);
      const ok = !d?.result || d.result === 'sent';
      setResult({ ok, text: ok ? `Sent${d?.took_ms !== undefined ? `, in ${d.took_ms} ms` : ''}.` : `${deliveryText(d!)}${d?.error ? `: ${d.error}` : ''}.` });
    } catch (e) {
      setResult({ ok: false, text: (e as Error).message });
    } finally {
      setBusy(false);
    }
  };
  const flip = () => api.change(s.id, { enabled: !s.enabled }).then(onChanged, (e) => say('error', e.message));
  return html`<li class="sub" data-testid="notify-${s.name}">
    <p class="sub-head"><b>${s.name}</b> <span class="tag">${kinds[s.kind] ?? s.kind}</span>
      ${!s.enabled ? html`<span class="tag">switched off</span>` : html`<span class="tag ${bad ? 'tag-bad' : 'tag-good'}"><${Icon} name=${bad ? 'warn' : 'check'} size=${14} />${st.halted ? 'stands still' : bad ? `failing since ${stamp(Date.parse(st.failing_since!), zone.value)}` : 'in order'}</span>`}</p>
    <p class="mono small sub-where">${target(s)}</p>
    <p class="muted small">${s.types.join(', ') === '*' ? 'Everything' : s.types.join(', ')}, ${s.min_severity === 'info' ? 'however serious' : s.min_severity === 'critical' ? 'if critical' : 'from warnings on'} · ${st.last_sent_at ? `last sent ${since(st.last_sent_at)}` : 'nothing sent yet'}${st.pending ? ` · ${plural(st.pending, 'event')} waiting` : ''}</p>
    ${bad && (st.halted || st.last_error) && html`<p class="small bad">${sentence(st.halted || st.last_error || '')}</p>`}
    <div role="status">${result && html`<p class="verdict ${result.ok ? 'verdict-ok' : 'verdict-bad'}" data-testid="notify-result" data-ok=${result.ok}><${Icon} name=${result.ok ? 'check' : 'cross'} />${result.text}</p>`}</div>
    <p class="actions"><button type="button" class="button small" disabled=${busy || stale.value} onClick=${test} data-testid="notify-test-${s.name}">${busy ? 'Sending…' : 'Send a test'}<span class="sr"> to ${s.name}</span></button>
      <button type="button" class="button small" onClick=${onShow} data-testid="notify-log-${s.name}">Deliveries<span class="sr"> to ${s.name}</span></button>
      <button type="button" class="button small" disabled=${stale.value} onClick=${flip}>${s.enabled ? 'Switch off' : 'Switch on'}<span class="sr"> ${s.name}</span></button>
      <button type="button" class="button small" disabled=${stale.value} onClick=${onEdit} data-testid="notify-edit-${s.name}">Change…<span class="sr"> ${s.name}</span></button>
      <button type="button" class="button small" disabled=${stale.value} onClick=${onGone} data-testid="notify-remove-${s.name}">Remove…<span class="sr"> ${s.name}</span></button></p>
  </li>`;
}

function Deliveries({ s, onClose }: { s: Subscription; onClose: () => void }) {
  const [list, setList] = useState<Delivery[] | null>(null);
  const [failed, setFailed] = useState('');
  useEffect(() => void api.deliveries(s.id).then(setList, (e) => setFailed(e.message)), []);
  return html`<${Dialog} title="Deliveries to ${s.name}" wide onClose=${onClose} testid="deliveries">
    ${failed && html`<p class="form-error" role="alert"><${Icon} name="warn" />${failed}</p>`}
    ${list && !list.length && html`<p class="muted">None yet.</p>`}
    ${list && list.length > 0 && html`<div class="table-box"><table class="table stackable"><thead><tr><th scope="col">When</th><th scope="col">Event</th><th scope="col">Try</th><th scope="col">How it ended</th><th scope="col">Took</th></tr></thead>
      <tbody>${list.map((d, i) => html`<tr key=${i}><th scope="row" class="mono">${stamp(Date.parse(d.at), zone.value)}</th><td data-label="Event">${d.type} <small class="muted mono">${d.event_seq}</small></td><td data-label="Try">${d.attempt}</td>
        <td data-label="How it ended" class=${d.result === 'sent' ? '' : 'bad'}>${deliveryText(d)}${d.error && html`<small class="why">${sentence(d.error)}</small>`}</td><td data-label="Took" class="mono">${d.took_ms} ms</td></tr>`)}</tbody></table></div>`}
  <//>`;
}

function SubDialog({ s, kind, onClose }: { s?: Subscription; kind: Kind; onClose: () => void }) {
  const [f, setF] = useState<SubscriptionForm>(() => ({ ...formOf(s), kind }));
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  const set = <K extends keyof SubscriptionForm>(k: K) => (v: SubscriptionForm[K]) => setF((o) => ({ ...o, [k]: v }));
  const submit = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    try {
      await (s ? api.change(s.id, subscriptionOf(f, true)) : api.add(subscriptionOf(f)));
      say('good', `${f.name.trim()} was saved.`);
      onClose();
    } catch (err) {
      const a = err as ApiError;
      // webhook.url, mail.host: the form knows them by their last word.
      const field = (a.field ?? 'form').split('.').pop()!.replace(/\[.*/, '');
      setErrors({ [field === 'password' ? 'secret' : field]: a.message });
    } finally {
      setBusy(false);
    }
  };
  const known = ['name', 'types', 'min_severity', 'url', 'secret', 'host', 'port', 'tls', 'username', 'from', 'to', 'prefix', 'discovery_prefix'];
  const rest = Object.entries(errors).filter(([k]) => !known.includes(k)).map(([, m]) => m).join(' ');
  const secret = (label: string, hint?: string) => html`<${Field} id="secret" label=${label} type="password" required=${false} value=${f.secret} onInput=${set('secret')} error=${errors.secret} autocomplete="new-password" testid="notify-secret"
    placeholder=${s?.secret_set ? 'unchanged' : ''} hint=${s?.secret_set ? 'One is stored. It is never shown; write a new one to replace it.' : hint} />`;
  const user = html`<${Field} id="username" label="User name" required=${false} value=${f.username} onInput=${set('username')} error=${errors.username} testid="notify-user" />`;
  return html`<${Dialog} title=${s ? s.name : `Add: ${kinds[kind]}`} onClose=${onClose} testid="notify-dialog"><form class="ask" onSubmit=${submit}>
    <${Field} id="name" label="Name" value=${f.name} onInput=${set('name')} error=${errors.name} placeholder="Phone of the caretaker" testid="notify-name" />
    ${kind === 'webhook' && html`<${Field} id="url" label="Address" value=${f.url} onInput=${set('url')} error=${errors.url} mono placeholder="https://example.org/hook" testid="notify-url" hint="Outside of your network only if Connections allows it." />
      ${secret('Secret', 'Signs what is sent (HMAC-SHA256), so that the receiver knows it is from here.')}`}
    ${kind === 'mail' && html`<div class="pair"><${Field} id="host" label="Mail server" value=${f.host} onInput=${set('host')} error=${errors.host} mono placeholder="smtp.example.org" testid="notify-host" />
      <${Field} id="port" label="Port" value=${f.port} onInput=${set('port')} error=${errors.port} inputmode="numeric" testid="notify-port" /></div>
      <div class="field"><span class="label">Encryption</span><${Choice} label="Encryption" value=${f.tls} onPick=${set('tls')} testid="notify-tls" options=${[{ value: 'tls', label: 'TLS' }, { value: 'starttls', label: 'STARTTLS' }, { value: 'none', label: 'None' }]} />
        ${f.tls === 'none' && html`<p class="warnline small"><${Icon} name="warn" size=${16} /> Everybody on the way can read the mails and the password.</p>`}</div>
      <div class="pair">${user}${secret('Password')}</div>
      <${Field} id="from" label="From" value=${f.from} onInput=${set('from')} error=${errors.from} mono placeholder="recorder@example.org" testid="notify-from" />
      <${Field} id="to" label="To" value=${f.to} onInput=${set('to')} error=${errors.to} mono placeholder="ann@example.org, ben@example.org" testid="notify-to" />`}
    ${kind === 'mqtt' && html`<${Field} id="url" label="Broker" value=${f.url} onInput=${set('url')} error=${errors.url} mono placeholder="mqtts://broker.local" testid="notify-url" hint="mqtt:// or, encrypted, mqtts://" />
      <div class="pair">${user}${secret('Password')}</div>
      <${Field} id="prefix" label="Topics begin with" value=${f.prefix} onInput=${set('prefix')} error=${errors.prefix} mono testid="notify-prefix" />
      <${Toggle} id="discovery" label="Home Assistant finds it by itself" checked=${f.discovery} onChange=${set('discovery')} testid="notify-discovery" />
      ${f.discovery && html`<${Field} id="discovery_prefix" label="Where Home Assistant looks" value=${f.discovery_prefix} onInput=${set('discovery_prefix')} error=${errors.discovery_prefix} mono />`}`}
    <${Field} id="types" label="Kinds of events" value=${f.types} onInput=${set('types')} error=${errors.types} mono testid="notify-types" hint="* is everything; or zone_*, camera_offline, with commas." />
    <${Select} id="min_severity" label="At least" value=${f.min_severity} onPick=${set('min_severity')} error=${errors.min_severity} options=${[['info', 'Information'], ['warning', 'Warning'], ['critical', 'Critical']]} />
    <${Toggle} id="notify-all" label="All cameras" hint="And what is of no camera." checked=${f.cameras === null} onChange=${(on: boolean) => set('cameras')(on ? null : [])} testid="notify-all" />
    ${f.cameras && html`<${PickCameras} legend="These cameras" value=${f.cameras} onChange=${set('cameras')} />`}
    <${Toggle} id="notify-on" label="Switched on" checked=${f.enabled} onChange=${set('enabled')} testid="notify-on" />
    <div role="alert">${rest && html`<p class="form-error"><${Icon} name="warn" />${rest}</p>`}</div>
    <div class="dialog-foot"><button type="button" class="button" onClick=${onClose}>Cancel</button><button type="submit" class="button primary" disabled=${busy || !f.name.trim()} data-testid="notify-save">Save</button></div>
  </form><//>`;
}

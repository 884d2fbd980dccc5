// The relay: what workers saw, handed on to a NATS server. For administrators.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api';
import { ago, plural, sentence } from '../format';
import { Icon } from '../icons';
import { relay as api, type RelayState } from '../outward';
import { boxNow, say, stale } from '../store';
import { Choice, Field, Toggle } from '../ui/kit';

interface Form {
  enabled: boolean;
  url: string;
  stream: string;
  subject: string;
  way: string;
  username: string;
  secret: string;
}

const formOf = (r: RelayState): Form => ({ enabled: r.enabled, url: r.url ?? '', stream: r.stream ?? '', subject: r.subject ?? '', way: r.username || !r.secret_set ? 'password' : 'token', username: r.username ?? '', secret: '' });

/** relayOf makes a request of the form; a secret goes with it only when one was written. Pure. */
export function relayOf(f: Form): object {
  return {
    enabled: f.enabled, url: f.url.trim(), stream: f.stream.trim(), subject: f.subject.trim(), username: f.way === 'password' ? f.username.trim() : '',
    ...(f.secret && { [f.way]: f.secret }),
  };
}

export function RelayCard() {
  const [now, setNow] = useState<RelayState | null>(null);
  const [f, setF] = useState<Form | null>(null);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    const load = () => api.get().then((r) => { setNow(r); setF((o) => o ?? formOf(r)); }, () => undefined);
    void load();
    const t = setInterval(() => document.hidden || void load(), 10_000);
    return () => clearInterval(t);
  }, []);
  if (!now || !f) return null;
  const set = <K extends keyof Form>(k: K) => (v: Form[K]) => setF((o) => ({ ...o!, [k]: v }));
  const submit = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    setErrors({});
    try {
      const r = await api.set(relayOf(f));
      setNow(r ?? now);
      setF((o) => ({ ...o!, secret: '' }));
      say('good', 'The relay was set.');
    } catch (err) {
      const a = err as ApiError;
      const field = a.field ?? 'form';
      setErrors({ [['password', 'token', 'creds'].includes(field) ? 'secret' : field]: a.message });
    } finally {
      setBusy(false);
    }
  };
  const st = now.state ?? {};
  const rest = Object.entries(errors).filter(([k]) => !['url', 'stream', 'subject', 'username', 'secret'].includes(k)).map(([, m]) => m).join(' ');
  return html`<section class="card span2" aria-labelledby="relay-h"><h2 id="relay-h">Relay</h2>
    <p class="muted">Hands on what workers saw to a NATS server with JetStream, as the way from many recorders to one place.</p>
    ${now.enabled && html`<p data-testid="relay-state">${st.last_error ? html`<span class="bad"><${Icon} name="warn" size=${16} /> ${sentence(st.last_error)}</span>` : st.last_ack_at ? html`<${Icon} name="check" size=${16} /> Last taken ${ago(boxNow.value - Date.parse(st.last_ack_at))}.` : 'Nothing was taken yet.'}
      ${st.pending ? ` ${plural(st.pending, 'report')} waiting.` : ''}${st.dropped ? html` <span class="warnline">${plural(st.dropped, 'report')} were too old before they could go.</span>` : ''}</p>`}
    <form class="relay-form" onSubmit=${submit}>
      <${Toggle} id="relay-on" label="Switched on" checked=${f.enabled} onChange=${set('enabled')} testid="relay-on" />
      <${Field} id="url" label="Server" value=${f.url} onInput=${set('url')} error=${errors.url} mono placeholder="tls://nats.example.org:4222" testid="relay-url" />
      <div class="pair"><${Field} id="stream" label="Stream" value=${f.stream} onInput=${set('stream')} error=${errors.stream} mono testid="relay-stream" />
        <${Field} id="subject" label="Subjects begin with" value=${f.subject} onInput=${set('subject')} error=${errors.subject} mono testid="relay-subject" /></div>
      <div class="field"><span class="label">Signs in with</span><${Choice} label="Signs in with" value=${f.way} onPick=${set('way')} testid="relay-way" options=${[{ value: 'password', label: 'Password' }, { value: 'token', label: 'Token' }, { value: 'creds', label: 'Credentials' }]} /></div>
      ${f.way === 'password' && html`<${Field} id="relay-user" label="User name" value=${f.username} onInput=${set('username')} error=${errors.username} testid="relay-user" />`}
      <${Field} id="relay-secret" label=${f.way === 'password' ? 'Password' : f.way === 'token' ? 'Token' : 'What the credentials file holds'} type="password" required=${false} value=${f.secret} onInput=${set('secret')} error=${errors.secret} autocomplete="new-password" testid="relay-secret"
        placeholder=${now.secret_set ? 'unchanged' : ''} hint=${now.secret_set ? 'One is stored. It is never shown; write a new one to replace it.' : undefined} />
      <div role="alert">${rest && html`<p class="form-error"><${Icon} name="warn" />${rest}</p>`}</div>
      <button type="submit" class="button" disabled=${busy || stale.value} data-testid="relay-save">${busy ? 'Saving…' : 'Save'}</button>
    </form></section>`;
}

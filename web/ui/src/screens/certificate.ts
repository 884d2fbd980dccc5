// The certificate of the panel: what it is, how devices come to trust it, and where else one may come from. For administrators.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { certificateOf, box as api, type Certificate, type CertificateForm } from '../access';
import { day, stamp } from '../format';
import { Icon } from '../icons';
import { say, stale, zone } from '../store';
import { useTry, Wrong } from '../ui/ask';
import { Choice, Dialog, Field, Toggle } from '../ui/kit';

const modes = { off: 'Not encrypted', own: 'This box', given: 'You', acme: 'A certificate authority, fetched by itself' };

const states: Record<string, string> = { pending: 'not asked for yet', working: 'being fetched', issued: 'in order', failing: 'not given' };

export function CertificateCard() {
  const [c, setC] = useState<Certificate | null>(null);
  const [edit, setEdit] = useState(false);
  const load = () => api.certificate().then(setC, () => setC(null));
  useEffect(() => void load(), []);
  if (!c) return null;
  const at = (t: string) => stamp(Date.parse(t), zone.value);
  return html`<section class="card" aria-labelledby="tls-h"><h2 id="tls-h">Certificate</h2>
    ${c.mode === 'off' ? html`<p data-testid="certificate-off">This panel is not encrypted. Its configuration turns that on (<span class="mono">tls.mode</span>).</p>` : html`
      <dl class="facts" data-testid="certificate"><div><dt>From</dt><dd>${modes[c.mode]}</dd></div><div><dt>Words</dt><dd><b>${c.words}</b></dd></div>
        <div><dt>Names</dt><dd>${c.names.join(', ')}</dd></div>${c.not_after && html`<div><dt>Until</dt><dd>${day(Date.parse(c.not_after), zone.value)}</dd></div>`}
        ${c.acme && html`<div><dt>For</dt><dd>${c.acme.domain}: ${states[c.acme.state] ?? c.acme.state}${c.acme.next_try && html` <span class="muted">next try ${at(c.acme.next_try)}</span>`}</dd></div>`}</dl>
      ${[c.problem, c.acme?.error].map((p) => p && html`<p class="bad"><${Icon} name="warn" size=${16} /> ${p}</p>`)}
      <details><summary>Fingerprints</summary><p class="mono small wrap">${c.fingerprint}</p><p class="small">Of the authority of this box:</p><p class="mono small wrap">${c.ca_fingerprint}</p></details>
      ${!c.publicly_trusted && html`<${Trust} />`}
      <p class="actions"><a class="button" href="/vedette-ca.crt" download data-testid="authority">Download the authority</a>
        <button type="button" class="button" disabled=${stale.value} onClick=${() => setEdit(true)} data-testid="certificate-edit">Change…</button></p>`}
    ${edit && html`<${CertificateDialog} c=${c} onClose=${() => { setEdit(false); void load(); }} />`}
  </section>`;
}

const platforms = [
  ['Windows', 'Open the file, Install Certificate, Local Machine, place it in Trusted Root Certification Authorities.'],
  ['Mac', 'Open the file, which adds it to Keychain Access; there set it to Always Trust.'],
  ['iPhone, iPad', 'Open the file in Safari, install the profile in Settings, then switch it on in General, About, Certificate Trust Settings.'],
  ['Android', 'Settings, search for “CA certificate”, install the file.'],
  ['Linux', 'Copy it to /usr/local/share/ca-certificates and run update-ca-certificates; browsers keep their own list.'],
  ['Firefox', 'Settings, search for “certificates”, View Certificates, Authorities, Import, trust it for websites.'],
];

/** Trust says how each kind of device comes to trust the authority of the box. */
const Trust = () => html`<p class="muted small">Browsers warn of it until they know the authority of this box. Compare the words above with those on the way in first.</p>
  <details data-testid="trust"><summary>How a device comes to trust it</summary><dl class="trust small">${platforms.map(([name, does]) => html`<div key=${name}><dt>${name}</dt><dd>${does}</dd></div>`)}</dl></details>`;

const ways = [{ value: 'own', label: 'This box' }, { value: 'given', label: 'Yours' }, { value: 'acme', label: 'ACME', title: "Let's Encrypt, or another authority" }];

function CertificateDialog({ c, onClose }: { c: Certificate; onClose: () => void }) {
  const [v, setV] = useState<CertificateForm>({
    mode: c.mode, certificate: '', key: '', hsts: c.hsts, domain: c.acme?.domain ?? '', email: c.acme?.email ?? '', directory: c.acme?.directory ?? '',
    challenge: c.acme?.challenge ?? 'http-01', server: c.acme?.dns?.server ?? '', zone: c.acme?.dns?.zone ?? '', keyName: c.acme?.dns?.key_name ?? '', keySecret: '', algorithm: c.acme?.dns?.algorithm || 'hmac-sha256',
  });
  const { busy, error, go } = useTry();
  const put = (change: Partial<CertificateForm>) => setV((old) => ({ ...old, ...change }));
  const submit = async (e: Event) => {
    e.preventDefault();
    if (!(await go(() => api.setCertificate(certificateOf(v))))) return;
    say('good', v.mode === 'acme' ? 'It is being fetched; until it is there, the panel keeps the one it has.' : 'The certificate is set. This page may have to be loaded again.');
    onClose();
  };
  const field = (of: 'domain' | 'email' | 'directory' | 'server' | 'zone' | 'keyName', label: string, more: object = {}) =>
    html`<${Field} id="tls-${of}" label=${label} value=${v[of]} onInput=${(t: string) => put({ [of]: t })} testid="tls-${of}" ...${more} />`;
  return html`<${Dialog} title="Certificate" onClose=${onClose} testid="certificate-dialog"><form class="ask" onSubmit=${submit}>
    <${Choice} label="From" value=${v.mode} onPick=${(mode: string) => put({ mode })} options=${ways} testid="tls-mode" />
    ${v.mode === 'own' && html`<p class="muted small">The box signs it itself, for the names and addresses it has, and renews it by itself.</p>`}
    ${v.mode === 'given' && html`
      <${Pem} id="tls-certificate" label="Certificate, and those that lead to its authority" value=${v.certificate} onText=${(certificate: string) => put({ certificate })} />
      <${Pem} id="tls-key" label="Its key" value=${v.key} onText=${(key: string) => put({ key })} />`}
    ${v.mode === 'acme' && html`
      ${field('domain', 'Domain', { placeholder: 'nvr.example.org' })}
      ${field('email', 'E-mail', { required: false, hint: 'The authority may write to it.' })}
      <${Choice} label="How the domain is proved" value=${v.challenge} onPick=${(challenge: string) => put({ challenge })} testid="tls-challenge"
        options=${[{ value: 'http-01', label: 'Over port 80' }, { value: 'dns-01', label: 'In the DNS' }]} />
      ${v.challenge === 'http-01' ? html`<p class="muted small">The domain has to lead to this box, on port 80 from the internet.</p>` : html`
        <p class="muted small">The box writes a record to your name server (RFC 2136), and needs to be reached by nobody.</p>
        ${field('server', 'Name server', { placeholder: '192.0.2.53', mono: true })}
        ${field('zone', 'Zone', { required: false, mono: true, hint: 'Found out if empty.' })}
        ${field('keyName', 'Name of the key (TSIG)', { mono: true })}
        <${Field} id="tls-secret" label="Secret of the key" type="password" value=${v.keySecret} onInput=${(keySecret: string) => put({ keySecret })} autocomplete="off" testid="tls-secret" hint=${c.acme?.dns ? 'As before if empty.' : undefined} />
        <label class="field">Algorithm <select value=${v.algorithm} onChange=${(e: Event) => put({ algorithm: (e.target as HTMLSelectElement).value })} data-testid="tls-algorithm">
          ${['hmac-sha256', 'hmac-sha384', 'hmac-sha512', 'hmac-sha1'].map((a) => html`<option key=${a} value=${a}>${a}</option>`)}</select></label>`}
      <details open=${!!v.directory && !v.directory.includes('letsencrypt.org')}><summary>Another authority than Let's Encrypt</summary>${field('directory', 'Directory', { required: false, placeholder: 'https://…', mono: true })}</details>`}
    ${v.mode !== 'own' && html`<${Toggle} id="tls-hsts" label="Browsers insist on it (HSTS)" hint="Sent only while browsers trust the certificate anyway: with another one they would lock you out." checked=${v.hsts} onChange=${(hsts: boolean) => put({ hsts })} testid="tls-hsts" />`}
    <${Wrong} error=${error} />
    <div class="dialog-foot"><button type="button" class="button" onClick=${onClose}>Leave it</button><button type="submit" class="button primary" disabled=${busy} data-testid="certificate-save">${busy ? 'Checking…' : 'Use it'}</button></div>
  </form><//>`;
}

/** Pem takes text in PEM form, pasted or of a file. */
function Pem({ id, label, value, onText }: { id: string; label: string; value: string; onText: (v: string) => void }) {
  const read = async (e: Event) => {
    const file = (e.target as HTMLInputElement).files?.[0];
    if (!file) return;
    if (file.size > 256 * 1024) return say('error', 'This file is too big to be a certificate or a key.');
    onText(await file.text());
  };
  return html`<div class="field"><label for=${id}>${label}</label>
    <textarea id=${id} class="mono" rows="4" value=${value} onInput=${(e: Event) => onText((e.target as HTMLTextAreaElement).value)} placeholder="-----BEGIN …" spellcheck=${false} autocomplete="off" data-testid=${id}></textarea>
    <input type="file" accept=".pem,.crt,.cer,.key" aria-label="File: ${label}" onChange=${read} data-testid="${id}-file" /></div>`;
}

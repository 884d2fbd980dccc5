// How the box is guarded: its certificate, its secrets, and copies of its settings. For administrators.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { box as api, type Certificate, type Outgoing } from '../access';
import { stamp } from '../format';
import { Icon } from '../icons';
import { say, stale, zone } from '../store';
import { Ask, Phrase, useTry, Wrong } from '../ui/ask';
import { Choice, Dialog, Field, Toggle } from '../ui/kit';

const modes = { off: 'Not encrypted', own: 'By this box', given: 'Given by you', acme: 'Fetched by itself' };

export function CertificateCard() {
  const [c, setC] = useState<Certificate | null>(null);
  const [edit, setEdit] = useState(false);
  const load = () => api.certificate().then(setC, () => setC(null));
  useEffect(() => void load(), []);
  if (!c) return null;
  return html`<section class="card" aria-labelledby="tls-h"><h2 id="tls-h">Certificate</h2>
    ${c.mode === 'off' ? html`<p>This panel is not encrypted. Its configuration turns that on (<span class="mono">tls.mode</span>).</p>` : html`
      <dl class="facts" data-testid="certificate"><div><dt>From</dt><dd>${modes[c.mode]}</dd></div><div><dt>Words</dt><dd><b>${c.words}</b></dd></div>
        <div><dt>Names</dt><dd>${c.names.join(', ')}</dd></div>${c.not_after && html`<div><dt>Until</dt><dd>${stamp(Date.parse(c.not_after), zone.value)}</dd></div>`}</dl>
      ${c.problem && html`<p class="bad"><${Icon} name="warn" size=${16} /> ${c.problem}</p>`}
      ${c.acme?.error && html`<p class="bad"><${Icon} name="warn" size=${16} /> ${c.acme.error}</p>`}
      <details><summary>Fingerprints</summary><p class="mono small wrap">${c.fingerprint}</p><p class="small">Of the authority:</p><p class="mono small wrap">${c.ca_fingerprint}</p></details>
      ${!c.publicly_trusted && html`<p class="muted small">Browsers warn of it until they know this box's authority. Download it, open it on each device, and have it trusted for web sites.</p>`}
      <p class="actions"><a class="button" href="/vedette-ca.crt" download>Authority</a> <button type="button" class="button" disabled=${stale.value} onClick=${() => setEdit(true)} data-testid="certificate-edit">Change…</button></p>`}
    ${edit && html`<${CertificateDialog} c=${c} onClose=${() => { setEdit(false); void load(); }} />`}
  </section>`;
}

function CertificateDialog({ c, onClose }: { c: Certificate; onClose: () => void }) {
  const [mode, setMode] = useState<string>(c.mode);
  const [cert, setCert] = useState('');
  const [key, setKey] = useState('');
  const [domain, setDomain] = useState(c.acme?.domain ?? '');
  const [email, setEmail] = useState(c.acme?.email ?? '');
  const { busy, error, go } = useTry();
  const submit = async (e: Event) => {
    e.preventDefault();
    const body = { mode, ...(mode === 'given' && { certificate: cert, key }), ...(mode === 'acme' && { acme: { domain, email, challenge: 'http-01' } }) };
    if (await go(() => api.setCertificate(body))) {
      say('good', 'The certificate is set.');
      onClose();
    }
  };
  const area = (id: string, label: string, value: string, set: (v: string) => void) => html`<label class="field" for=${id}>${label}
    <textarea id=${id} class="mono" rows="5" value=${value} onInput=${(e: Event) => set((e.target as HTMLTextAreaElement).value)} placeholder="-----BEGIN …" spellcheck=${false} autocomplete="off"></textarea></label>`;
  return html`<${Dialog} title="Certificate" onClose=${onClose} testid="certificate-dialog"><form class="ask" onSubmit=${submit}>
    <${Choice} label="From" value=${mode} onPick=${setMode} options=${[{ value: 'own', label: 'This box' }, { value: 'given', label: 'Yours' }, { value: 'acme', label: "Let's Encrypt" }]} />
    ${mode === 'given' && [area('tls-cert', 'Certificate and those that lead to its authority', cert, setCert), area('tls-key', 'Key', key, setKey)]}
    ${mode === 'acme' && html`<${Field} id="tls-domain" label="Domain" value=${domain} onInput=${setDomain} placeholder="nvr.example.org" hint="It has to lead to this box, on port 80 from the internet." />
      <${Field} id="tls-email" label="E-mail" required=${false} value=${email} onInput=${setEmail} />`}
    <${Wrong} error=${error} />
    <div class="dialog-foot"><button type="button" class="button" onClick=${onClose}>Leave it</button><button type="submit" class="button primary" disabled=${busy} data-testid="certificate-save">Use it</button></div>
  </form><//>`;
}

export function BackupCard() {
  const [pass, setPass] = useState('');
  const [file, setFile] = useState<File | null>(null);
  const [restore, setRestore] = useState(false);
  const { busy, error, go } = useTry();
  const make = (e: Event) => {
    e.preventDefault();
    void go(async () => {
      const url = URL.createObjectURL(await api.backup(pass));
      const a = document.createElement('a');
      a.href = url;
      a.download = `vedette-backup-${new Date().toISOString().slice(0, 10)}.age`;
      a.click();
      URL.revokeObjectURL(url);
      setPass('');
    });
  };
  return html`<section class="card" aria-labelledby="backup-h"><h2 id="backup-h">Backup</h2>
    <p class="muted small">Users, cameras, kept footage's marks, settings and keys; no footage. It opens with the passphrase alone.</p>
    <form onSubmit=${make}><${Field} id="backup-pass" label="Passphrase" type="password" value=${pass} onInput=${setPass} autocomplete="new-password" testid="backup-pass" hint="At least 8 characters. Nobody can find it out for you." />
      <${Wrong} error=${error} />
      <p class="actions"><button type="submit" class="button" disabled=${busy || stale.value || [...pass].length < 8} data-testid="backup-make">Download a backup</button>
        <button type="button" class="button" disabled=${stale.value} onClick=${() => setRestore(true)} data-testid="backup-restore">Restore…</button></p></form>
    ${restore && html`<${RestoreDialog} file=${file} onFile=${setFile} onClose=${() => setRestore(false)} />`}
  </section>`;
}

function RestoreDialog({ file, onFile, onClose }: { file: File | null; onFile: (f: File | null) => void; onClose: () => void }) {
  const [pass, setPass] = useState('');
  const [typed, setTyped] = useState('');
  const act = async () => {
    await api.restore(file!, pass);
    say('info', 'The recorder begins anew with the backup. Sign in with an account of it.');
  };
  return html`<${Ask} title="Restore a backup?" verb="Restore" waits="Restoring…" ready=${!!file && !!pass && typed === 'restore'} act=${act} onClose=${onClose} testid="restore">
    <p>Users, cameras and settings of this box are replaced. Footage stays. Everybody is signed out.</p>
    <label class="field">File <input type="file" accept=".age" onChange=${(e: Event) => onFile((e.target as HTMLInputElement).files?.[0] ?? null)} data-testid="restore-file" /></label>
    <${Field} id="restore-pass" label="Passphrase" type="password" value=${pass} onInput=${setPass} testid="restore-pass" />
    <${Phrase} phrase="restore" typed=${typed} onType=${setTyped} testid="restore-phrase">to say that you mean it<//><//>`;
}

export function OutgoingCard() {
  const [o, setO] = useState<Outgoing | null>(null);
  const [nets, setNets] = useState('');
  const { busy, error, go } = useTry();
  const show = (v: Outgoing) => [setO(v), setNets(v.allow.join(', '))];
  useEffect(() => void api.outgoing().then(show, () => undefined), []);
  if (!o) return null;
  const save = (e: Event) => {
    e.preventDefault();
    void go(async () => {
      show(await api.setOutgoing({ ...o, allow: nets.split(/[\s,]+/).filter(Boolean) }));
      say('good', 'It holds for every connection from now on.');
    });
  };
  return html`<section class="card" aria-labelledby="outgoing-h"><h2 id="outgoing-h">Where the recorder connects to</h2>
    <form onSubmit=${save}>
      <${Toggle} id="cameras-public" label="Cameras on the internet" hint="Without it cameras have to be in your own network." checked=${o.cameras_public} onChange=${(v: boolean) => setO({ ...o, cameras_public: v })} testid="cameras-public" />
      <${Field} id="allow" label="Networks that are let through all the same" required=${false} value=${nets} onInput=${setNets} mono placeholder="10.1.0.0/16" testid="outgoing-allow" />
      <${Wrong} error=${error} />
      <p class="actions"><button type="submit" class="button" disabled=${busy || stale.value} data-testid="outgoing-save">Save</button></p>
    </form></section>`;
}

export function SecretsCard() {
  const [ask, setAsk] = useState(false);
  return html`<section class="card" aria-labelledby="secrets-h"><h2 id="secrets-h">Secrets</h2>
    <p class="muted small">Passwords of cameras and other secrets are sealed under a key of this box. Who takes the whole card has the key too.</p>
    <p><button type="button" class="button" disabled=${stale.value} onClick=${() => setAsk(true)} data-testid="rotate">Make a new key…</button></p>
    ${ask && html`<${Ask} title="Make a new key?" verb="Make it" danger=${false} act=${async () => say('good', `${await api.rotate()} secrets are sealed anew.`)} onClose=${() => setAsk(false)} testid="rotate">
      <p>Every secret is sealed anew. Recording goes on, and nobody notices.</p><//>`}
  </section>`;
}

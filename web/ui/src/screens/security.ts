// How the box is guarded: its secrets, copies of its settings, and where it connects to. For administrators.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { box as api, type Outgoing } from '../access';
import { boxNow, say, stale } from '../store';
import { Ask, Phrase, useTry, Wrong } from '../ui/ask';
import { save } from '../ui/hand';
import { Field, Toggle } from '../ui/kit';

// As in SECURITY.md and security.txt: the tests compare.
export const supportedUntil = '2031-12-31';
export const contact = 'security@vedette.example';

export function BackupCard() {
  const [pass, setPass] = useState('');
  const [file, setFile] = useState<File | null>(null);
  const [restore, setRestore] = useState(false);
  const { busy, error, go } = useTry();
  const make = (e: Event) => {
    e.preventDefault();
    void go(async () => {
      save(await api.backup(pass), `vedette-backup-${new Date(boxNow.value).toISOString().slice(0, 10)}.age`);
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
  const submit = (e: Event) => {
    e.preventDefault();
    void go(async () => {
      show(await api.setOutgoing({ ...o, allow: nets.split(/[\s,]+/).filter(Boolean) }));
      say('good', 'It holds for every connection from now on.');
    });
  };
  return html`<section class="card" aria-labelledby="outgoing-h"><h2 id="outgoing-h">Where the recorder connects to</h2>
    <form onSubmit=${submit}>
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

/** SupportCard says how long there are updates, and whom to tell of a weakness. */
export function SupportCard() {
  return html`<section class="card" aria-labelledby="support-h"><h2 id="support-h">Updates and weaknesses</h2>
    <p data-testid="support">Releases of 2026 get security updates until <b>${supportedUntil}</b>, free of charge.</p>
    <p>You found a weakness? Write to <a href="mailto:${contact}">${contact}</a>, in English. <a href="/.well-known/security.txt">security.txt</a> says the same.</p>
  </section>`;
}

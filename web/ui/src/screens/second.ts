// The second factor of the own account.
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { account, qrPath } from '../access';
import { auth } from '../api';
import { stale, user } from '../store';
import { Ask, useTry, Wrong } from '../ui/ask';
import { copy, save } from '../ui/hand';
import { Dialog, Field } from '../ui/kit';

type Step = '' | 'add' | 'remove' | 'recovery';

export function SecondFactor() {
  const [step, setStep] = useState<Step>('');
  const [codes, setCodes] = useState<string[]>([]);
  const on = user.value?.totp === true;
  const refresh = async () => {
    setStep('');
    user.value = await auth.me();
  };
  return html`<section class="card" aria-labelledby="second-h"><h2 id="second-h">Second factor</h2>
    <p data-testid="second-state" data-on=${on}>${on ? 'On: signing in takes a code of your app as well.' : 'Off: your password alone lets you in.'}</p>
    <p class="actions">${on
      ? html`<button type="button" class="button" disabled=${stale.value} onClick=${() => setStep('recovery')}>New recovery codes…</button>
          <button type="button" class="button" disabled=${stale.value} onClick=${() => setStep('remove')} data-testid="second-remove">Switch off…</button>`
      : html`<button type="button" class="button" disabled=${stale.value} onClick=${() => setStep('add')} data-testid="second-add">Set up…</button>`}</p>
    ${step === 'add' && html`<${SetUp} onClose=${refresh} onCodes=${setCodes} />`}
    ${step === 'remove' && html`<${Remove} onClose=${refresh} />`}
    ${step === 'recovery' && html`<${Renew} onClose=${refresh} onCodes=${setCodes} />`}
    ${codes.length > 0 && html`<${Codes} codes=${codes} onClose=${() => setCodes([])} />`}
  </section>`;
}

const password = (value: string, onInput: (v: string) => void) =>
  html`<${Field} id="second-pass" label="Your password" type="password" value=${value} onInput=${onInput} autocomplete="current-password" testid="second-pass" />`;

/** SetUp shows the secret to an app, and has a code of it typed. */
function SetUp({ onClose, onCodes }: { onClose: () => void; onCodes: (c: string[]) => void }) {
  const [pass, setPass] = useState('');
  const [code, setCode] = useState('');
  const [begun, setBegun] = useState<{ secret: string; qr: string[] } | null>(null);
  const { busy, error, go } = useTry();
  const submit = async (e: Event) => {
    e.preventDefault();
    await go(async () => {
      if (!begun) return setBegun(await account.begin(pass));
      onCodes(await account.confirm(code.trim()));
      onClose();
    });
  };
  const size = begun ? begun.qr.length + 8 : 0;
  return html`<${Dialog} title="Set up a second factor" onClose=${onClose} testid="second-dialog"><form class="ask" onSubmit=${submit}>
    ${!begun ? password(pass, setPass) : html`
      <p>Scan this with an authenticator app, then type the code it shows.</p>
      <svg class="qr" viewBox="-4 -4 ${size} ${size}" role="img" aria-label="QR code of the secret below" data-testid="second-qr"><rect x="-4" y="-4" width=${size} height=${size} fill="#fff" /><path d=${qrPath(begun.qr)} fill="#000" /></svg>
      <p class="small">Or type the secret: <b class="mono" data-testid="second-secret">${begun.secret}</b></p>
      <${Field} id="second-code" label="Code" value=${code} onInput=${setCode} mono inputmode="numeric" autocomplete="one-time-code" testid="second-code" />`}
    <${Wrong} error=${error} />
    <div class="dialog-foot"><button type="button" class="button" onClick=${onClose}>Leave it</button>
      <button type="submit" class="button primary" disabled=${busy || (begun ? !code.trim() : !pass)} data-testid="second-next">${begun ? 'Switch on' : 'Next'}</button></div>
  </form><//>`;
}

function Remove({ onClose }: { onClose: () => void }) {
  const [pass, setPass] = useState('');
  const [code, setCode] = useState('');
  return html`<${Ask} title="Switch the second factor off?" verb="Switch off" ready=${!!pass && !!code.trim()} act=${() => account.remove(pass, code.trim())} onClose=${onClose} testid="second-off">
    ${password(pass, setPass)}
    <${Field} id="second-code" label="Code of your app, or a recovery code" value=${code} onInput=${setCode} mono autocomplete="one-time-code" testid="second-code" /><//>`;
}

function Renew({ onClose, onCodes }: { onClose: () => void; onCodes: (c: string[]) => void }) {
  const [pass, setPass] = useState('');
  return html`<${Ask} title="Make new recovery codes?" verb="Make them" danger=${false} ready=${!!pass} act=${async () => onCodes(await account.recovery(pass))} onClose=${onClose} testid="second-renew">
    <p>The codes you have now are worth nothing after that.</p>${password(pass, setPass)}<//>`;
}

/** Codes are shown this once. */
function Codes({ codes, onClose }: { codes: string[]; onClose: () => void }) {
  const text = codes.join('\n') + '\n';
  const file = () => save(new Blob([`Recovery codes of ${user.value?.username} for Vedette at ${location.host}. Each lets you in once.\n\n${text}`], { type: 'text/plain' }), 'vedette-recovery-codes.txt');
  return html`<${Dialog} title="Recovery codes" onClose=${onClose} testid="recovery-dialog">
    <p>Each lets you in once when your app is not at hand. They are shown this once: print them, or keep them where you keep passwords.</p>
    <ul class="codes mono" data-testid="recovery-codes">${codes.map((c) => html`<li key=${c}>${c}</li>`)}</ul>
    <div class="dialog-foot"><button type="button" class="button" onClick=${() => copy(text)}>Copy</button><button type="button" class="button" onClick=${() => print()}>Print</button>
      <button type="button" class="button" onClick=${file} data-testid="recovery-save">Save</button>      <button type="button" class="button primary" onClick=${onClose} data-testid="recovery-done">I have them</button></div><//>`;
}

// Before anything else: claiming a new box, or signing in to a claimed one.
import { html } from 'htm/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, auth, type Setup } from '../api';
import { Icon, Mark } from '../icons';
import { user } from '../store';
import { Field } from '../ui/kit';

const minPassword = 8;

export function Gate() {
  const [setup, setSetup] = useState<Setup | null>(null);
  const [recover, setRecover] = useState(false);
  const [error, setError] = useState('');
  const ask = async () => {
    setError('');
    try {
      setSetup(await auth.setup());
    } catch (e) {
      setError((e as Error).message);
    }
  };
  useEffect(() => void ask(), []);
  return html`<main id="main" class="gate">
    <div class="gate-brand"><${Mark} size=${40} /><span class="wordmark">Vedette</span></div>
    <div class="gate-card">
      ${error
        ? html`<div role="alert"><h1>No answer</h1><p>${error}</p><button type="button" class="button primary wide" onClick=${ask}>Try again</button></div>`
        : setup === null
          ? html`<p class="muted" role="status">Asking the recorder…</p>`
          : !setup.claimed || recover
            ? setup.claimable
              ? html`<${Claim} again=${setup.claimed} onClaimed=${ask} />`
              : html`<${Closed} setup=${setup} onAgain=${ask} />`
            : html`<${SignIn} />`}
      ${setup?.claimed && html`<p class="gate-more"><button type="button" class="linkish" onClick=${() => [setRecover(!recover), ask()]} data-testid="recover">${recover ? 'Sign in' : 'The password is lost'}</button></p>`}
    </div>
    ${setup?.words && html`<p class="gate-foot" data-testid="words">This recorder's words: <b>${setup.words}</b></p>`}
    <p class="gate-foot">${location.host}</p>
  </main>`;
}

/** useForm keeps what the API said about which field, and the request under way. */
function useForm() {
  const [busy, setBusy] = useState(false);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const send = async (check: Record<string, string>, f: () => Promise<unknown>) => {
    const bad = Object.fromEntries(Object.entries(check).filter(([, v]) => v));
    setErrors(bad);
    if (Object.keys(bad).length) return focusField(Object.keys(bad)[0]);
    setBusy(true);
    try {
      await f();
    } catch (e) {
      const err = e as ApiError;
      setErrors({ [err.field ?? 'form']: err.message });
      focusField(err.field ?? '');
    } finally {
      setBusy(false);
    }
  };
  return { busy, errors, send };
}

const focusField = (name: string) => name && document.getElementById(name)?.focus();

async function enter(name: string) {
  const me = await auth.me().catch(() => ({ username: name }));
  user.value = { ...me, username: me.username ?? name };
}

function FormError({ text }: { text?: string }) {
  return html`<div role="alert">${text && html`<p class="form-error"><${Icon} name="warn" />${text}</p>`}</div>`;
}

/** Closed says how the time for setting up is opened again. */
function Closed({ setup, onAgain }: { setup: Setup; onAgain: () => void }) {
  return html`<div data-testid="setup-closed"><h1>${setup.claimed ? 'Let an admin in' : 'Claim this recorder'}</h1>
    <p>${setup.claimed
      ? 'Hold the button of the recorder for 10 seconds. For 15 minutes it then shows a code that makes an admin, or gives one another password.'
      : 'The time for setting up is over. Hold the button of the recorder for 10 seconds, or take its power away and bring it back: it then shows a new code, for 15 minutes.'}</p>
    <button type="button" class="button primary wide" onClick=${onAgain}>I did</button></div>`;
}

function Claim({ again, onClaimed }: { again: boolean; onClaimed: () => void }) {
  const [code, setCode] = useState('');
  const [name, setName] = useState('');
  const [pass, setPass] = useState('');
  const { busy, errors, send } = useForm();
  const head = useRef<HTMLHeadingElement>(null);
  useEffect(() => head.current?.focus(), []);
  const submit = (e: Event) => {
    e.preventDefault();
    void send({
      code: code.trim() ? '' : 'Enter the code.',
      username: name.trim() ? '' : 'Choose a user name.',
      password: [...pass].length >= minPassword ? '' : `Use at least ${minPassword} characters.`,
    }, async () => {
      try {
        await auth.claim(code.trim(), name.trim(), pass);
      } catch (err) {
        if (err instanceof ApiError && err.status === 409) onClaimed();
        throw err;
      }
      // A recorder may sign the new owner in at once, or want the password again.
      const me = await auth.me().catch(() => null);
      if (!me) await auth.login(name.trim(), pass);
      await enter(name.trim());
    });
  };
  return html`<form onSubmit=${submit} noValidate>
    <h1 ref=${head} tabIndex=${-1}>${again ? 'Let an admin in' : 'Claim this recorder'}</h1>
    <p class="lede">${again ? 'With the name of an admin there is, you give them another password; with a new one you make another admin.' : 'It is new and belongs to nobody yet.'} Its one-time code proves that you stand next to it.</p>
    <${FormError} text=${errors.form} />
    <${Field} id="code" label="One-time code" value=${code} onInput=${setCode} error=${errors.code} mono autocomplete="one-time-code" testid="claim-code"
      hint="Printed in the log when the recorder starts, and on the box's screen if it has one." />
    <${Field} id="username" label="User name" value=${name} onInput=${setName} error=${errors.username} autocomplete="username" testid="claim-user" />
    <${Field} id="password" label="Password" type="password" value=${pass} onInput=${setPass} error=${errors.password} autocomplete="new-password" testid="claim-pass"
      hint="At least ${minPassword} characters. A few words you can remember are best." />
    <button type="submit" class="button primary wide" disabled=${busy} data-testid="claim-submit">${busy ? 'Claiming…' : 'Claim and sign in'}</button>
  </form>`;
}

function SignIn() {
  const [name, setName] = useState('');
  const [pass, setPass] = useState('');
  const [code, setCode] = useState<string | null>(null);
  const [wait, setWait] = useState(0);
  const { busy, errors, send } = useForm();
  useEffect(() => document.getElementById('username')?.focus(), []);
  useEffect(() => {
    if (!wait) return;
    const t = setTimeout(() => setWait(wait - 1), 1000);
    return () => clearTimeout(t);
  }, [wait]);
  const submit = (e: Event) => {
    e.preventDefault();
    void send({
      username: name.trim() ? '' : 'Enter your user name.',
      password: pass ? '' : 'Enter your password.',
    }, async () => {
      try {
        await auth.login(name.trim(), pass, code?.trim());
      } catch (err) {
        if (err instanceof ApiError && err.wait) setWait(err.wait);
        if (err instanceof ApiError && err.code === 'second_factor' && code === null) return setCode('');
        throw err;
      }
      await enter(name.trim());
    });
  };
  return html`<form onSubmit=${submit} noValidate>
    <h1>Sign in</h1>
    <${FormError} text=${wait ? `Too many attempts. Try again in ${wait} s.` : errors.form} />
    <${Field} id="username" label="User name" value=${name} onInput=${setName} error=${errors.username} autocomplete="username" testid="login-user" />
    <${Field} id="password" label="Password" type="password" value=${pass} onInput=${setPass} error=${errors.password} autocomplete="current-password" testid="login-pass" />
    ${code !== null && html`<${Field} id="code" label="Code of your app" value=${code} onInput=${setCode} error=${errors.code} mono autocomplete="one-time-code" testid="login-code" hint="Or one of your recovery codes." />`}
    <button type="submit" class="button primary wide" disabled=${busy || wait > 0} data-testid="login-submit">${busy ? 'Signing in…' : 'Sign in'}</button>
  </form>`;
}

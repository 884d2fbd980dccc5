// Before anything else: claiming a new box, or signing in to a claimed one.
import { html } from 'htm/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, auth, type Setup } from '../api';
import { span } from '../format';
import { Icon, Mark } from '../icons';
import { ended, user } from '../store';
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
              ? html`<${Claim} again=${setup.claimed} left=${setup.left} onOver=${ask} />`
              : html`<${Closed} setup=${setup} onAgain=${ask} />`
            : html`<${SignIn} />`}
      ${setup?.claimed && html`<p class="gate-more"><button type="button" class="linkish" onClick=${() => [setRecover(!recover), ask()]} data-testid="recover">${recover ? 'Sign in' : 'The password is lost'}</button></p>`}
    </div>
    ${setup?.words && html`<div class="gate-foot" data-testid="words"><p>This recorder's words: <b>${setup.words}</b></p>
      ${setup.fingerprint && html`<details><summary>Fingerprint of its key</summary><p class="wrap">${setup.fingerprint}</p></details>`}</div>`}
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

/** Left says how long the setup window stays open, and tells when it is over. */
function Left({ ms, onOver }: { ms: number; onOver: () => void }) {
  // A second more: that is how exactly the recorder tells its time here.
  const [end] = useState(performance.now() + ms + 1000);
  const [left, setLeft] = useState(ms);
  useEffect(() => {
    const t = setInterval(() => setLeft(Math.max(0, end - performance.now())), 1000);
    return () => clearInterval(t);
  }, []);
  useEffect(() => {
    if (left === 0) onOver();
  }, [left === 0]);
  return html`<p class="muted small" role="timer" data-testid="claim-left">${left > 0 ? `Open for another ${span(left < 60_000 ? left : Math.ceil((left - 1000) / 60_000) * 60_000)}.` : 'The time is over.'}</p>`;
}

function Claim({ again, left, onOver }: { again: boolean; left?: number; onOver: () => void }) {
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
        if (err instanceof ApiError && (err.code === 'claimed' || err.code === 'closed')) onOver();
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
    ${left !== undefined && html`<${Left} ms=${left} onOver=${onOver} />`}
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
  const [recovery, setRecovery] = useState(false);
  const [wait, setWait] = useState(0);
  const { busy, errors, send } = useForm();
  const second = code !== null;
  useEffect(() => void focusField(second ? 'code' : 'username'), [second]);
  useEffect(() => {
    if (!wait) return;
    const t = setTimeout(() => setWait(wait - 1), 1000);
    return () => clearTimeout(t);
  }, [wait]);
  const back = () => [setCode(null), setPass(''), setRecovery(false)];
  const flip = () => {
    setRecovery(!recovery);
    setCode('');
    focusField('code');
  };
  const submit = (e: Event) => {
    e.preventDefault();
    void send({
      username: name.trim() ? '' : 'Enter your user name.',
      password: pass ? '' : 'Enter your password.',
      code: code === '' ? 'Enter the code.' : '',
    }, async () => {
      try {
        await auth.login(name.trim(), pass, code?.trim());
      } catch (err) {
        if (err instanceof ApiError && err.wait) setWait(err.wait);
        if (err instanceof ApiError && err.code === 'second_factor') {
          if (code === null) return setCode('');
          throw new ApiError(err.status, err.code, 'This code does not hold. One of an app is worth half a minute, and each is taken once.', 'code');
        }
        if (err instanceof ApiError && err.code === 'bad_credentials') back();
        throw err;
      }
      await enter(name.trim());
    });
  };
  return html`<form onSubmit=${submit} noValidate>
    <h1>Sign in</h1>
    ${ended.value && html`<p role="status" data-testid="ended">Your session has ended. Sign in to go on where you were.</p>`}
    <${FormError} text=${wait ? `Too many attempts. Try again in ${wait} s.` : errors.form} />
    ${second ? html`
      <p role="status">${recovery ? 'Type one of the recovery codes you were given. It is used up then.' : html`The password of <b>${name.trim()}</b> is right. Now the code that your authenticator app shows.`}</p>
      <${Field} id="code" label=${recovery ? 'Recovery code' : 'Code of your app'} value=${code} onInput=${setCode} error=${errors.code} mono
        inputmode=${recovery ? undefined : 'numeric'} autocomplete=${recovery ? 'off' : 'one-time-code'} testid="login-code" />` : html`
      <${Field} id="username" label="User name" value=${name} onInput=${setName} error=${errors.username} autocomplete="username" testid="login-user" />
      <${Field} id="password" label="Password" type="password" value=${pass} onInput=${setPass} error=${errors.password} autocomplete="current-password" testid="login-pass" />`}
    <button type="submit" class="button primary wide" disabled=${busy || wait > 0} data-testid="login-submit">${busy ? 'Signing in…' : 'Sign in'}</button>
    ${second && html`<p class="gate-ways"><button type="button" class="linkish" onClick=${flip} data-testid="login-recovery">${recovery ? 'Use the app' : 'The app is not at hand'}</button>
      <button type="button" class="linkish" onClick=${back} data-testid="login-back">Another account</button></p>`}
  </form>`;
}

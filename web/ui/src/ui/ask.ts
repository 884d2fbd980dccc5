// Asking before something is done, and saying why it was not.
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { Icon } from '../icons';
import { Dialog } from './kit';

/** useTry does one thing at a time: busy while it goes on, error why the last one did not work. go tells whether it did. */
export function useTry() {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState('');
  const go = async (f: () => unknown) => {
    setBusy(true);
    setError('');
    try {
      await f();
      return true;
    } catch (e) {
      setError((e as Error).message);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, go };
}

/** Wrong shows an error and reads it out. */
export function Wrong({ error }: { error: string }) {
  return html`<div role="alert">${error && html`<p class="form-error"><${Icon} name="warn" />${error}</p>`}</div>`;
}

/** Ask is a dialog that says what will be, and does it if a person agrees; it closes once act is done. */
export function Ask({ title, verb, keep = 'Leave it', waits = 'Asking…', danger = true, ready = true, act, onClose, children, testid }: {
  title: string; verb: string; keep?: string; waits?: string; danger?: boolean; ready?: boolean;
  act: () => unknown; onClose: () => void; children?: ComponentChildren; testid: string;
}) {
  const { busy, error, go } = useTry();
  const submit = async (e: Event) => {
    e.preventDefault();
    if (await go(act)) onClose();
  };
  return html`<${Dialog} title=${title} onClose=${onClose} testid="${testid}-dialog">
    <form class="ask" onSubmit=${submit}>
      ${children}
      <${Wrong} error=${error} />
      <div class="dialog-foot">
        <button type="button" class="button" onClick=${onClose}>${keep}</button>
        <button type="submit" class="button ${danger ? 'danger' : 'primary'}" disabled=${busy || !ready} data-testid="${testid}-confirm">${busy ? waits : verb}</button>
      </div>
    </form>
  <//>`;
}

/** Phrase has something typed that nobody types by accident; children say what for. */
export function Phrase({ phrase, typed, onType, children, testid }: { phrase: string; typed: string; onType: (v: string) => void; children?: ComponentChildren; testid: string }) {
  return html`<label class="field"><span>Type <b class="mono">${phrase}</b> ${children}</span>
    <input value=${typed} onInput=${(e: Event) => onType((e.target as HTMLInputElement).value)} autocomplete="off" autocapitalize="off" spellcheck=${false} data-testid=${testid} /></label>`;
}

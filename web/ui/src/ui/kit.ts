// The small parts every screen is made of.
import { html } from 'htm/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from '../icons';
import { waits } from '../state';
import { notes, unsay } from '../store';
import type { Camera, CameraState } from '../types';

/** What is shown of a camera: waiting is live, and recorded as soon as something asks for it. */
export type Shown = CameraState | 'waiting';

export const shownState = (c: Camera): Shown => (waits(c) ? 'waiting' : c.state);

const stateWords: Record<Shown, string> = {
  recording: 'Recording',
  live: 'Live, not recorded',
  waiting: 'Waiting to record',
  connecting: 'Connecting',
  offline: 'Offline',
  error: 'Error',
  disabled: 'Switched off',
};

export const stateWord = (s: Shown) => stateWords[s] ?? s;

/** hasPicture tells whether the camera sends one now. */
export const hasPicture = (c: Camera) => c.state === 'recording' || c.state === 'live';

/** StateChip says a camera's state by shape, word and colour. */
export function StateChip({ state, short = false }: { state: Shown; short?: boolean }) {
  const word = short && state === 'live' ? 'Live' : short && state === 'waiting' ? 'Waiting' : stateWord(state);
  return html`<span class="chip chip-${state}" data-state=${state}><i class="glyph glyph-${state}" aria-hidden="true"></i>${word}</span>`;
}

interface ButtonProps {
  icon: IconName;
  label: string;
  onClick?: (e: MouseEvent) => void;
  pressed?: boolean;
  disabled?: boolean;
  testid?: string;
  text?: boolean;
  class?: string;
}

/** IconButton is a 44-pixel button; its label is read out and shown as a tip, or beside the icon with text. */
export function IconButton({ icon, label, onClick, pressed, disabled, testid, text, class: cls = '' }: ButtonProps) {
  return html`<button type="button" class="ib ${text ? 'ib-text' : ''} ${cls}" onClick=${onClick} disabled=${disabled}
    aria-label=${text ? undefined : label} title=${text ? undefined : label} aria-pressed=${pressed} data-testid=${testid}>
    <${Icon} name=${icon} />${text && html`<span>${label}</span>`}
  </button>`;
}

/** Choice is a row of options of which one holds; arrows move within it. */
export function Choice({ label, options, value, onPick, testid }: {
  label: string;
  options: { value: string; label: string; title?: string }[];
  value: string;
  onPick: (v: string) => void;
  testid?: string;
}) {
  const move = (e: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[e.key];
    if (!step) return;
    e.preventDefault();
    e.stopPropagation();
    const i = options.findIndex((o) => o.value === value);
    const next = (i + step + options.length) % options.length;
    onPick(options[next].value);
    ((e.currentTarget as HTMLElement).children[next] as HTMLElement).focus();
  };
  return html`<div class="choice" role="radiogroup" aria-label=${label} onKeyDown=${move} data-testid=${testid}>
    ${options.map((o) => html`<button type="button" role="radio" aria-checked=${o.value === value} title=${o.title}
      tabIndex=${o.value === value ? 0 : -1} onClick=${() => onPick(o.value)} key=${o.value}>${o.label}</button>`)}
  </div>`;
}

interface FieldProps {
  id: string;
  label: string;
  value: string;
  onInput: (v: string) => void;
  type?: string;
  hint?: ComponentChildren;
  error?: string;
  autocomplete?: string;
  placeholder?: string;
  required?: boolean;
  testid?: string;
  mono?: boolean;
  inputmode?: string;
  disabled?: boolean;
}

/** Field is a labelled input with its hint and its error; passwords can be shown. */
export function Field(p: FieldProps) {
  const [shown, setShown] = useState(false);
  const secret = p.type === 'password';
  const notes = [p.error && `${p.id}-error`, p.hint && `${p.id}-hint`].filter(Boolean).join(' ') || undefined;
  return html`<div class="field ${p.error ? 'field-bad' : ''}">
    <label for=${p.id}>${p.label}${p.required === false && html` <span class="muted">(optional)</span>`}</label>
    <div class="field-box">
      <input id=${p.id} name=${p.id} type=${secret && shown ? 'text' : p.type ?? 'text'} value=${p.value} disabled=${p.disabled}
        onInput=${(e: InputEvent) => p.onInput((e.target as HTMLInputElement).value)}
        class=${p.mono ? 'mono' : ''} autocomplete=${p.autocomplete ?? 'off'} placeholder=${p.placeholder}
        inputmode=${p.inputmode} autocapitalize="off" spellcheck=${false} aria-invalid=${p.error ? 'true' : undefined} aria-describedby=${notes}
        data-testid=${p.testid} />
      ${secret && html`<button type="button" class="field-show" aria-pressed=${shown} onClick=${() => setShown(!shown)}>${shown ? 'Hide' : 'Show'}</button>`}
    </div>
    ${p.error && html`<p class="field-error" id="${p.id}-error"><${Icon} name="warn" size=${16} />${p.error}</p>`}
    ${p.hint && html`<p class="field-hint" id="${p.id}-hint">${p.hint}</p>`}
  </div>`;
}

/** Toggle is a labelled switch. */
export function Toggle({ id, label, hint, checked, onChange, testid }: {
  id: string; label: string; hint?: string; checked: boolean; onChange: (v: boolean) => void; testid?: string;
}) {
  return html`<label class="toggle" for=${id}>
    <input id=${id} type="checkbox" role="switch" checked=${checked} data-testid=${testid}
      onChange=${(e: InputEvent) => onChange((e.target as HTMLInputElement).checked)} />
    <span class="toggle-track" aria-hidden="true"></span>
    <span class="toggle-text"><span>${label}</span>${hint && html`<small>${hint}</small>`}</span>
  </label>`;
}

/** Dialog is modal, keeps the focus, closes on Esc and gives the focus back. */
export function Dialog({ title, onClose, children, wide = false, testid }: {
  title: string; onClose: () => void; children?: ComponentChildren; wide?: boolean; testid?: string;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    ref.current?.showModal();
    return () => before?.focus?.();
  }, []);
  const outside = (e: MouseEvent) => {
    if (e.target === ref.current) onClose();
  };
  return html`<dialog ref=${ref} class="dialog ${wide ? 'dialog-wide' : ''}" aria-label=${title} data-testid=${testid}
      onCancel=${(e: Event) => { e.preventDefault(); onClose(); }} onMouseDown=${outside}>
    <div class="dialog-in">
      <header><h2>${title}</h2><${IconButton} icon="close" label="Close" onClick=${onClose} /></header>
      ${children}
    </div>
  </dialog>`;
}

/** Empty fills a screen that has nothing to show, and says what to do. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return html`<div class="empty"><h2>${title}</h2><div>${children}</div></div>`;
}

/** Notes shows messages and reads them out. */
export function Notes() {
  const list = notes.value;
  const item = (n: (typeof list)[number]) => html`<div class="note note-${n.kind}" key=${n.id}>
    <${Icon} name=${n.kind === 'good' ? 'check' : n.kind === 'error' ? 'warn' : 'info'} />
    <span>${n.text}</span>
    <${IconButton} icon="close" label="Dismiss" onClick=${() => unsay(n.id)} />
  </div>`;
  return html`<div class="notes">
    <div role="alert">${list.filter((n) => n.kind === 'error').map(item)}</div>
    <div role="status">${list.filter((n) => n.kind !== 'error').map(item)}</div>
  </div>`;
}

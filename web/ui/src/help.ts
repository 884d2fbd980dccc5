// The sheet of keys, made from the same table as the shortcuts.
import { html } from 'htm/preact';
import { table } from './keys';
import { helpOpen, singleKeys } from './store';
import { Dialog, Toggle } from './ui/kit';

export function Help() {
  return html`<${Dialog} title="Keyboard" wide onClose=${() => (helpOpen.value = false)} testid="help-sheet">
    <div class="keys">${Object.entries(table).map(([name, rows]) => html`<section key=${name}><h3>${name}</h3><dl>
      ${Object.values(rows).map((s) => html`<div key=${s.label}><dt>${s.label.split(' ').map((k) => (k === 'then' ? html` <small>then</small> ` : html`<kbd>${k}</kbd>`))}</dt><dd>${s.does}</dd></div>`)}
    </dl></section>`)}</div>
    <${Toggle} id="single-keys" label="Shortcuts of a single letter" hint="Switch them off if you speak to your computer or type by accident."
      checked=${singleKeys.value === 'on'} onChange=${(v: boolean) => (singleKeys.value = v ? 'on' : 'off')} />
  <//>`;
}

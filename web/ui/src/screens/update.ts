// Which update is to be installed, and how.
import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { Icon } from '../icons';
import { machine as api, type UpdateOptions } from '../machine';
import { say } from '../store';
import { Ask } from '../ui/ask';
import { Choice, Field, Toggle } from '../ui/kit';

const most = 512 * 2 ** 20; // bytes

/** UpdateDialog asks for a bundle, or where to find one; onFile sends one while the dialog is gone. */
export function UpdateDialog({ onClose, onFile }: { onClose: () => void; onFile: (f: File, o: UpdateOptions) => unknown }) {
  const [from, setFrom] = useState('file');
  const [file, setFile] = useState<File | null>(null);
  const [url, setURL] = useState('');
  const [older, setOlder] = useState(false);
  const [when, setWhen] = useState('now');
  const large = file !== null && file.size > most;
  const act = async () => {
    const o = { older, restart: when === 'now' };
    if (from === 'file') return void onFile(file as File, o);
    await api.fetch(url.trim(), o);
    say('info', 'The update is being fetched.');
  };
  const ready = from === 'file' ? file !== null && file.size > 0 && !large : url.trim() !== '';
  return html`<${Ask} title="Update the system" verb="Install" danger=${false} ready=${ready} act=${act} onClose=${onClose} testid="update">
    <p class="muted">It is installed beside the version that runs, while recording goes on. If the new one does not record as this one does, the recorder goes back by itself.</p>
    <${Choice} label="Where the update is" value=${from} onPick=${setFrom} options=${[{ value: 'file', label: 'A file' }, { value: 'url', label: 'An address' }]} testid="update-from" />
    ${from === 'file'
      ? html`<div class="field ${large ? 'field-bad' : ''}"><label for="update-file">Bundle, a file that ends with .raucb</label>
          <input id="update-file" type="file" accept=".raucb" class="file" onChange=${(e: Event) => setFile((e.target as HTMLInputElement).files?.[0] ?? null)} aria-invalid=${large ? 'true' : undefined} data-testid="update-file" />
          ${large && html`<p class="field-error" role="alert"><${Icon} name="warn" size=${16} />This file is too large to be one.</p>`}</div>`
      : html`<${Field} id="update-url" label="Address" value=${url} onInput=${setURL} type="url" placeholder="https://" mono testid="update-url" />`}
    <${Toggle} id="update-older" label="Allow an older version" checked=${older} onChange=${setOlder} testid="update-older"
      hint=${older ? 'Beware: it lacks what was repaired since, and may not understand the settings of the newer one.' : 'Off: only a newer one is installed.'} />
    <div class="field"><span id="update-when-h">Restart into it</span>
      <${Choice} label="Restart into it" value=${when} onPick=${setWhen} options=${[{ value: 'now', label: 'As soon as it is installed' }, { value: 'later', label: 'Later' }]} testid="update-when" /></div>
  <//>`;
}

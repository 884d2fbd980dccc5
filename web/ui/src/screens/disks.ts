// The disks of the machine: those that hold footage, and those that could.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { disks as api } from '../api';
import { bytes } from '../format';
import { panel, say, stale, user } from '../store';
import type { DiskList, MachineDisk } from '../types';
import { Ask, Phrase } from '../ui/ask';

/** contentOf says what is on a disk, for people. Pure. */
export function contentOf(d: MachineDisk): string {
  const parts = d.parts.filter((p) => p.fs);
  if (parts.length === 0) return 'nothing that is known';
  return parts.map((p) => (p.label ? `${p.label} (${p.fs})` : p.fs)).join(', ');
}

/** mayUse reports whether a disk has a file system that a volume could take as it is. Pure. */
export const mayUse = (d: MachineDisk) => !d.busy && !d.working && d.parts.some((p) => p.fs === 'ext4' && !p.mount);

/** vacant gives the volumes that have no disk. Pure. */
export const vacant = (l: DiskList) => l.volumes.filter((v) => !l.disks.some((d) => d.volume === v && d.parts.some((p) => p.mount)));

/** diskTold changes whenever an event tells of a disk. */
const diskTold = () => panel.value.events.find((e) => e.type.startsWith('disk_') || e.type.startsWith('volume_'))?.seq;

/** MachineDisks is for administrators, on a box whose volumes have places for disks. */
export function MachineDisks() {
  const [list, setList] = useState<DiskList | null>(null);
  const [erase, setErase] = useState<MachineDisk | null>(null);
  const [letGo, setLetGo] = useState('');
  const admin = user.value?.role === 'admin';
  const told = diskTold();
  const load = () => api.list().then(setList).catch(() => setList(null));
  useEffect(() => {
    if (admin) void load();
  }, [admin, told]);
  if (!admin || !list || list.volumes.length === 0) return null;
  const free = vacant(list);
  const use = async (d: MachineDisk, volume: string) => {
    try {
      await api.use(d.name, volume);
      say('good', `The disk is used for ${volume} now.`);
    } catch (e) {
      say('error', (e as Error).message);
    }
    void load();
  };
  const actions = (d: MachineDisk) => {
    if (d.working) return html`<span class="muted">Being prepared…</span>`;
    if (d.volume && d.parts.some((p) => p.mount)) return html`<button type="button" class="button" disabled=${stale.value} onClick=${() => setLetGo(d.volume ?? '')} data-testid="disk-remove-${d.name}">Remove safely</button>`;
    if (d.busy) return html`<span class="muted small">${d.busy}</span>`;
    return html`${mayUse(d) && free.map((v) => html`<button type="button" class="button" key=${v} disabled=${stale.value} onClick=${() => use(d, v)} data-testid="disk-use-${d.name}">Use for ${v}</button> `)}
      ${free.length > 0 && html`<button type="button" class="button" disabled=${stale.value} onClick=${() => setErase(d)} data-testid="disk-prepare-${d.name}">Erase and prepare…</button>`}`;
  };
  return html`<section class="card span2" aria-labelledby="machine-disks-h"><h2 id="machine-disks-h">Disks of this machine</h2>
    ${free.length > 0 && html`<p class="muted small">${free.length === 1 ? `${free[0]} has no disk` : `${free.join(', ')} have no disk`}: plug one in, and choose it here. Nothing is erased that you do not name.</p>`}
    <div class="table-box"><table class="table stackable" data-testid="machine-disks">
      <thead><tr><th scope="col">Disk</th><th scope="col">Size</th><th scope="col">On it</th><th scope="col">Used for</th><th scope="col"><span class="sr">What may be done</span></th></tr></thead>
      <tbody>${list.disks.map((d) => html`<tr key=${d.name} data-testid="machine-disk-${d.name}">
        <th scope="row">${d.model || d.name} <small class="muted">${[d.model ? d.name : '', d.serial].filter(Boolean).join(', ')}</small></th>
        <td data-label="Size">${bytes(d.bytes)}</td><td data-label="On it">${contentOf(d)}</td><td data-label="Used for">${d.volume ?? '–'}</td>
        <td class="actions">${actions(d)}</td></tr>`)}</tbody>
    </table></div>
    ${erase && html`<${EraseDialog} d=${erase} free=${free} onClose=${() => { setErase(null); void load(); }} />`}
    ${letGo && html`<${RemoveDialog} volume=${letGo} onClose=${() => { setLetGo(''); void load(); }} />`}
  </section>`;
}

/** EraseDialog has the disk's own name typed before anything is erased. */
function EraseDialog({ d, free, onClose }: { d: MachineDisk; free: string[]; onClose: () => void }) {
  const [volume, setVolume] = useState(free[0] ?? '');
  const [typed, setTyped] = useState('');
  const erase = async () => {
    await api.prepare(d.name, volume, typed);
    say('info', 'The disk is being prepared; it is used as soon as it is ready.');
  };
  return html`<${Ask} title="Erase ${d.model || d.name}?" verb="Erase and prepare" keep="Leave it as it is" ready=${typed === d.phrase} act=${erase} onClose=${onClose} testid="erase">
    <p>Everything on this disk of ${bytes(d.bytes)} will be gone: ${contentOf(d)}.</p>
    ${free.length > 1 && html`<label class="field">For <select value=${volume} onChange=${(e: Event) => setVolume((e.target as HTMLSelectElement).value)}>${free.map((v) => html`<option key=${v}>${v}</option>`)}</select></label>`}
    <${Phrase} phrase=${d.phrase} typed=${typed} onType=${setTyped} testid="erase-phrase">to say that this is the one<//>
  <//>`;
}

function RemoveDialog({ volume, onClose }: { volume: string; onClose: () => void }) {
  const remove = async () => {
    await api.remove(volume);
    say('good', `The disk of ${volume} may be unplugged now.`);
  };
  return html`<${Ask} title="Remove the disk of ${volume}?" verb="Remove safely" keep="Keep it" waits="Wait…" act=${remove} onClose=${onClose} testid="remove-disk">
    <p>What is being recorded to it is written to its end first. Its cameras go on on another disk, if there is one; its footage is shown again when it is plugged in again.</p>
  <//>`;
}

// The machine the recorder runs on: its system and updates of it, its power, its log.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api';
import { bytes, stamp } from '../format';
import { Icon } from '../icons';
import { asked as asks, machine as api, refused, send, sending } from '../machine';
import { boxNow, panel, say, stale, user, zone } from '../store';
import type { Machine } from '../types';
import { Ask, Phrase, Wrong } from '../ui/ask';
import { Toggle } from '../ui/kit';
import { Log } from './log';
import { mistakeSays, refusal, slotSays, trialSays } from './machine-words';
import { UpdateDialog } from './update';

/** told changes whenever an event may have changed the machine's state. */
const told = () => panel.value.events.find((e) => /^(update|system|trial|slot|setup)_/.test(e.type))?.seq;

/** useMachine asks for the machine's state, each second while it changes by itself; null where there is none to see. */
export function useMachine(): Machine | null {
  const [m, setM] = useState<Machine | null>(null);
  const admin = user.value?.role === 'admin';
  const event = told();
  useEffect(() => {
    if (!admin) return setM(null);
    let timer = 0;
    let here = true;
    const ask = async (last: Machine | null) => {
      let now = last;
      try {
        now = await api.get();
      } catch (e) {
        // A recorder that is restarting answers nothing, and is asked again once it is back.
        if (e instanceof ApiError && e.status >= 400) now = null;
      }
      if (!here) return;
      setM(now);
      if (now?.busy || now?.trial) timer = window.setTimeout(() => void ask(now), 1000);
    };
    void ask(m);
    return () => {
      here = false;
      clearTimeout(timer);
    };
  }, [admin, event, panel.value.boot, stale.value, asks.value]);
  return admin ? m : null;
}

/** SetupBanner tells what of the provisioning file was not taken. */
export function SetupBanner({ m }: { m: Machine | null }) {
  const list = m?.setup?.errors ?? [];
  if (list.length === 0) return null;
  const at = m?.setup?.applied_at ? Date.parse(m.setup.applied_at) : NaN;
  return html`<div class="overall overall-degraded" role="status" data-testid="setup-mistakes">
    <${Icon} name="warn" /><b>${list.length === 1 ? 'A line' : 'Some'} of the card's vedette.toml was not taken${Number.isFinite(at) ? html` <span class="small">(${stamp(at, zone.value)})</span>` : ''}</b>
    <ul>${list.map((x) => html`<li key="${x.line}-${x.key}">${mistakeSays(x)}</li>`)}</ul>
  </div>`;
}

type Asked = '' | 'update' | 'restart' | 'off' | 'reset';

/** MachineCard is for administrators. */
export function MachineCard({ m }: { m: Machine | null }) {
  const [asked, setAsked] = useState<Asked>('');
  if (user.value?.role !== 'admin') return null;
  const close = () => setAsked('');
  const p = panel.value;
  const working = stale.value || sending.value !== null || m?.busy === true;
  const button = (what: Asked, label: string, off: boolean) => html`<button type="button" class="button" disabled=${off} onClick=${() => setAsked(what)} data-testid="machine-${what}">${label}</button>`;
  return html`<section class="card span2 machine" aria-labelledby="machine-h" data-testid="machine"><h2 id="machine-h">System</h2>
    <dl class="facts">
      <div><dt>Version</dt><dd data-testid="machine-version">${m?.version || p.system.version || p.version || 'not known'}${m?.slot && html` <span class="muted">in slot ${m.slot}, ${m.board}</span>`}</dd></div>
      ${m?.other && html`<div><dt>Slot ${m.other.slot}</dt><dd data-testid="machine-other">${slotSays(m.other)}</dd></div>`}
    </dl>
    ${m?.trial && html`<p class="warnline" role="timer" data-testid="machine-trial"><${Icon} name="clock" size=${16} /> ${trialSays(m.trial, boxNow.value)} <span class="muted">If it does not, the recorder goes back to the version before.</span></p>`}
    <${Progress} m=${m} />
    ${m && html`<p class="press-row">
      ${m.supported && button('update', 'Update…', working || m.trial !== undefined)}
      ${button('restart', 'Restart…', working)}${button('off', 'Power off…', working)}
      ${m.reset_phrase && button('reset', 'Factory reset…', working)}
    </p>`}
    <${Log} />
    ${asked === 'update' && html`<${UpdateDialog} onClose=${close} onFile=${send} />`}
    ${asked === 'restart' && html`<${Ask} title="Restart this recorder?" verb="Restart" act=${done(api.restart, 'The recorder restarts. This page is linked again by itself.')} onClose=${close} testid="restart">
      <p>What is being recorded is written to its end first. Nothing is recorded until it is back, in about half a minute.</p><//>`}
    ${asked === 'off' && html`<${Ask} title="Power this recorder off?" verb="Power off" act=${done(api.powerOff, 'The recorder switches itself off. Its lights tell when its disks may be unplugged.')} onClose=${close} testid="poweroff">
      <p>What is being recorded is written to its end first. To start it again somebody has to be there, to cut its power and bring it back.</p><//>`}
    ${asked === 'reset' && m?.reset_phrase && html`<${ResetDialog} phrase=${m.reset_phrase} onClose=${close} />`}
  </section>`;
}

const done = (act: () => Promise<unknown>, says: string) => async () => {
  await act();
  say('info', says);
};

/** Progress tells of a bundle on its way, of one that is installed, and of one that was not. */
function Progress({ m }: { m: Machine | null }) {
  const s = sending.value;
  const failed = refused.value ?? m?.error;
  if (s) {
    const percent = Math.floor(s.share * 100);
    return html`<div class="machine-progress" data-testid="update-sending">
      <p role="status">${s.share < 1 ? `Sending ${s.name}, ${bytes(s.bytes)}` : `Checking ${s.name}…`}</p>
      <progress max="100" value=${s.share < 1 ? percent : undefined} aria-label="Sent">${percent} %</progress>
      ${s.share < 1 && html`<span class="mono">${percent} %</span> <button type="button" class="button small" onClick=${s.stop} data-testid="update-stop">Stop</button>`}
    </div>`;
  }
  if (m?.busy) return html`<div class="machine-progress" data-testid="update-installing">
    <p role="status">${m.message || 'An update is being installed.'} <span class="muted">Recording goes on.</span></p>
    <progress max="100" value=${m.percent} aria-label="Installed">${m.percent} %</progress><span class="mono">${m.percent} %</span>
  </div>`;
  if (failed) return html`<div data-testid="update-refused" data-code=${failed.code}><${Wrong} error="The update was not installed. ${refusal(failed.code, failed.reason)}" /></div>`;
  if (m?.other?.state === 'ready') return html`<p data-testid="update-ready"><${Icon} name="check" size=${16} /> ${m.other.version} is installed. It is tried at the next start.</p>`;
  return null;
}

/** ResetDialog has a phrase typed before anything is wiped. */
function ResetDialog({ phrase, onClose }: { phrase: string; onClose: () => void }) {
  const [typed, setTyped] = useState('');
  const [footage, setFootage] = useState(false);
  return html`<${Ask} title="Reset to how it came?" verb=${footage ? 'Wipe everything' : 'Wipe settings'} ready=${typed === phrase} onClose=${onClose} testid="reset"
      act=${done(() => api.reset(typed, footage), 'The recorder wipes itself and restarts. It is claimed anew with the code it prints.')}>
    <p>Accounts, cameras with their passwords, settings and the event log will be gone. The recorder has no owner then, and whoever has its claim code may take it.</p>
    <${Toggle} id="reset-footage" label="Footage too" hint=${footage ? 'Everything that was recorded will be gone, kept footage included.' : 'It stays on its disk.'} checked=${footage} onChange=${setFootage} testid="reset-footage" />
    <${Phrase} phrase=${phrase} typed=${typed} onType=${setTyped} testid="reset-phrase">to say that you mean it<//>
  <//>`;
}

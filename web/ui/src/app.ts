// The frame around the screens: who is signed in, where one can go, and
// whether what is on show is true now.
import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { auth } from './api';
import { clock, day, plural, zoneName } from './format';
import { Icon, Mark, type IconName } from './icons';
import { mayOperate } from './roles';
import { route } from './router';
import { LiveScreen } from './screens/live';
import { Gate } from './screens/signin';
import { later } from './later';
import { socket } from './socket';
import { initial } from './state';
import { boxNow, ended, helpOpen, panel, recording, say, theme, user, zone } from './store';
import { IconButton, Notes } from './ui/kit';

const places: { screen: 'live' | 'playback' | 'events' | 'cameras' | 'status' | 'settings'; label: string; icon: IconName }[] = [
  { screen: 'live', label: 'Live', icon: 'live' },
  { screen: 'playback', label: 'Playback', icon: 'playback' },
  { screen: 'events', label: 'Events', icon: 'events' },
  { screen: 'cameras', label: 'Cameras', icon: 'cameras' },
  { screen: 'status', label: 'Status', icon: 'status' },
  { screen: 'settings', label: 'Settings', icon: 'settings' },
];

/** labelOf names a place: who may set nothing of the box finds the own account there alone. */
const labelOf = (p: (typeof places)[number]) => (p.screen === 'settings' && !mayOperate(user.value?.role) ? 'Account' : p.label);

// What the first picture does not need comes in parts of its own.
const PlaybackScreen = later(() => import('./screens/playback').then((m) => m.PlaybackScreen));
const EventsScreen = later(() => import('./screens/events').then((m) => m.EventsScreen));
const CamerasScreen = later(() => import('./screens/cameras').then((m) => m.CamerasScreen));
const StatusScreen = later(() => import('./screens/status').then((m) => m.StatusScreen));
const SettingsScreen = later(() => import('./screens/settings').then((m) => m.SettingsScreen));
const Help = later(() => import('./help').then((m) => m.Help));

export function App() {
  const me = user.value;
  useEffect(() => {
    const ask = () => auth.me().then(
      (m) => (user.value = m),
      (e) => {
        if (e.status === 401 || e.status === 403 || e.status === 404) user.value = null;
        else if (user.value === undefined) setTimeout(ask, 2000);
      },
    );
    void ask();
  }, []);
  useEffect(() => {
    if (me) {
      ended.value = false;
      socket.open();
      const t = setTimeout(() => [PlaybackScreen, EventsScreen, CamerasScreen, StatusScreen, SettingsScreen, Help].forEach((c) => c.fetch()), 1500);
      return () => clearTimeout(t);
    } else {
      socket.close();
      panel.value = initial;
    }
  }, [me]);
  return html`
    ${me === undefined ? html`<${Splash} />` : me === null ? html`<${Gate} />` : html`<${Shell} />`}
    ${helpOpen.value && html`<${Help} />`}
    <${Notes} />`;
}

const Splash = () => html`<main id="main" class="gate"><div class="gate-brand"><${Mark} size=${40} /><span class="wordmark">Vedette</span></div>
  <p class="muted" role="status">Opening the panel…</p></main>`;

function Shell() {
  const r = route.value;
  const first = useRef(true);
  useEffect(() => {
    document.title = `${labelOf(places.find((p) => p.screen === r.screen)!)} · Vedette`;
    if (first.current) first.current = false;
    else document.querySelector<HTMLElement>('#main h1')?.focus({ preventScroll: true });
  }, [r.screen, r.arg, r.part]);
  return html`<div class="shell ${panel.value.staleSince !== null ? 'is-stale' : ''}">
    <a class="skip" href="#main" onClick=${skip}>Skip to content</a>
    <nav class="rail" aria-label="Main">
      <a class="brand" href="#/live" aria-label="Vedette, to the live view"><${Mark} size=${28} /></a>
      ${places.map((p) => html`<a key=${p.screen} href="#/${p.screen}" class="rail-link" data-testid="nav-${p.screen}" aria-current=${r.screen === p.screen ? 'page' : undefined}>
        <${Icon} name=${p.icon} size=${22} /><span>${labelOf(p)}</span></a>`)}
    </nav>
    <${TopBar} />
    <${LinkBanner} />
    <${Screen} />
  </div>`;
}

function skip(e: Event) {
  e.preventDefault();
  document.querySelector<HTMLElement>('#main h1')?.focus();
}

function Screen() {
  if (!panel.value.ready) return html`<main id="main" class="screen"><h1 tabIndex=${-1} class="sr">Vedette</h1><p class="muted pad" role="status">Waiting for the recorder…</p></main>`;
  switch (route.value.screen) {
    case 'playback': return html`<${PlaybackScreen} />`;
    case 'events': return html`<${EventsScreen} />`;
    case 'cameras': return html`<${CamerasScreen} />`;
    case 'status': return html`<${StatusScreen} />`;
    case 'settings': return html`<${SettingsScreen} />`;
    default: return html`<${LiveScreen} />`;
  }
}

function TopBar() {
  const rec = recording.value;
  const all = rec.recording >= rec.wanted;
  const next = { auto: 'dark', dark: 'light', light: 'auto' } as const;
  const themeIcon = { auto: 'auto', dark: 'moon', light: 'sun' } as const;
  const out = async () => {
    try {
      await socket.aside(async () => {
        await auth.logout().catch((e) => e.status === 401 || Promise.reject(e));
        user.value = null;
      });
    } catch (e) {
      say('error', (e as Error).message);
    }
  };
  return html`<header class="top">
    <span class="wordmark">Vedette</span>
    ${panel.value.ready && html`<a href="#/status" class="rec ${all ? (rec.wanted ? 'rec-all' : '') : 'rec-some'}" data-testid="recording-count"
      title="${rec.recording} of ${plural(rec.wanted, 'camera')} recording">
      <i class="glyph ${all ? (rec.wanted ? 'glyph-recording' : 'glyph-disabled') : 'glyph-error'}" aria-hidden="true"></i><b class="mono">${rec.recording}/${rec.wanted}</b><span class="rec-word">recording</span></a>`}
    <span class="top-gap"></span>
    <${BoxClock} />
    <${IconButton} icon=${themeIcon[theme.value]} label="Theme: ${theme.value === 'auto' ? 'as the system' : theme.value}" onClick=${() => (theme.value = next[theme.value])} testid="theme" />
    <${IconButton} icon="keys" label="Keyboard shortcuts" onClick=${() => (helpOpen.value = true)} class="wide-only" testid="help" />
    <${IconButton} icon="out" label="Sign out ${user.value?.username ?? ''}" onClick=${out} testid="logout" />
  </header>`;
}

/** BoxClock is the recorder's clock, not this browser's; it says when the two disagree or it is not to be trusted. */
function BoxClock() {
  const z = zone.value;
  const p = panel.value;
  if (!p.ready) return null;
  const untrusted = p.system.clock?.trusted === false;
  const off = Math.abs(p.skew) > 5000;
  const flip = () => (zone.value = z === 'utc' ? 'local' : 'utc');
  const note = untrusted ? 'clock not set' : off ? 'differs from this device' : '';
  return html`<button type="button" class="boxclock ${untrusted ? 'is-bad' : off ? 'is-warn' : ''}" onClick=${flip} data-testid="box-clock"
      title="The recorder's clock, ${zoneName(z)}. Click to switch.">
    ${note && html`<${Icon} name="warn" size=${16} />`}
    <span class="boxclock-day">${day(boxNow.value, z)}</span>
    <b class="mono">${clock(boxNow.value, z)}</b><small>${z === 'utc' ? 'UTC' : 'local'}</small>
    ${note && html`<span class="sr">, ${note}</span>`}
  </button>`;
}

function LinkBanner() {
  const since = panel.value.staleSince;
  return html`<div class="link" role="status" data-testid="link-banner">${since !== null && html`<p>
    <i class="spin" aria-hidden="true"></i>${panel.value.ready ? `Reconnecting… showing state from ${clock(since + panel.value.skew, zone.value)}` : 'Connecting…'}</p>`}</div>`;
}

// Live: all cameras at once, or one of them large.
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { useKeys } from '../keys';
import { go, href, route } from '../router';
import { boxes, boxNow, cameraList, layout } from '../store';
import { Choice, Empty, IconButton } from '../ui/kit';
import { arrange } from './arrange';
import { Tile } from './tile';

const layouts = ['auto', '1', '4', '9'] as const;

/** usePhone tells whether the page is narrow: there the grid is a list one scrolls. */
function usePhone(): boolean {
  const q = '(max-width: 599px)';
  const [phone, setPhone] = useState(() => matchMedia(q).matches);
  useEffect(() => {
    const m = matchMedia(q);
    const on = () => setPhone(m.matches);
    m.addEventListener('change', on);
    return () => m.removeEventListener('change', on);
  }, []);
  return phone;
}

export function LiveScreen() {
  const list = cameraList.value.filter((c) => c.state !== 'disabled');
  const one = cameraList.value.find((c) => c.id === route.value.arg);
  const [page, setPage] = useState(0);
  const phone = usePhone();
  const a = arrange(list.length, layout.value, page, phone);
  const shown = one ? [one] : list.slice(a.first, a.first + a.count);

  useKeys((key, e) => {
    if (key === 'Escape' && one && !document.fullscreenElement) return go('live'), true;
    if (key === 'l' && !one) return (layout.value = layouts[(layouts.indexOf(layout.value) + 1) % layouts.length]), true;
    if (key === 'b') return (boxes.value = boxes.value === 'on' ? 'off' : 'on'), true;
    const focused = (e.target as HTMLElement)?.closest?.('[data-cam]')?.getAttribute('data-cam') ?? one?.id;
    if (key === 'p' && focused) return go('playback', focused, `t=${Math.round(boxNow.value - 30_000)}`), true;
    if (/^[1-9]$/.test(key) && list[Number(key) - 1]) return go('live', list[Number(key) - 1].id), true;
    if (key.startsWith('Arrow')) return one ? sideways(key, one.id, list.map((c) => c.id)) : roam(key, a.columns);
  });

  if (!cameraList.value.length) {
    return html`<main id="main" class="screen"><h1 tabIndex=${-1}>Live</h1>
      <${Empty} title="No cameras yet"><p>Add the first one; it records as soon as its picture arrives.</p>
      <a class="button primary" href="#/cameras/new" data-testid="live-add">Add a camera</a><//></main>`;
  }
  return html`<main id="main" class="screen live ${one ? 'live-one' : ''} ${phone ? 'live-phone' : ''}">
    <header class="screen-head ${one ? 'sr' : ''}">
      <h1 tabIndex=${-1}>${one ? one.name : 'Live'}</h1>
      ${!one && html`<div class="live-tools">
        ${a.pages > 1 && html`<div class="pager" role="group" aria-label="Page">
          <${IconButton} icon="back" label="Page before" onClick=${() => setPage((a.page + a.pages - 1) % a.pages)} />
          <span class="mono">${a.first + 1}–${Math.min(list.length, a.first + a.count)} of ${list.length}</span>
          <${IconButton} icon="forward" label="Next page" onClick=${() => setPage((a.page + 1) % a.pages)} />
        </div>`}
        <${Choice} label="Cameras at once" testid="layout" value=${layout.value} onPick=${(v: string) => (layout.value = v as typeof layout.value)}
          options=${layouts.map((v) => ({ value: v, label: v === 'auto' ? 'Auto' : v }))} />
      </div>`}
    </header>
    <div class="grid cols-${one ? 1 : a.columns} rows-${one ? 1 : a.rows}" data-testid="live-grid">
      ${shown.map((c) => html`<${Tile} key=${c.id} camera=${c} large=${!!one} index=${shown.indexOf(c)} />`)}
    </div>
  </main>`;
}

/** roam moves the focus between tiles as they lie. */
function roam(key: string, columns: number): boolean {
  const tiles = [...document.querySelectorAll<HTMLElement>('.tile-open')];
  const i = tiles.indexOf(document.activeElement as HTMLElement);
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key] ?? 0;
  const to = i < 0 ? 0 : i + step;
  tiles[to]?.focus();
  return true;
}

function sideways(key: string, id: string, ids: string[]): boolean {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
  if (!step || ids.length < 2) return false;
  location.hash = href('live', ids[(ids.indexOf(id) + step + ids.length) % ids.length]);
  return true;
}

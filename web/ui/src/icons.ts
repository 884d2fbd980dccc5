// Line drawings on a 24 grid, all of one weight. They are decoration: the
// control that holds one carries the words.
import { h } from 'preact';

const paths = {
  live: 'M3 6.5h11a1.500 1.500 0 0 1 1.500 1.500v8a1.500 1.500 0 0 1-1.500 1.500H3zM15.500 10.500 21 7.500v9l-5.500-3',
  playback: 'M3 12a9 9 0 1 0 3-6.700M3 4v4.500h4.500M12 7.500V12l3 2',
  cameras: 'M4 5h16v4H4zM6.500 9v2.500a5.500 5.500 0 0 0 11 0V9M12 12.500v.01M8 20h8',
  events: 'M6 10a6 6 0 0 1 12 0c0 4.500 1.500 6 2 7H4c.5-1 2-2.500 2-7zM10 20h4',
  status: 'M3 12h4l2.500-6.500L14 18.500 16.500 12H21',
  settings: 'M4 7.500h9M17 7.500h3M4 16.500h3M11 16.500h9M15 5v5M9 14v5',
  play: 'M8 5.500v13l10.500-6.500z',
  pause: 'M8.500 5.500v13M15.500 5.500v13',
  back10: 'M4 12a8 8 0 1 0 2.500-5.800M4 4.500V9h4.500M10 10v5M13.500 10h2.500v5h-2.500z',
  fwd10: 'M20 12a8 8 0 1 1-2.500-5.800M20 4.500V9h-4.500M8.500 10v5M12 10h2.500v5H12z',
  frameBack: 'M15 6.500v11L8 12zM5.500 6.500v11',
  frameFwd: 'M9 6.500v11l7-5.500zM18.500 6.500v11',
  full: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
  sound: 'M4 9.500h3.500L12 6v12l-4.500-3.500H4zM15.500 9a4 4 0 0 1 0 6M18 6.500a7.500 7.500 0 0 1 0 11',
  muted: 'M4 9.500h3.500L12 6v12l-4.500-3.500H4zM16 9.500l5 5M21 9.500l-5 5',
  grid: 'M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z',
  back: 'M14.500 5.500 8 12l6.500 6.500',
  forward: 'M9.500 5.500 16 12l-6.500 6.500',
  download: 'M12 4v11M7 10.500l5 5 5-5M4.500 20h15',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  close: 'M6 6l12 12M18 6 6 18',
  check: 'M5 12.500l4.500 4.500L19 7',
  keep: 'M6.500 11V8a5.500 5.500 0 0 1 11 0v3M5 11h14v9H5z',
  cross: 'M7 7l10 10M17 7 7 17',
  warn: 'M12 4 2.500 20h19zM12 10v4.500M12 17.200v.01',
  info: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v5.500M12 7.500v.01',
  edit: 'M4 20l1-4.500L16 4.500l3.500 3.500L8.500 19zM14 6.500l3.500 3.500',
  record: 'M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z',
  zone: 'M5 7l8-3 6 7-5 9-8-3zM5 7v.01M13 4v.01M19 11v.01M14 20v.01M6 17v.01',
  boxes: 'M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M9 9h6v6H9z',
  trash: 'M4.500 7h15M9 7V4.500h6V7M6.500 7l1 13h9l1-13M10 11v5.500M14 11v5.500',
  probe: 'M4 12a8 8 0 0 1 8-8M4 12a8 8 0 0 0 8 8M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 12h9',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400',
  moon: 'M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10z',
  auto: 'M12 3.500a8.500 8.500 0 1 0 0 17zM12 3.500a8.500 8.500 0 0 1 0 17',
  keys: 'M3 6.500h18v11H3zM6.500 10v.01M10 10v.01M14 10v.01M17.500 10v.01M8 14h8',
  out: 'M14 4.500H5v15h9M10 12h11M17.500 8l4 4-4 4',
  clock: 'M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17zM12 7.500V12l3 2',
  list: 'M8 6.500h12M8 12h12M8 17.500h12M4 6.500v.01M4 12v.01M4 17.500v.01',
  markIn: 'M9 5H6v14h3M18 12h-7M14 9l-3 3 3 3',
  markOut: 'M15 5h3v14h-3M6 12h7M10 9l3 3-3 3',
  eye: 'M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z',
  now: 'M5 6l8 6-8 6zM17.500 6v12',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return h(
    'svg',
    { class: 'icon', width: size, height: size, viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false' } as any,
    h('path', { d: paths[name] }),
  );
}

/** The mark: a lamp above a watch-post's chevron. */
export function Mark({ size = 24 }: { size?: number }) {
  return h(
    'svg',
    { class: 'mark', width: size, height: size, viewBox: '0 0 32 32', 'aria-hidden': 'true', focusable: 'false' } as any,
    h('path', { class: 'mark-v', d: 'M4.500 12.500 16 25l11.500-12.500' }),
    h('circle', { class: 'mark-lamp', cx: 16, cy: 9.500, r: 4 }),
  );
}

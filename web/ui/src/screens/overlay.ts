// Boxes around what workers saw, over live video.
import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { boxesAt, boxText, fitted, remember, usualDelay } from '../media/boxes';
import type { Detection, Seen } from '../perception';
import { socket } from '../socket';
import { panel } from '../store';

/** Overlay draws on a canvas as large as the element it lies in. It hears of a camera only while it is on. */
export function Overlay({ camera, on }: { camera: string; on: boolean }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const linked = panel.value.link === 'open';
  useEffect(() => {
    if (!on || !linked) return;
    const c = canvas.current!;
    const video = c.parentElement?.querySelector('video') ?? null;
    let list: Seen[] = [];
    let delay = usualDelay;
    let frame = 0;
    let drawn = '';
    const topic = `detections/${camera}`;
    const off = socket.on((m) => {
      if (m.t !== 'detections' || m.d?.camera_id !== camera) return;
      list = remember(list, m.d);
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(step);
    });
    const stop = timing(video, (d) => (delay = d));
    const step = () => {
      const found = boxesAt(list, Date.now() + panel.peek().skew, delay);
      const now = `${c.clientWidth} ${c.clientHeight} ${JSON.stringify(found)}`;
      if (now !== drawn) draw(c, video, found);
      drawn = now;
      c.dataset.boxes = String(found.length);
      // Nothing waits to be shown or to go: rest until the next report.
      if (found.length || list.some((s) => Date.parse(s.captured_at) + delay > Date.now() + panel.peek().skew)) frame = requestAnimationFrame(step);
    };
    socket.send('sub', { topics: [topic] });
    return () => {
      off();
      stop();
      cancelAnimationFrame(frame);
      socket.send('unsub', { topics: [topic] });
      draw(c, video, []);
      c.dataset.boxes = '0';
    };
  }, [camera, on, linked]);
  return html`<canvas ref=${canvas} class="boxes" aria-hidden="true" data-testid="boxes-${camera}" data-boxes="0"></canvas>`;
}

/** timing measures how long after its arrival a frame is on the screen, where the browser tells. */
function timing(video: HTMLVideoElement | null, on: (delay: number) => void): () => void {
  if (!video || !('requestVideoFrameCallback' in video)) return () => {};
  let mean = usualDelay;
  let id = 0;
  const frame = (_: number, m: VideoFrameCallbackMetadata) => {
    const took = m.receiveTime === undefined ? NaN : m.expectedDisplayTime - m.receiveTime;
    if (took >= 0 && took < 2000) on((mean += (took - mean) / 8));
    id = video.requestVideoFrameCallback(frame);
  };
  id = video.requestVideoFrameCallback(frame);
  return () => video.cancelVideoFrameCallback(id);
}

function draw(c: HTMLCanvasElement, video: HTMLVideoElement | null, list: Detection[]) {
  const [w, h] = [c.clientWidth, c.clientHeight];
  const ratio = devicePixelRatio || 1;
  c.width = Math.round(w * ratio);
  c.height = Math.round(h * ratio);
  const g = c.getContext('2d');
  if (!g || !list.length) return;
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.font = '600 12px system-ui, sans-serif';
  g.textBaseline = 'top';
  const at = fitted(w, h, video?.videoWidth ? video.videoWidth / video.videoHeight : w / h);
  for (const d of list) {
    const [x, y, bw, bh] = d.bbox!;
    const r = { x: at.x + x * at.w, y: at.y + y * at.h, w: bw * at.w, h: bh * at.h };
    // Dark under light: it is seen on any picture.
    for (const [width, colour] of [[4, 'rgb(8 12 14 / 0.7)'], [2, '#ffd36b']] as const) {
      g.lineWidth = width;
      g.strokeStyle = colour;
      g.strokeRect(r.x, r.y, r.w, r.h);
    }
    const text = boxText(d);
    if (!text) continue;
    const top = r.y >= 18 ? r.y - 18 : r.y;
    g.fillStyle = 'rgb(8 12 14 / 0.85)';
    g.fillRect(r.x - 1, top, g.measureText(text).width + 10, 18);
    g.fillStyle = '#ffd36b';
    g.fillText(text, r.x + 4, top + 3);
  }
}

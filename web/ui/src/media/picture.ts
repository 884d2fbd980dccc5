// A live picture without anything around it, for what is drawn upon it.
import { html } from 'htm/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { sentence } from '../format';
import { panel } from '../store';
import type { Camera } from '../types';
import { hasPicture, stateWord } from '../ui/kit';
import { Live } from './rtc';

/** LivePicture shows the camera as large as it may be, without bars beside it: children lie over it, of the same size. */
export function LivePicture({ camera: c, children }: { camera: Camera; children?: ComponentChildren }) {
  const video = useRef<HTMLVideoElement>(null);
  const still = useRef<HTMLCanvasElement>(null);
  const live = useRef<Live | null>(null);
  const [says, setSays] = useState('');
  const [shape, setShape] = useState<number>(c.width && c.height ? c.width / c.height : 16 / 9);
  const open = panel.value.link === 'open';
  const there = hasPicture(c);
  useEffect(() => {
    const l = new Live(c.id, video.current!, still.current!, { onState: (s, text) => setSays(s === 'unsupported' ? 'This browser cannot show H.265' : s === 'failed' ? sentence(text) : '') });
    live.current = l;
    return () => l.destroy();
  }, [c.id]);
  useEffect(() => {
    if (!there) live.current?.close();
    else if (open) live.current?.open(c.sub_url ? 'sub' : 'main');
  }, [there, open, c.id]);
  const sized = (e: Event) => {
    const v = e.currentTarget as HTMLVideoElement;
    if (v.videoWidth && v.videoHeight) setShape(v.videoWidth / v.videoHeight);
  };
  return html`<div class="canvas" style=${{ aspectRatio: String(shape), '--shape': String(shape) }}>
    <canvas ref=${still} class="tile-still" aria-hidden="true"></canvas>
    <video ref=${video} autoplay playsInline muted onLoadedMetadata=${sized} onResize=${sized} data-testid="zone-video"></video>
    ${(!there || says) && html`<p class="canvas-says">${there ? says : `${stateWord(c.state)}: you can draw all the same.`}</p>`}
    ${children}
  </div>`;
}

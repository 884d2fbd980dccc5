// One live picture over WebRTC. The offer goes out at once and candidates
// follow as they are found; a picture that stops is noticed and fetched anew.
import { socket } from '../socket';
import { showLive, type LiveFigures } from '../debug';

export type LiveState = 'idle' | 'connecting' | 'playing' | 'stalled' | 'failed' | 'unsupported';

export interface LiveHooks {
  onState(s: LiveState, message: string): void;
}

/** A picture older than this is called stalled. */
const stallMs = 3000;
const firstMs = 10_000;

let sessions = 0;

export class Live {
  state: LiveState = 'idle';
  private pc: RTCPeerConnection | null = null;
  private session = '';
  private off: (() => void) | null = null;
  private timer = 0;
  private retry = 0;
  private tries = 0;
  private lastFrame = 0;
  private began = 0;
  private early: RTCIceCandidateInit[] = [];
  private stream: 'main' | 'sub' = 'main';
  private served = '';
  private media = new MediaStream();
  private fig = { firstPictureMs: null as number | null, frames: 0, restarts: 0 };

  constructor(
    private readonly cam: string,
    private readonly video: HTMLVideoElement,
    /** Lies under the video and keeps the last picture while the next session has none yet. */
    private readonly still: HTMLCanvasElement,
    private readonly hooks: LiveHooks,
  ) {
    showLive(cam, () => this.figures());
    const onFrame = () => {
      this.frame();
      this.video.requestVideoFrameCallback?.(onFrame);
    };
    if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(onFrame);
    else (video as HTMLVideoElement).addEventListener('timeupdate', () => this.frame());
  }

  /** open asks for the stream; a running session of the other stream ends. */
  open(stream: 'main' | 'sub') {
    if (this.pc && this.stream === stream) return;
    this.stream = stream;
    this.tries = 0;
    this.connect();
  }

  /** close ends the session and leaves the last picture. */
  close() {
    this.drop();
    clearTimeout(this.retry);
    this.set('idle');
  }

  destroy() {
    this.close();
    this.video.srcObject = null;
    showLive(this.cam, null);
  }

  private connect() {
    this.drop();
    clearTimeout(this.retry);
    const session = `${this.cam}-${Date.now().toString(36)}-${++sessions}`;
    this.session = session;
    this.began = performance.now();
    this.lastFrame = 0;
    this.fig.firstPictureMs = null;
    this.set(this.state === 'stalled' ? 'stalled' : 'connecting');
    const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    this.pc = pc;
    this.media = new MediaStream();
    for (const kind of ['video', 'audio'] as const) {
      const { receiver } = pc.addTransceiver(kind, { direction: 'recvonly' });
      hurry(receiver);
    }
    pc.ontrack = (e) => this.track(pc, e);
    pc.onicecandidate = (e) => {
      if (e.candidate && this.session === session) socket.send('rtc.candidate', { session, candidate: e.candidate.toJSON() });
    };
    pc.onconnectionstatechange = () => {
      if (this.pc === pc && pc.connectionState === 'failed') this.again('The connection to the recorder broke.');
    };
    this.off = socket.on((m) => this.heard(m.t, m.d ?? {}));
    this.timer = window.setInterval(() => this.watch(), 500);
    void this.offer(pc, session);
  }

  private async offer(pc: RTCPeerConnection, session: string) {
    try {
      const offer = await pc.createOffer();
      if (this.pc !== pc) return;
      // Sent before it is set here: the recorder may answer while the browser still prepares.
      if (!socket.send('rtc.offer', { cam: this.cam, stream: this.stream, sdp: offer.sdp, session })) {
        this.again('Waiting for the recorder.');
        return;
      }
      await pc.setLocalDescription(offer);
    } catch (e) {
      if (this.pc === pc) this.again((e as Error).message);
    }
  }

  private track(pc: RTCPeerConnection, e: RTCTrackEvent) {
    if (this.pc !== pc) return;
    hurry(e.receiver);
    this.media.addTrack(e.track);
    if (this.video.srcObject !== this.media) this.video.srcObject = this.media;
    this.video.play().catch(() => {});
  }

  private heard(t: string, d: any) {
    const pc = this.pc;
    if (!pc || d.session !== this.session) return;
    if (t === 'rtc.answer') void this.answer(pc, d);
    else if (t === 'rtc.candidate' && d.candidate) this.candidate(pc, d.candidate);
    else if (t === 'rtc.error') this.refused(d.code ?? '', d.message ?? 'The recorder refused.');
    else if (t === 'rtc.close') this.again('The recorder ended the picture.');
  }

  private async answer(pc: RTCPeerConnection, d: any) {
    try {
      while (pc.signalingState !== 'have-local-offer' && this.pc === pc) await new Promise((r) => setTimeout(r, 2));
      if (this.pc !== pc) return;
      this.served = d.stream ?? this.stream;
      await pc.setRemoteDescription({ type: 'answer', sdp: d.sdp });
      for (const c of this.early.splice(0)) await pc.addIceCandidate(c);
    } catch (e) {
      if (this.pc === pc) this.again((e as Error).message);
    }
  }

  private candidate(pc: RTCPeerConnection, c: RTCIceCandidateInit | string) {
    const init = typeof c === 'string' ? { candidate: c, sdpMid: '0', sdpMLineIndex: 0 } : c;
    if (pc.remoteDescription) pc.addIceCandidate(init).catch(() => {});
    else this.early.push(init);
  }

  private refused(code: string, message: string) {
    if (/h265|codec|unsupported/i.test(code)) {
      this.drop();
      this.set('unsupported', message);
      return;
    }
    this.again(message);
  }

  private frame() {
    const now = performance.now();
    // A last picture of the session before may still be on its way to the screen.
    if (!this.pc || this.video.srcObject !== this.media) return;
    this.fig.frames++;
    this.lastFrame = now;
    if (this.fig.firstPictureMs === null) this.fig.firstPictureMs = Math.round((now - this.began) * 10) / 10;
    this.tries = 0;
    this.set('playing');
  }

  private watch() {
    if (!this.pc) return;
    const now = performance.now();
    if (this.lastFrame === 0) {
      if (now - this.began > firstMs) this.again('No picture came.');
      return;
    }
    // A hidden page draws nothing; that is not the camera's fault.
    if (document.hidden) {
      this.lastFrame = now;
      return;
    }
    const age = now - this.lastFrame;
    if (age > stallMs) this.set('stalled', `No picture for ${Math.floor(age / 1000)} s`);
    if (age > stallMs + 2000) this.again(`No picture for ${Math.floor(age / 1000)} s`);
  }

  /** again tries anew after a wait that doubles up to 15 s. */
  private again(message: string) {
    const seen = this.state === 'playing' || this.state === 'stalled';
    this.drop();
    this.fig.restarts++;
    this.set(seen ? 'stalled' : 'failed', message);
    clearTimeout(this.retry);
    const wait = Math.min(15_000, 500 * 2 ** this.tries++) * (0.75 + Math.random() / 4);
    this.retry = window.setTimeout(() => this.connect(), wait);
  }

  private drop() {
    clearInterval(this.timer);
    this.off?.();
    this.off = null;
    this.early = [];
    if (!this.pc) return;
    socket.send('rtc.close', { session: this.session });
    // An ended stream is drawn black: the picture stays under a video that shows nothing.
    keep(this.video, this.still);
    this.video.srcObject = null;
    this.pc.onconnectionstatechange = this.pc.ontrack = this.pc.onicecandidate = null;
    this.pc.close();
    this.pc = null;
  }

  private set(s: LiveState, message = '') {
    if (s === this.state && s !== 'stalled' && s !== 'failed') return;
    this.state = s;
    this.hooks.onState(s, message);
  }

  /** stream that the recorder really sends: it may have only one. */
  get serving(): string {
    return this.served;
  }

  private figures(): LiveFigures {
    return { state: this.state, stream: this.served || this.stream, ...this.fig };
  }
}

/** keep copies what video shows to the canvas under it; without a picture the canvas stays as it is. */
function keep(video: HTMLVideoElement, still: HTMLCanvasElement) {
  if (video.readyState < 2 || !video.videoWidth) return;
  still.width = video.videoWidth;
  still.height = video.videoHeight;
  still.getContext('2d')?.drawImage(video, 0, 0);
}

/** hurry asks for no waiting room between network and screen. */
function hurry(r: RTCRtpReceiver) {
  const any = r as any;
  if ('playoutDelayHint' in any) any.playoutDelayHint = 0;
  if ('jitterBufferTarget' in any) any.jitterBufferTarget = 0;
}

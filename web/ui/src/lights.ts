// What the lights of the box say, as in docs/LIGHTS.md: the tests compare.
export const lights = [
  { state: 'recording', status: 'solid', fault: 'off', means: 'Everything is in order' },
  { state: 'starting', status: 'blink', fault: 'off', means: 'It starts, or waits for its cameras' },
  { state: 'updating', status: 'fast', fault: 'off', means: 'An update is being installed: leave the power on' },
  { state: 'degraded', status: 'pulse', fault: 'blink', means: 'It records, but something needs a look: the panel says what' },
  { state: 'fault', status: 'fast', fault: 'solid', means: 'Nothing is recorded, or the disk fails: look at once' },
  { state: 'stopped', status: 'off', fault: 'off', means: 'It stopped cleanly: the disks are safe to unplug' },
];

/** How a pattern is called. */
export const patterns: Record<string, string> = { solid: 'on', off: 'off', blink: 'blinking', fast: 'blinking fast', pulse: 'flashing' };

/** What a hold of so many ms does, longest first. */
export const gestures = [
  { ms: 10_000, name: 'Hold 10 s', does: 'Opens the setup window for 15 minutes: the console shows a code that makes an admin, or gives one another password; failed sign-ins are forgiven' },
  { ms: 3_000, name: 'Hold 3 s', does: 'Stops cleanly and makes the disk safe to unplug' },
  { ms: 0, name: 'Press', does: 'Keeps the last 5 minutes of every camera' },
];

// Handing out what is shown this once: copied, or saved as a file.
import { say } from '../store';

/** copy puts text on the clipboard, and says whether it is there: browsers refuse it to pages that are not encrypted. */
export async function copy(text: string) {
  try {
    await navigator.clipboard.writeText(text);
    say('good', 'Copied.');
  } catch {
    say('error', 'This browser does not let the panel copy: select the text and copy it yourself.');
  }
}

/** save gives a file to whoever sits before the browser. */
export function save(what: Blob, name: string) {
  const url = URL.createObjectURL(what);
  const a = document.createElement('a');
  a.href = url;
  a.download = name;
  a.click();
  // The download has begun with the click, or begins soon.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

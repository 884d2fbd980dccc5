// How many pictures at once, and in how many columns. Pure.

export interface Arrangement {
  columns: number;
  rows: number;
  first: number;
  count: number;
  page: number;
  pages: number;
}

/**
 * arrange lays out n cameras: a chosen number at once, or as many as are
 * readable. On a phone the choice is of columns only, and all of them scroll.
 */
export function arrange(n: number, choice: 'auto' | '1' | '4' | '9', page: number, phone: boolean): Arrangement {
  if (phone) {
    const columns = choice === '4' || choice === '9' ? 2 : 1;
    return { columns, rows: Math.ceil(n / columns), first: 0, count: n, page: 0, pages: 1 };
  }
  const per = choice === 'auto' ? Math.min(16, Math.max(1, n)) : Number(choice);
  const pages = Math.max(1, Math.ceil(n / per));
  const p = Math.min(Math.max(0, page), pages - 1);
  const columns = Math.ceil(Math.sqrt(per));
  return { columns, rows: Math.ceil(per / columns), first: p * per, count: per, page: p, pages };
}

import { StageError } from '../../errors.ts';

type Truncatable = { readonly IsTruncated?: boolean | undefined };
/** Where a list goes on, in one or two pieces; both undefined or empty where it begins. */
type Marker = readonly [string | undefined, (string | undefined)?];

/** More than a bucket of evidence can have: a hundred million keys. */
const MAX_PAGES = 100_000;

const idOf = ([first = '', second = '']: Marker): string => JSON.stringify([first, second]);

/** A list that makes no progress, or more than it can. */
export const neverEnds = (what: string): StageError =>
  new StageError('store', 'LIST_REPEATS', `${what}: it would never end`, {
    retryable: false,
    advice: 'Find out what answers in the name of the store (a proxy?): what it lists cannot be believed.',
  });

/**
 * The pages of a list, asked for one after the other. By hand, because the SDK's paginators go on for as long as there is a
 * marker (some stores always send one), and where a store repeats itself either never end or break off without a word.
 * @param ask for the page that follows another
 * @param nextOf the marker that a page gives for the one that follows it
 * @throws StageError code LIST_REPEATS when a list goes on where it was already, or for more than {@link MAX_PAGES} pages
 */
export async function* pagesOf<Page extends Truncatable>(ask: (previous: Page | undefined) => Promise<Page>, nextOf: (page: Page) => Marker): AsyncGenerator<Page> {
  const been = new Set([idOf([undefined])]);
  let page: Page | undefined;
  do {
    page = await ask(page);
    yield page;
    if (page.IsTruncated !== true) return;
    const next = idOf(nextOf(page));
    if (been.has(next)) throw neverEnds(`the store's list goes on at ${next}, where it was already`);
    if (been.size === MAX_PAGES) throw neverEnds(`the store's list has more than ${MAX_PAGES} pages`);
    been.add(next);
  } while (true);
}

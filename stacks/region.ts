import type { Perimeter } from '../modules/perimeter.ts';
import type { Place } from '../modules/vocabulary/index.ts';

/** What every stack of a Region knows. */
export interface RegionProps {
  /** The forensic account and the Region. */
  readonly place: Place;
  /** Where the Region's logs are kept: the log-archive account, or the forensic account itself. */
  readonly archive: Place;
  readonly perimeter: Perimeter;
  /** Accounts that evidence is acquired from. */
  readonly memberAccounts: readonly string[];
  readonly keyAdministratorArns: readonly string[];
  /** Days that logs are kept. */
  readonly logDays: number;
}

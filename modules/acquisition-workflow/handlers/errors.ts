/**
 * What a handler throws: `name` is the error that Step Functions matches in Retry and Catch, the message says what was got,
 * what is allowed and what to do. Text from outside in it is escaped.
 */
export class HandlerError extends Error {
  constructor(
    name: 'Cleanroom.BadInput' | 'Cleanroom.OutsideEstate' | 'Cleanroom.RecordConflict' | 'Cleanroom.RecordDamaged' | 'Cleanroom.RecordMissing',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = name;
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');

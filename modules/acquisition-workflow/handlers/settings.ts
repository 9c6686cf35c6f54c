import { z } from 'zod';
import { AcquisitionOptions, TriggerSettings, type Place } from '../../vocabulary/index.ts';

/** What functions have to be told of their estate; the Region comes from Lambda itself. */
export interface HandlerSettings {
  readonly place: Place;
  /** Prefix of the collector's log groups. */
  readonly logPrefix: string;
  /** Bucket of evidence and records. */
  readonly bucket: string;
  readonly topicArn: string;
  /** What a case does unless a person says otherwise. */
  readonly options: AcquisitionOptions;
  readonly triggers: TriggerSettings;
}

/** Environment variables of every function, by what they say. */
export const SETTING_NAMES = {
  prefix: 'CLEANROOM_PREFIX',
  partition: 'CLEANROOM_PARTITION',
  account: 'CLEANROOM_ACCOUNT',
  logPrefix: 'CLEANROOM_LOG_PREFIX',
  bucket: 'CLEANROOM_BUCKET',
  topicArn: 'CLEANROOM_TOPIC_ARN',
  /** JSON. */
  options: 'CLEANROOM_OPTIONS',
  /** JSON. */
  triggers: 'CLEANROOM_TRIGGERS',
} as const;

/** The environment that {@link handlerSettings} reads. */
export const handlerEnvironment = ({ place, logPrefix, bucket, topicArn, options, triggers }: HandlerSettings): Readonly<Record<string, string>> => ({
  [SETTING_NAMES.prefix]: place.prefix,
  [SETTING_NAMES.partition]: place.partition,
  [SETTING_NAMES.account]: place.account,
  [SETTING_NAMES.logPrefix]: logPrefix,
  [SETTING_NAMES.bucket]: bucket,
  [SETTING_NAMES.topicArn]: topicArn,
  [SETTING_NAMES.options]: JSON.stringify(options),
  [SETTING_NAMES.triggers]: JSON.stringify(triggers),
});

/** A text that is JSON. */
const Json = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue('it is no JSON');
    return z.NEVER;
  }
});

const text = (environment: NodeJS.ProcessEnv, name: string): string => {
  const value = environment[name];
  if (value === undefined) throw new Error(`the environment variable ${name} is not set; the construct AcquisitionWorkflow sets it: deploy the function with that`);
  return value;
};

/**
 * Reads what the construct has put into a function's environment.
 * @throws Error naming the variable that is missing or wrong
 */
export function handlerSettings(environment: NodeJS.ProcessEnv = process.env): HandlerSettings {
  const read = (key: keyof typeof SETTING_NAMES) => text(environment, SETTING_NAMES[key]);
  const parsed = <Value>(key: 'options' | 'triggers', schema: z.ZodType<Value>): Value => {
    const value = Json.pipe(schema).safeParse(read(key));
    if (!value.success) throw new Error(`the environment variable ${SETTING_NAMES[key]} is wrong: ${value.error.message}; deploy the forensics stack again`);
    return value.data;
  };
  return {
    place: { prefix: read('prefix'), partition: read('partition'), account: read('account'), region: text(environment, 'AWS_REGION') },
    logPrefix: read('logPrefix'),
    bucket: read('bucket'),
    topicArn: read('topicArn'),
    options: parsed('options', AcquisitionOptions),
    triggers: parsed('triggers', TriggerSettings),
  };
}

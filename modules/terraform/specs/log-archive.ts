import { LogArchive } from '../../audit/log-archive.ts';
import type { ModuleSpec } from '../spec.ts';
import { KEY_ADMINISTRATORS, lockMode, PLACE, placeOf, retentionDays } from '../variables.ts';

export const logArchive: ModuleSpec = {
  name: 'log-archive',
  description: 'In the log-archive account: the locked bucket and the key for a forensic account\'s trails, configuration records and session transcripts.',
  costs: 'Storage by the byte for the whole retention, one KMS key.',
  not: 'It makes no trail and no recorder.',
  variables: {
    ...PLACE,
    forensic_account_id: { type: 'string', description: 'Id of the forensic account whose logs are kept.', validation: { condition: 'can(regex("^[0-9]{12}$", VALUE))', message: 'An account id of 12 digits is allowed.' } },
    key_administrator_arns: KEY_ADMINISTRATORS,
    retention_days: retentionDays('the archive', 731),
    lock_mode: lockMode('the archive', 'COMPLIANCE'),
  },
  build: (scope, v) => {
    const place = placeOf(v);
    const archive = new LogArchive(scope, 'Archive', {
      place,
      sources: [{ ...place, account: v.text('forensic_account_id') }],
      keyAdministratorArns: v.list('key_administrator_arns'),
      retentionDays: v.number('retention_days'),
      lockMode: v.text('lock_mode') as 'COMPLIANCE',
    });
    return {
      bucket: { value: archive.bucketName, description: 'The bucket.' },
      key_arn: { value: archive.keyArn, description: 'The key.' },
    };
  },
};

import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { consoleSink } from '../../agent/console-sink.ts';
import { messageOf } from '../../agent/errors.ts';
import { LogEvent } from '../../modules/vocabulary/index.ts';

/** What a person sees of an event. */
function shown(event: LogEvent, fields: Readonly<Record<string, unknown>> = {}): string {
  const stream = new PassThrough();
  consoleSink(stream).write({ time: '2026-01-02T03:04:05.678Z', level: 'info', event, ...fields });
  return (stream.read() as Buffer | null)?.toString() ?? '';
}

describe('what a person at a terminal is told', () => {
  const told: readonly [event: LogEvent, fields: Readonly<Record<string, unknown>>, says: string][] = [
    [LogEvent.collectorStarted, { store: '/evidence' }, 'watching for disks; evidence goes to /evidence. Ctrl-C stops, and what was stored can be resumed.\n'],
    [LogEvent.diskFound, { identity: 'vol-1', name: 'sdb', size: 2 ** 30, labels: ['data'], trigger: 'by-label' }, 'found vol-1: sdb, 1.0 GiB, labels ["data"], seen by by-label\n'],
    [LogEvent.diskLeftAlone, { identity: 'vol-1', reason: 'mounted', because: 'it is in use' }, 'left alone vol-1: it is in use\n'],
    [LogEvent.diskLeftAlone, { identity: 'vol-1', code: 'NOT_PROVEN', because: 'the image is not proven', safe: 'Nothing was stored.', advice: 'Look at the source.' }, 'left alone vol-1: the image is not proven. Nothing was stored. Look at the source.\n'],
    [LogEvent.diskLeftAlone, { identity: 'vol-1', code: 'HELD', because: 'it is in use', safe: 'Nothing was stored.', tryAgainSeconds: 15 }, 'left alone vol-1: it is in use. Nothing was stored. It is tried again in 15 s.\n'],
    [LogEvent.acquisitionResumed, { exhibitId: 'vol-1', parts: 7 }, 'resuming vol-1: 7 parts are stored already\n'],
    [LogEvent.partRetried, { exhibitId: 'vol-1', part: 3, attempt: 1, reason: '503' }, 'part 3 of vol-1 is sent again (try 1 failed): 503\n'],
    [LogEvent.sourceBadRange, { exhibitId: 'vol-1', offset: 512, length: 1024 }, 'bad sectors on vol-1: 1024 bytes at 512\n'],
    [LogEvent.acquisitionEnded, { exhibitId: 'vol-1', status: 'COMPLETE', bytes: 1024, sha256: 'ab' }, 'COMPLETE vol-1: 1.0 KiB, SHA-256 ab\n'],
    [LogEvent.acquisitionEnded, { exhibitId: 'vol-1', status: 'FAILED', message: 'the source shrank' }, 'FAILED vol-1: the source shrank\n'],
    [LogEvent.logsSpooled, { group: '/x/ForensicDiskAudit', error: 'Error', message: 'connect ECONNREFUSED', advice: 'check the endpoint' }, 'the log service does not take the events of /x/ForensicDiskAudit: connect ECONNREFUSED; they are kept on disk and delivered later\n'],
    [LogEvent.logsSpooled, { dropped: 7, because: 'more than 8 bytes wait' }, 'warning: 7 events were dropped: more than 8 bytes wait\n'],
    [LogEvent.warning, { message: 'look here' }, 'warning: look here\n'],
  ];
  for (const [event, fields, says] of told) {
    it(`is a sentence: ${says.trim()}`, () => {
      expect(shown(event, fields)).to.equal(says);
    });
  }

  it('is nothing of single parts, heartbeats, and devices that are no disks', () => {
    for (const event of [LogEvent.partStored, LogEvent.collectorHeartbeat, LogEvent.acquisitionProgress]) expect(shown(event)).to.equal('');
    for (const reason of ['no-medium', 'virtual']) expect(shown(LogEvent.diskLeftAlone, { identity: 'x', reason, because: 'y' })).to.equal('');
  });

  it('never moves the cursor, clears the screen or forges a line, whatever a disk or a store says', () => {
    const fields = ['identity', 'exhibitId', 'store', 'name', 'because', 'safe', 'advice', 'tryAgainSeconds', 'reason', 'message', 'path', 'status', 'sha256', 'part', 'trigger', 'group', 'dropped'];
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(LogEvent)), fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\x1b[2J', 'a\nb', '\u202e', '\r', '\x9b2J')), (event, hostile) => {
        const record = { ...Object.fromEntries(fields.map((name) => [name, hostile])), labels: [hostile] };
        expect(shown(event, record)).to.match(/^(?:[\x20-\x7e]*\n)?$/);
      }),
    );
  });
});

describe("an error's message", () => {
  it('is one line of printable ASCII, whatever was thrown', () => {
    const thrown = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }).map((text) => new Error(text)));
    fc.assert(fc.property(thrown, (error) => { expect(messageOf(error)).to.match(/^[\x20-\x7e]*$/); }));
    expect(messageOf(new Error('a\n  b\x1b[2J\u202e'))).to.equal('a b\\u{1b}[2J\\u{202e}');
  });
});

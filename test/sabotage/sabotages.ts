/** What the collector promises, each with one way to break it. Whoever changes a line that is named here names the new one. */

export type Sabotage = {
  readonly promise: string;
  readonly file: string;
  /** Text that the file has once, and what it is replaced by. */
  readonly from: string;
  readonly to: string;
  /** The file below `test/` that has to notice, without `.test.ts`, and where that is long, which of its tests. */
  readonly test: string;
  readonly grep?: string;
};

const finding: readonly Sabotage[] = [
  { promise: 'a labelled disk is found by its link', file: 'agent/watch-devices.ts', from: "links.on('all', () => asked.resolve());", to: '', test: 'agent/watch-devices', grep: 'finds a labelled disk through' },
  { promise: 'a disk without any link is found', file: 'agent/watch-devices.ts', from: "await scan('rescan').catch(onWarning);", to: '', test: 'agent/watch-devices', grep: 'by its net alone' },
  { promise: 'a disk that was attached before is found', file: 'agent/watch-devices.ts', from: "await scan('scan'); //", to: '//', test: 'agent/watch-devices', grep: 'attached before it started' },
  { promise: 'a disk is taken once', file: 'agent/disk-ledger.ts', from: 'this.#reported.set(key, verdict.eligible);', to: '', test: 'agent/watch-devices', grep: 'each once' },
  { promise: 'a disk is not taken before udev is done with it', file: 'agent/disk-ledger.ts', from: 'if (isNews && !settled && !this.#waitedLongEnough(key)) return [];', to: '', test: 'agent/watch-devices', grep: 'before udev is done' },
  { promise: 'a partition stands for its whole disk', file: 'agent/adapters/source-path.ts', from: '{ name: basename(dirname(directory)), partition: basename(directory) }', to: '{ name: basename(directory), partition: basename(directory) }', test: 'agent/source-disk', grep: 'whole disk, when a partition' },
  { promise: 'identity is the volume or the attachment, never a name', file: 'agent/adapters/block-devices.ts', from: "volumeId ?? `disk-${bootId.replaceAll('-', '').slice(0, 8)}-${diskseq}`", to: 'volumeId ?? name', test: 'agent/watch-devices', grep: 'as another' },
  { promise: 'a serial that only looks like a volume ID names nothing', file: 'agent/adapters/block-devices.ts', from: "model?.toString('latin1') === EBS_MODEL ?", to: 'true ?', test: 'agent/block-devices' },
  { promise: 'the root disk is left alone', file: 'agent/adapters/block-devices.ts', from: "if (used.has('root')) return", to: 'if (false) return', test: 'agent/block-devices' },
  { promise: 'a mounted disk is left alone, with the reason', file: 'agent/adapters/block-devices.ts', from: "if (used.has('mounted')) return", to: 'if (false) return', test: 'agent/block-devices' },
  { promise: 'a held disk is left alone', file: 'agent/adapters/block-devices.ts', from: 'if (holders.length > 0) return', to: 'if (false) return', test: 'agent/block-devices' },
  { promise: 'instance store is left alone', file: 'agent/adapters/block-devices.ts', from: 'if (model === INSTANCE_STORE_MODEL && !includeInstanceStore) {', to: 'if (false) {', test: 'agent/block-devices' },
];

const touching: readonly Sabotage[] = [
  { promise: 'a disk is opened exclusively', file: 'agent/adapters/source-disk.ts', from: 'constants.O_EXCL | constants.O_NOFOLLOW', to: 'constants.O_NOFOLLOW', test: 'agent/source-disk', grep: 'exclusive' },
  { promise: 'a disk that was swapped is refused', file: 'agent/adapters/source-disk.ts', from: 'if (diskseq !== disk.diskseq) throw', to: 'if (false) throw', test: 'agent/source-disk', grep: 'took the place' },
  { promise: 'a writable disk is set read-only first', file: 'agent/adapters/source-disk.ts', from: 'if (before.readOnly) return { before, after: before };', to: 'return { before, after: before };', test: 'agent/source-disk', grep: 'before anything is read' },
  { promise: 'a disk that stays writable is refused', file: 'agent/adapters/source-disk.ts', from: 'if (after.readOnly) return { before, after };', to: 'return { before, after };', test: 'agent/source-disk', grep: 'does not make read-only' },
  { promise: 'a writable image file is refused', file: 'agent/adapters/source-file.ts', from: 'if (writable && !allowWritable) {', to: 'if (false) {', test: 'agent/source-disk', grep: 'could write to' },
  { promise: 'dc3dd reads the source that was opened', file: 'agent/adapters/dc3dd.ts', from: "'if=/proc/self/fd/3', `bufsz", to: "'if=/dev/zero', 'cnt=1', `bufsz", test: 'agent/pipeline-directory', grep: 'bit for bit' },
];

const passing: readonly Sabotage[] = [
  { promise: 'memory stays bounded, dc3dd included', file: 'agent/adapters/dc3dd.ts', from: "const BUFFER_SIZE = '256K';", to: "const BUFFER_SIZE = '8M';", test: 'agent/cli', grep: 'MiB' },
  { promise: 'the ring bounds what is read ahead', file: 'agent/adapters/slab-worker.ts', from: 'SLOT_FREE, SLOT_BUSY) === SLOT_FREE) return slot;', to: 'SLOT_FREE, SLOT_BUSY) !== 7) return slot;', test: 'agent/slab-reader', grep: 'when no slab comes back|right bytes' },
  { promise: "a failed part's range is read again from the source", file: 'agent/stages/acquire.ts', from: 'const source = attempt === 1 ? part : rereadPart(', to: 'const source = attempt > 0 ? part : rereadPart(', test: 'agent/pipeline-s3' },
  { promise: 'what is read again must be what was read', file: 'agent/adapters/reread-part.ts', from: 'if (sameDigests(first, again)) return first;', to: 'return first;', test: 'agent/reread-part' },
  { promise: "the part size follows from the disk's size", file: 'modules/vocabulary/image-layout.ts', from: 'Math.max(needed, DEFAULT_PART_SIZE)', to: 'Math.min(needed, DEFAULT_PART_SIZE)', test: 'vocabulary/image-layout' },
  { promise: 'an image over the largest object is split', file: 'modules/vocabulary/image-layout.ts', from: 'Math.max(1, Math.ceil(imageSize / objectSize));', to: '1;', test: 'vocabulary/image-layout' },
  { promise: 'a disk that gives nothing for too long ends the pass', file: 'agent/stages/acquire.ts', from: 'if (silence >= limit)', to: 'if (false)', test: 'agent/pipeline-directory', grep: 'may be silent' },
  { promise: 'both hash engines pass known answers', file: 'agent/hash-self-test.ts', from: 'if (got !== expected) {', to: 'if (false) {', test: 'agent/doctor', grep: 'known answer' },
  { promise: 'what is read after the end is only given back', file: 'agent/adapters/slab-reader.ts', from: 'if (this.#finished) return this.#slab', to: 'if (false) return this.#slab', test: 'agent/slab-reader', grep: 'leaves its ring' },
  { promise: 'progress counts every byte', file: 'agent/adapters/slab-reader.ts', from: 'this.onBytes?.(message.length);', to: 'if (part !== this.#started[0]) this.onBytes?.(message.length);', test: 'agent/pipeline-directory', grep: 'how far' },
];

/** A line of the contract each: the image is not COMPLETE where it does not hold. */
const contract: readonly Sabotage[] = [
  ['exit 0', 'else if (run.exitCode !== 0) yield', 'else if (false) yield'],
  ['no signal', 'if (run.signal !== null) yield', 'if (false) yield'],
  ['the footer says completed', "if (report.footer !== 'completed') yield", 'if (false) yield'],
  ['the source is still there', "if (!after.present) yield 'the source was gone when the reading ended';", "if (false) yield '';"],
  ['the size is the same before and after', 'else if (after.size !== sizeBefore) yield', 'else if (false) yield'],
  ['nothing came beyond the size', 'if (end.surplus > 0) yield', 'if (false) yield'],
  ['as many bytes were streamed', 'if (end.bytes !== sizeBefore) yield', 'if (false) yield'],
  ['diskseq is unchanged', 'if (evidence.diskseqBefore !== after.diskseq) yield', 'if (false) yield'],
  ['the disk stayed read-only', 'if (evidence.diskseqBefore !== undefined && becameWritable(evidence)) yield', 'if (false) yield'],
  ['sectors in and out make the size', 'else if (whole * (report.sectorSize ?? 0) + tail !== sizeBefore) yield', 'else if (false) yield'],
  ['the bad sectors of a disk are counted', 'if (evidence.diskseqBefore !== undefined && report.badSectors === undefined) yield', 'if (false) yield'],
  ['every part was confirmed', 'if (evidence.partsConfirmed !== evidence.partsExpected) yield', 'if (false) yield'],
  ['what is stored was checked by somebody', 'if (!evidence.storedIsChecked) yield', 'if (false) yield'],
  ["dc3dd's own hash agrees where it was asked for", 'if (evidence.secondHash && report.sha256 !== sha256) yield', 'if (false) yield'],
  ['the bad sectors are all located', 'if (!bad.complete) reasons', 'if (false) reasons'],
  ['not every sector is bad', 'if (badBytes > 0 && badBytes >= sizeBefore) reasons', 'if (false) reasons'],
  ['bad sectors make it PARTIAL', "if (badBytes === 0) return { status: 'COMPLETE'", "if (badBytes >= 0) return { status: 'COMPLETE'"],
].map(([what, from, to]) => ({ promise: `the contract: ${what!}`, file: 'agent/stages/prove.ts', from: from!, to: to!, test: 'agent/prove' }));

const storing: readonly Sabotage[] = [
  { promise: 'S3: an image is never overwritten', file: 'agent/adapters/stores/s3-upload.ts', from: "      IfNoneMatch: '*',\n", to: '', test: 'agent/pipeline-s3', grep: 'between its last look' },
  { promise: 'S3: a record is never overwritten', file: 'agent/adapters/stores/s3-store.ts', from: "        IfNoneMatch: '*',\n", to: '', test: 'agent/s3-store.contract' },
  { promise: 'S3: a checksum that the store does not repeat is not believed', file: 'agent/adapters/stores/s3-upload.ts', from: 'if (said !== undefined && said === sent) return;', to: 'return;', test: 'agent/pipeline-s3', grep: 'believe' },
  { promise: 'S3: a short object is not an image', file: 'agent/adapters/stores/s3-object-digest.ts', from: 'if (object.length !== size) throw', to: 'if (false) throw', test: 'agent/pipeline-s3', grep: 'another length' },
  { promise: "S3: the store's digest of the whole is compared", file: 'agent/adapters/stores/s3-object-digest.ts', from: 'if (said === expected) return object;', to: 'return object;', test: 'agent/pipeline-s3', grep: 'another checksum of the whole' },
  { promise: 'S3: the version that was completed is looked at, whatever was put over it', file: 'agent/adapters/stores/s3-upload.ts', from: 'this.#context.head(versionOf(answered), signal)', to: 'this.#context.head(undefined, signal)', test: 'agent/pipeline-s3', grep: 'another version put over' },
  { promise: 'S3: the version is recorded', file: 'agent/stages/manifest.ts', from: '      ...(versionId === undefined ? {} : { versionId }),\n      ...(etag', to: '      ...(etag', test: 'agent/pipeline-s3', grep: 'records the version' },
  { promise: 'S3: image and records are encrypted with the key that was given', file: 'agent/adapters/stores/s3-store.ts', from: "return kmsKeyId === undefined ? {} : { Server", to: 'return kmsKeyId !== undefined ? {} : { Server', test: 'agent/pipeline-s3', grep: 'encrypts' },
  { promise: 'S3: tries are bounded', file: 'agent/stages/acquire.ts', from: 'retries: options.partTries - 1,', to: 'retries: options.partTries + 1,', test: 'agent/pipeline-s3' },
  { promise: 'S3: 503 halves what is under way', file: 'agent/stages/acquire.ts', from: 'if (isSlowDown(error)) this.#limit.slowDown();', to: '', test: 'agent/pipeline-s3', grep: 'half as many' },
  { promise: 'a directory: a file is never replaced', file: 'agent/adapters/stores/directory-paths.ts', from: 'await link(from, to);', to: "await (await import('node:fs/promises')).rename(from, to);", test: 'agent/directory-store' },
  { promise: 'a directory: what is stored is read back and compared', file: 'agent/adapters/stores/read-back-worker.ts', from: 'if (!found.equals(expected)) {', to: 'if (found.length !== expected.length) {', test: 'agent/read-back' },
  { promise: 'a directory: a short file is not an image', file: 'agent/adapters/stores/directory-upload.ts', from: 'if (size !== length) throw', to: 'if (false) throw', test: 'agent/directory-store' },
  { promise: 'a directory that does not answer is given up', file: 'agent/adapters/stores/patient-store.ts', from: 'return this.wait(work(), this.milliseconds);', to: 'return work();', test: 'agent/patient-store', grep: 'did not even open' },
  { promise: "a directory that does not answer never has all of Node's threads", file: 'agent/adapters/stores/directory-store.ts', from: 'writing: inTurn()', to: 'writing: (work) => work()', test: 'agent/patient-store', grep: 'never holds all' },
  { promise: 'a directory: finished files are 0440', file: 'agent/adapters/stores/directory-upload.ts', from: 'await data.chmod(0o440);', to: '', test: 'agent/directory-store' },
];

const recording: readonly Sabotage[] = [
  { promise: 'logs: events go to their own group', file: 'agent/adapters/logs/cloudwatch-sink.ts', from: 'spool.append(logGroupOf(record.event), line', to: "spool.append('audit', line", test: 'agent/logs-cloudwatch' },
  { promise: 'logs: a batch stays inside 1 MiB', file: 'agent/adapters/logs/log-batches.ts', from: 'bytes + size > PUT_LIMITS.maxBytes', to: 'false', test: 'agent/logs-batches' },
  { promise: 'logs: times rise in a batch', file: 'agent/adapters/logs/log-batches.ts', from: 'const timestamp = Math.max(previous, ', to: 'const timestamp = Math.max(0, ', test: 'agent/logs-batches' },
  { promise: 'logs: what was delivered is not delivered again', file: 'agent/adapters/logs/group-delivery.ts', from: 'await spool.settle(this.#head.segment);', to: '', test: 'agent/logs-cloudwatch' },
  { promise: 'logs: what could not be delivered is delivered later', file: 'agent/adapters/logs/group-delivery.ts', from: 'const refused = await client.put(group, events, signal);', to: 'const refused = await client.put(group, events, signal).catch(() => 0);', test: 'agent/logs-cloudwatch' },
  { promise: 'logs: standard output that is gone costs nothing', file: 'agent/adapters/logs/stdout-sink.ts', from: "stream.on('error', () => broken.add(stream));", to: '', test: 'agent/logs' },
  { promise: 'logs: no sink keeps another from its records', file: 'agent/adapters/logs/create-event-log.ts', from: "      try {\n        sink.write(record);\n      } catch {\n        refused += 1;\n      }", to: '      sink.write(record);', test: 'agent/logs' },
  { promise: "dc3dd's own log is stored beside the image", file: 'agent/pipeline.ts', from: '`${acquired.run.log}\\n${describeBadRanges', to: '`\\n${describeBadRanges', test: 'agent/pipeline-directory', grep: 'own log' },
  { promise: 'the manifest says whether the source was read-only before', file: 'agent/stages/manifest.ts', from: 'readOnlyBefore: source.readOnlyBefore,', to: 'readOnlyBefore: true,', test: 'agent/collect-disks' },
  { promise: "the manifest has the disk's labels, raw and escaped", file: 'agent/stages/manifest.ts', from: 'labels: [...(disk?.labels ?? [])],', to: 'labels: [],', test: 'agent/collect-disks' },
  { promise: 'the manifest names who is accountable', file: 'agent/stages/manifest.ts', from: '    accountable,\n    status,', to: "    accountable: 'nobody',\n    status,", test: 'agent/collect-disks' },
  { promise: 'custody events are chained: each names the one before', file: 'modules/vocabulary/hash-chain.ts', from: 'if (event.previous !== previous) problems', to: 'if (false) problems', test: 'vocabulary/custody' },
  { promise: 'custody events are chained: each has its own hash', file: 'modules/vocabulary/hash-chain.ts', from: 'if (event.hash !== expected) problems', to: 'if (false) problems', test: 'vocabulary/custody' },
  { promise: 'hostile text is inert', file: 'modules/vocabulary/hostile-text.ts', from: 'byte < 0x7f && ', to: '', test: 'vocabulary/hostile-text' },
  { promise: 'hostile labels are inert in the log', file: 'agent/commands/run.ts', from: 'disk.labels.map(({ escaped }) => escaped)', to: "disk.labels.map(({ base64 }) => Buffer.from(base64, 'base64').toString())", test: 'agent/run', grep: 'printable ASCII' },
];

const telling: readonly Sabotage[] = [
  { promise: 'verify names the first part that differs, with its range', file: 'agent/stages/verify-image.ts', from: 'if (was !== undefined && was !== is) this.#add(', to: 'if (false) this.#add(', test: 'agent/verify', grep: 'first part' },
  { promise: 'verify refuses what nobody compared after it was stored', file: 'modules/vocabulary/manifest-rules.ts', from: "!storeChecksum.verifiedByStore && reread !== 'identical'", to: 'false', test: 'vocabulary/manifest-rules' },
  { promise: 'verify says what was put over a log', file: 'agent/stages/verify-records.ts', from: 'return forged === undefined ? {', to: 'return forged !== "" ? {', test: 'agent/verify', grep: 'put over' },
  { promise: 'verify holds an image against its map of bad sectors', file: 'agent/stages/zero-check.ts', from: 'if (first >= 0) found.push(', to: 'if (first < -1) found.push(', test: 'agent/verify', grep: 'map of bad sectors' },
  { promise: 'verify compares what custody log and manifest conclude', file: 'agent/stages/verify-records.ts', from: '(last.detail[name] === said ? []', to: '(said ? []', test: 'agent/verify', grep: 'concludes otherwise' },
  { promise: 'verify recomputes the custody logs of other attempts', file: 'agent/stages/verify.ts', from: '    ...others.custody,\n', to: '', test: 'agent/verify', grep: "another attempt's custody" },
  { promise: "verify holds another attempt's capture log against its custody log", file: 'agent/stages/verify.ts', from: '    ...others.capture,\n', to: '', test: 'agent/verify', grep: 'in its capture log' },
  { promise: "a failed attempt's custody log names its capture log", file: 'agent/pipeline.ts', from: 'left: failure.safe ?? null, captureLog }', to: 'left: failure.safe ?? null }', test: 'agent/pipeline-directory', grep: 'takes over what' },
  { promise: 'an attempt has one capture log', file: 'agent/pipeline.ts', from: 'run.captureLog ?? ', to: '', test: 'agent/pipeline-directory', grep: 'one capture log' },
  { promise: "verify recomputes the image's SHA-256", file: 'agent/stages/verify-image.ts', from: 'if (sha256 !== undefined && sha256 !== integrity.sha256) {', to: 'if (false) {', test: 'agent/verify', grep: 'first part' },
  { promise: 'SIGTERM ends an acquisition as resumable', file: 'agent/cli.ts', from: "process.on('SIGTERM', stop);", to: '', test: 'agent/cli', grep: 'SIGTERM' },
  { promise: 'a signal hides no finding about the evidence', file: 'agent/errors.ts', from: 'return stays ? error : signal.reason;', to: 'return signal.reason;', test: 'agent/cli', grep: 'not what an earlier attempt stored' },
  { promise: 'S3: the request of a record ends with its acquisition', file: 'agent/adapters/stores/s3-store.ts', from: 'client: endingWith(client, signal),', to: 'client,', test: 'agent/pipeline-s3', grep: 'gives the request of a record' },
  { promise: 'S3: a manifest whose request was broken off is looked for', file: 'agent/stages/record.ts', from: '.catch((error: unknown) => settled(error, store, key, bytes));', to: ';', test: 'agent/pipeline-s3', grep: 'told to stop while its manifest' },
  { promise: 'what fails while an image is completed denies nothing that may be stored', file: 'agent/pipeline.ts', from: "  run.reached = 'completing'; // also", to: '  // also', test: 'agent/pipeline-s3', grep: 'once it has completed' },
  { promise: 'SIGINT twice means now', file: 'agent/cli.ts', from: "if (signal === 'SIGINT' && ++interrupts === 2) endByForce();", to: '', test: 'agent/cli', grep: 'SIGINT' },
  { promise: 'exit statuses tell PARTIAL apart', file: 'modules/vocabulary/status.ts', from: 'partial: 3,', to: 'partial: 0,', test: 'agent/cli', grep: '3 for PARTIAL' },
  { promise: 'flags win over the environment', file: 'agent/config/load-config.ts', from: '    flagLayer(flags),\n    environmentLayer(env),', to: '    environmentLayer(env),\n    flagLayer(flags),', test: 'agent/config' },
  { promise: 'every error names its source', file: 'agent/config/load-config.ts', from: "message: `must be ${setting.allowed}`, got: shown(setting.name, value) }", to: "message: 'wrong' }", test: 'agent/config' },
  { promise: 'secrets are never printed', file: 'agent/config/problems.ts', from: "if (SECRET_NAME.test(name)) return '[redacted]';", to: '', test: 'agent/config' },
  { promise: 'user and password of a URL are never printed', file: 'agent/config/problems.ts', from: ".replaceAll(URL_USERINFO, '$1[redacted]@')", to: '', test: 'agent/config' },
  { promise: 'of where evidence goes no secret is printed, whatever it is made of', file: 'agent/config/problems.ts', from: 'LOCATION_NAMES.includes(name) ? redactLocation(text) : text', to: 'text', test: 'agent/config' },
  { promise: 'a volume id that was given names one disk', file: 'agent/commands/run.ts', from: '(config.once ? config.volumeId : undefined) ?? disk.identity', to: 'config.volumeId ?? disk.identity', test: 'agent/run', grep: 'gives a volume id' },
  { promise: 'with --once one disk is imaged', file: 'agent/commands/run.ts', from: 'if (this.#session.config.once) this.#ended.abort(); //', to: '//', test: 'agent/run', grep: 'no second' },
  { promise: 'a failed disk does not keep others waiting', file: 'agent/commands/run.ts', from: 'return this.#leaveAlone(disk, error, pause);', to: 'const done = this.#leaveAlone(disk, error, pause); if (!done) await delay(3_600_000); return done;', test: 'agent/run', grep: 'images the next disk' },
];

const resuming: readonly Sabotage[] = [
  { promise: 'a part that is no longer the same stops everything', file: 'agent/stages/acquire.ts', from: 'if (!isSamePart(earlier, digests)) throw', to: 'if (false) throw', test: 'agent/pipeline-s3' },
  { promise: 'what only a CRC32 vouches for is read back', file: 'agent/pipeline.ts', from: "takenOver > 0 && store.partChecksum.algorithm !== 'SHA256';", to: 'takenOver < 0 && !store;', test: 'agent/pipeline-s3', grep: 'CRC-32' },
  { promise: 'an upload that ended since it was listed is passed over', file: 'agent/adapters/stores/s3-listing.ts', from: "if (nameOf(error) === 'NoSuchUpload') return undefined;", to: '', test: 'agent/s3-takeover' },
  { promise: 'two collectors that took over one upload: one completes it', file: 'agent/adapters/stores/s3-upload.ts', from: "renamings > 0 && (await this.#renamed(digests, signal))", to: 'false', test: 'agent/s3-two-collectors', grep: 'take over the same upload' },
  { promise: 'S3: a conflict of two requests is asked past', file: 'agent/adapters/stores/s3-persist.ts', from: 'isConflict(error.cause) ||', to: '', test: 'agent/s3-answers', grep: 'something else is being stored' },
  { promise: 'S3: a pass that has ended outlives an outage', file: 'agent/adapters/stores/s3-persist.ts', from: '|| (error.retryable && isOutage(error.cause))', to: '', test: 'agent/s3-answers', grep: 'fails longer' },
  { promise: 'S3: what only answers begins no upload', file: 'agent/adapters/stores/s3-store.ts', from: 'if (!UploadId) throw', to: 'if (false) throw', test: 'agent/s3-answers', grep: 'that an upload was begun' },
  { promise: 'S3: what only answers is no object', file: 'agent/adapters/stores/s3-store.ts', from: 'if (!found.ETag) throw', to: 'if (false) throw', test: 'agent/s3-answers', grep: 'for every object' },
  { promise: 'nobody waits for a part that was answered before its end', file: 'agent/adapters/reread-part.ts', from: "      reject(new StageError('store'", to: "      void (new StageError('store'", test: 'agent/reread-part' },
  { promise: 'disks that are imaged at once do not wait for connections', file: 'agent/main.ts', from: 'config.concurrency * config.parallel', to: 'config.concurrency', test: 'agent/s3-client' },
  { promise: 'two collectors: one steps back', file: 'agent/adapters/stores/s3-takeover.ts', from: 'if (index < place || (await partsIn(context, uploadId, signal))?.size) return uploadId;', to: '', test: 'agent/s3-takeover' },
  { promise: 'an exhibit with a manifest is done', file: 'agent/pipeline.ts', from: '  await refuseCollected(run);\n', to: '', test: 'agent/pipeline-s3' },
  { promise: 'bad sectors at the end are mapped too', file: 'agent/adapters/bad-sectors.ts', from: 'if (unlisted > 0) runs.push(', to: 'if (unlisted > 1e9) runs.push(', test: 'agent/bad-sectors' },
  { promise: 'a bad sector is tried again', file: 'agent/adapters/bad-sectors.ts', from: 'if (!tried.bytes) continue;', to: 'continue;', test: 'agent/bad-sectors' },
  { promise: 'an image file ends where it says', file: 'agent/adapters/source-file.ts', from: 'if (behind !== undefined) {', to: 'if (false) {', test: 'agent/source-disk', grep: 'behind the end' },
  { promise: 'a long run at the end is looked at, and not only counted', file: 'agent/adapters/bad-sectors.ts', from: 'if ((await reader.read(sector, 1)).errno === undefined) return false;', to: '', test: 'agent/bad-sectors' },
  { promise: 'a bad range has the error that its sectors gave', file: 'agent/adapters/direct-reader.ts', from: 'if (errno !== undefined) failed = { errno };', to: '', test: 'agent/bad-sectors' },
  { promise: 'a bad range has the tries that were made', file: 'agent/adapters/bad-sectors.ts', from: 'errno, tries: 1 + tries });', to: 'errno, tries: 1 + TRIES });', test: 'agent/bad-sectors' },
];

export const SABOTAGES: readonly Sabotage[] = [...finding, ...touching, ...passing, ...contract, ...storing, ...recording, ...telling, ...resuming];

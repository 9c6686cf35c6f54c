import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { directoryStore } from '../../agent/adapters/stores/directory-store.ts';
import { describeEvidenceStore } from '../contract/evidence-store.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const SCRATCH = /\.(partial|partial\.parts\.jsonl|partial\.lock\.\w+|tmp)$/;

describeEvidenceStore('a directory', {
  exclusive: true,
  create: async () => {
    const dir = await tempDir();
    const root = join(dir.path, 'evidence');
    return {
      store: await directoryStore(root),
      another: () => directoryStore(root),
      visible: async () => {
        const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
        return entries
          .filter((entry) => !entry.isDirectory() && !SCRATCH.test(entry.name))
          .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
          .toSorted();
      },
      inspect: (key) => readFile(join(root, key)).catch(() => undefined),
      cleanup: dir.remove,
    };
  },
});

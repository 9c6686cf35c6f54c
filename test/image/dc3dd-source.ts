/**
 * Source archives of the shape of dc3dd's, as Debian has them: an upstream tar.gz with `configure`, and a tar.xz with a series of
 * patches. dc3dd's own sources are not in every mirror; these compile to a program that hands on to Debian's dc3dd, and
 * compile only when the patch was applied.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { sha256Of } from '../../scripts/bundle/archive.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const CONFIGURE = `#!/bin/sh
set -eu
prefix=/usr/local
for option in "$@"; do
  case $option in
    --prefix=*) prefix=\${option#*=} ;;
    *) echo "configure: error: unrecognized option: $option" >&2; exit 1 ;;
  esac
done
for tool in gcc bison gperf help2man perl; do
  command -v "$tool" >/dev/null || { echo "configure: error: $tool is needed" >&2; exit 1; }
done
sed "s|@prefix@|$prefix|" Makefile.in >Makefile
`;

const MAKEFILE = `prefix = @prefix@
src/dc3dd: src/dc3dd.c src/version.h
	gcc -O2 -Wall -Werror -o $@ src/dc3dd.c
`;

const program = (real: string): string => `#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "version.h"

int main(int argc, char **argv)
{
  if (argc == 2 && strcmp(argv[1], "--built-from") == 0) {
    puts(BUILT_FROM);
    return 0;
  }
  execv("${real}", argv);
  perror("${real}");
  return 127;
}
`;

/** What the compiled program says to `--built-from`. */
export const BUILT_FROM = 'source with the patches of Debian';

const PATCH = `--- /dev/null
+++ b/src/version.h
@@ -0,0 +1 @@
+#define BUILT_FROM "${BUILT_FROM}"
`;

/**
 * Writes both archives into a folder.
 * @param real program that the compiled one hands on to
 * @returns their SHA-256
 */
export async function makeDc3ddSource(folder: string, debianVersion: string, real: string): Promise<{ readonly sourceSha256: string; readonly patchesSha256: string }> {
  const upstream = debianVersion.replace(/-[^-]*$/, '');
  const work = await tempDir();
  try {
    const files = {
      [`dc3dd-${upstream}/configure`]: CONFIGURE,
      [`dc3dd-${upstream}/Makefile.in`]: MAKEFILE,
      [`dc3dd-${upstream}/src/dc3dd.c`]: program(real),
      'debian/patches/series': '# applied in this order\nversion.patch\n',
      'debian/patches/version.patch': PATCH,
    };
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(work.path, path)), { recursive: true });
      await writeFile(join(work.path, path), text, { mode: path.endsWith('/configure') ? 0o755 : 0o644 });
    }
    await mkdir(folder, { recursive: true });
    const source = join(folder, `dc3dd_${upstream}.orig.tar.gz`);
    const patches = join(folder, `dc3dd_${debianVersion}.debian.tar.xz`);
    await execa('tar', ['--create', '--gzip', '--file', source, `dc3dd-${upstream}`], { cwd: work.path });
    await execa('tar', ['--create', '--xz', '--file', patches, 'debian'], { cwd: work.path });
    return { sourceSha256: await sha256Of(source), patchesSha256: await sha256Of(patches) };
  } finally {
    await work.remove();
  }
}

import { asciiJson } from '../adapters/logs/log-line.ts';
import type { Finding } from './finding.ts';

const inert = (text: string): string => asciiJson(text).slice(1, -1).replaceAll('\\"', '"').replaceAll('\\\\', '\\');

/** Findings as JSON lines, or as a table with what to do under each line that is not ok, and a summary. */
export function printFindings(findings: readonly Finding[], { json }: { readonly json: boolean }): string {
  if (json) return findings.map((finding) => `${asciiJson(finding)}\n`).join('');
  const width = Math.max(0, ...findings.map(({ check }) => check.length));
  const lines = findings.map(({ check, level, found, advice }) => {
    const line = `${level.padEnd(4)}  ${check.padEnd(width)}  ${inert(found)}\n`;
    return advice === undefined ? line : `${line}${' '.repeat(width + 8)}-> ${inert(advice)}\n`;
  });
  const count = (wanted: string): number => findings.filter(({ level }) => level === wanted).length;
  return `${lines.join('')}${findings.length} checks: ${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} failed\n`;
}

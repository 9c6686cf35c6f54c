/** Reference tables of constructs, read from their sources: props, outputs, and the resources they make. */

interface Prop {
  readonly name: string;
  readonly type: string;
  readonly optional: boolean;
  readonly text: string;
}

const cell = (text: string): string => text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').trim();

/** Doc comment, name and type of every readonly member of a body. */
const members = (body: string): readonly Prop[] =>
  [...body.matchAll(/(?:\/\*\*((?:(?!\*\/)[^])*)\*\/\s*)?^ {2}readonly (\w+)(\?)?: ([^;]+);/gm)].map(([, doc = '', name = '', optional, type = '']) => ({
    name,
    type,
    optional: optional !== undefined,
    text: doc.replaceAll(/^\s*\*\s?/gm, ' '),
  }));

const table = (head: string, rows: readonly string[]): string => (rows.length === 0 ? '' : `${head}\n${rows.join('\n')}\n`);

/**
 * Reference of the constructs in one source file, as Markdown; empty where there is none.
 * @param source TypeScript, in this project's own style: one construct a file, props in an interface before it
 */
export function constructReference(source: string): string {
  const construct = /export class (\w+) extends Construct \{([^]*?)\n {2}constructor/.exec(source);
  if (!construct) return '';
  const [, name = '', head = ''] = construct;
  const props = [...source.matchAll(/export interface \w+Props(?: extends \w+)? \{\n([^]*?)\n\}/g)].flatMap((match) => members(match[1] ?? ''));
  const resources = [...source.matchAll(/^import \{.*@cdktf\/provider-aws\/lib\/([a-z0-9-]+)\/index\.js/gm)].map((match) => `\`aws_${(match[1] ?? '').replaceAll('-', '_')}\``);
  const inner = [...source.matchAll(/new (\w+)\(this,/g)].map((match) => match[1] ?? '').filter((made) => new RegExp(`import \\{[^}]*\\b${made}\\b[^}]*\\} from '\\.`).test(source));
  const made = [...new Set([...inner.map((constructName) => `\`${constructName}\``), ...resources])];
  return [
    `### ${name}\n`,
    table('| prop | type | |\n|---|---|---|', props.map((prop) => `| \`${prop.name}${prop.optional ? '?' : ''}\` | \`${cell(prop.type)}\` | ${cell(prop.text)} |`)),
    table('| output | type | |\n|---|---|---|', members(head).map((output) => `| \`${output.name}\` | \`${cell(output.type)}\` | ${cell(output.text)} |`)),
    made.length === 0 ? '' : `Makes ${made.join(', ')}.\n`,
  ]
    .filter((part) => part !== '')
    .join('\n');
}

import type { Flow } from './asl.ts';

const assignedIn = (value: unknown, names = new Set<string>()): Set<string> => {
  if (typeof value !== 'object' || value === null) return names;
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'Assign') for (const name of Object.keys(inner as object)) names.add(name);
    else assignedIn(inner, names);
  }
  return names;
};

/**
 * Gives all variables of a branch names of its own. Step Functions lets no inner scope assign a name that an outer one has,
 * and the states of a branch are made by the same builders as those around it.
 */
export function withOwnVariables(prefix: string, flow: Flow): Flow {
  const names = assignedIn(flow);
  const own = (name: string): string => (names.has(name) ? `${prefix}${name.charAt(0).toUpperCase()}${name.slice(1)}` : name);
  const rename = (value: unknown): unknown => {
    if (typeof value === 'string') return value.startsWith('{%') ? value.replaceAll(/\$([A-Za-z]\w*)/g, (_, name: string) => `$${own(name)}`) : value;
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(rename);
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        key === 'Assign' ? Object.fromEntries(Object.entries(inner as object).map(([name, data]) => [own(name), rename(data)])) : rename(inner),
      ]),
    );
  };
  return rename(flow) as Flow;
}

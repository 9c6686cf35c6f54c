/**
 * Whether EventBridge would match an event, for the parts of its pattern language that the alert rules use.
 * Language: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
 */
export function matchesPattern(pattern: unknown, event: unknown): boolean {
  if (Array.isArray(pattern)) {
    const values: readonly unknown[] = Array.isArray(event) ? event : [event];
    return pattern.some((matcher) => values.some((value) => matchesValue(matcher, value)));
  }
  if (typeof pattern !== 'object' || pattern === null) throw new TypeError(`a pattern has lists and objects, not ${JSON.stringify(pattern)}`);
  return Object.entries(pattern).every(([key, inner]) =>
    key === '$or' ? (inner as readonly unknown[]).some((either) => matchesPattern(either, event)) : matchesPattern(inner, (event as Record<string, unknown> | undefined)?.[key]),
  );
}

function matchesValue(matcher: unknown, value: unknown): boolean {
  if (typeof matcher !== 'object' || matcher === null) return matcher === value;
  const [[kind, operand] = []] = Object.entries(matcher);
  if (kind === 'exists') return operand === (value !== undefined);
  if (kind === 'wildcard') return typeof value === 'string' && new RegExp(`^${String(operand).split('*').map((part) => RegExp.escape(part)).join('.*')}$`).test(value);
  throw new RangeError(`the matcher ${kind} is not known here`);
}

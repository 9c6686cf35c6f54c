"""moto's verdicts on event patterns: one JSON list [pattern, event] a line on standard input, `true` or `false` a line on standard output."""
import json
import sys

from moto.events.models import EventPattern

for line in sys.stdin:
    pattern, event = json.loads(line)
    print(json.dumps(EventPattern.load(json.dumps(pattern)).matches_event(event)), flush=True)

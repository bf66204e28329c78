"""Publishes events through Redis, for `Channels`: all events of one change in one command, so they stay in order."""

from lib.channels.channel import Event, NextEvent
from lib.json import dumps
from lib.redis import Redis

# Publishes each text on its channel. If its key names a counter, increments that and publishes under its value, in one
# step: so nobody receives 12 before 11. If INCR fails (Redis is full or read only), the others are still published.
PUBLISH = """
local failure = false
for i, counter in ipairs(KEYS) do
    local channel, text = ARGV[2 * i - 1], ARGV[2 * i]
    local n = counter ~= '' and redis.pcall('INCR', counter)
    if type(n) == 'table' then
        failure = n
    else
        redis.call('PUBLISH', channel, n and n .. '\\n{"n":' .. n .. ',' .. text or text)
    end
end
return failure
"""


class Publisher:
    """Publishes to Redis channels whose names get a prefix."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._script = redis.register_script(PUBLISH)
        self._prefix = prefix

    def message(self, event: Event) -> tuple[str, str]:
        """The Redis channel and the text of an event, for a script that publishes it in one step with a change."""
        data = {"type": "event", "channel": event.channel, "data": event.data, "n": event.n}
        return self._prefix + event.channel, f"{event.n}\n{dumps(data)}"

    async def publish(self, *events: Event | NextEvent) -> None:
        """Publishes these events. Raises one of `redis.Away` if some of them were not published."""
        counters, texts = [], []
        for event in events:
            if isinstance(event, NextEvent):
                data = {"type": "event", "channel": event.channel, "data": event.data}
                counters.append(event.counter)
                texts += [self._prefix + event.channel, dumps(data).removeprefix("{")]
            else:
                counters.append("")
                texts += self.message(event)
        await self._script(keys=counters, args=texts)

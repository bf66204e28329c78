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

    async def publish(self, *events: Event | NextEvent) -> None:
        """Publishes these events. Raises one of `redis.Away` if some of them were not published."""
        counters, texts = [], []
        for event in events:
            data = {"type": "event", "channel": event.channel, "data": event.data}
            if isinstance(event, NextEvent):
                counter, text = event.counter, dumps(data).removeprefix("{")
            else:
                counter, text = "", f"{event.n}\n{dumps(data | {'n': event.n})}"
            counters.append(counter)
            texts += [self._prefix + event.channel, text]
        await self._script(keys=counters, args=texts)

"""How events go out: all that one change tells, in one command, so that they arrive together and in their order."""

from lib.channels.channel import Event, NextEvent
from lib.json import dumps
from lib.redis import Redis

# Publishes each text on its channel; where a key says by what to count up, under that number: as one, so that nobody hears
# 12 before 11. Where Redis is full or read only and cannot count, the others are published all the same.
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
    """Publishes through a client of Redis, on channels under a prefix."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._script = redis.register_script(PUBLISH)
        self._prefix = prefix

    async def publish(self, *events: Event | NextEvent) -> None:
        """Tell of all of these. Raises one of `redis.Away` where some could not be told of."""
        counters, told = [], []
        for event in events:
            data = {"type": "event", "channel": event.channel, "data": event.data}
            if isinstance(event, NextEvent):
                counter, text = event.counter, dumps(data).removeprefix("{")
            else:
                counter, text = "", f"{event.n}\n{dumps(data | {'n': event.n})}"
            counters.append(counter)
            told += [self._prefix + event.channel, text]
        await self._script(keys=counters, args=told)

"""Operations: how Plog is started, deployed and kept running. Knows the settings, and no domain.

| what | file |
|---|---|
| `bin/run`, `bin/deploy`, `bin/bundle` | `start.py`, `deploy.py`, `bundle.py` |
| what nginx and supervisord read | `configuration.py` |
| where the programs are found: mongod, redis-server, nginx | `programs.py` |
| the embedded MongoDB and Redis | `servers.py` |
| asking nginx, asking supervisord | `nginx.py`, `supervision.py` |
| which processes run, whose they are, how they are ended | `processes.py` |
| which site runs on a data folder, whether it answers | `running.py`, `health.py` |
| the git checkout that is served | `checkout.py` |
| what the commands share | `commands.py` |
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent  # the checkout

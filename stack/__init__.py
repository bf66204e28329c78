"""Operations: starts and deploys Plog, and keeps it running. Knows the settings, but no domain.

| what | file |
|---|---|
| `bin/run`, `bin/deploy`, `bin/bundle` | `start.py`, `deploy.py`, `bundle.py` |
| renders the configuration of nginx and supervisord | `configuration.py` |
| finds the programs: mongod, redis-server, nginx, node | `programs.py` |
| starts the embedded MongoDB and Redis | `servers.py` |
| controls a running nginx, a running supervisord | `nginx.py`, `supervision.py` |
| finds and ends processes by session | `processes.py` |
| finds the site that runs on a data folder; asks whether it answers | `running.py`, `health.py` |
| moves the git checkout to another version | `checkout.py` |
| shared by the commands | `commands.py` |
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent  # the checkout

#!/usr/bin/env bash
# A bench leaves out the load of a server that is not installed, and says so.
. "${SOURCE:?}/tests/tools/test.sh"
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$SOURCE/tests/bench /usr/bin/python3 - >rows 2>said <<'END'
import work

here = list(work.server("here", "redis", 5))
work.SERVERS["redis"] = (("/usr/bin/no-such-server", "sh"), "redis-tools")
print(here, list(work.server("away", "redis", 5)))
END
[ "$(cat rows)" = "['here'] []" ] || complain "the rows: $(cat rows said)"
[ "$(cat said)" = 'away: left out, as /usr/bin/no-such-server is not installed (packages redis-tools; tools/deps bench)' ] ||
    complain "it says: $(cat said)"

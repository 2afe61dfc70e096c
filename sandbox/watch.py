"""Stops the servers of a folder when the process that started this one is killed, whatever kills it.

`python -m sandbox.watch FOLDER [remove]` reads its standard input to the end. A process that ends as it should writes
`done` first, and looks after its servers itself. Any other end stops them; `remove` removes the folder in any case.
"""

import shutil
import signal
import sys
import time
from pathlib import Path

import psutil

SECONDS_TO_START = 1  # the process may have been killed while a server was starting
SECONDS_TO_STOP = 10


def main() -> None:
    """Watch over the folder that the arguments name."""
    folder = Path(sys.argv[1])
    removes = "remove" in sys.argv[2:]
    is_killed = sys.stdin.read() != "done"
    if is_killed:
        time.sleep(SECONDS_TO_START)
    if is_killed or removes:
        stop_servers(folder, signal.SIGQUIT if removes else signal.SIGINT)
    if removes:
        shutil.rmtree(folder, ignore_errors=True)


def stop_servers(folder: Path, how: signal.Signals) -> None:
    """Stop each server whose data is in the folder or below it.

    Args:
        folder: where the data is.
        how: SIGINT ends all sessions and writes out what is in memory, SIGQUIT stops at once.
    """
    for file in folder.rglob("postmaster.pid"):
        try:
            process = psutil.Process(int(file.read_text().splitlines()[0]))
            if str(file.parent) not in process.cmdline():
                continue  # its number is another's now
            process.send_signal(how)
            try:
                process.wait(SECONDS_TO_STOP)
            except psutil.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
        except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
            continue  # it has just stopped


if __name__ == "__main__":
    main()

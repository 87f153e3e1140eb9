"""Huey on SQLite with fsync, polling as often as it can."""

import os
import subprocess
import sys

from huey import SqliteHuey

import measure

huey = SqliteHuey("peer", filename=os.path.join(measure.SCRATCH, "huey.db"), fsync=True, results=False)


@huey.task()
def noop(number):
    measure.began(number)


def start_worker():
    here = os.path.dirname(os.path.abspath(__file__))
    consumer = os.path.join(os.path.dirname(sys.executable), "huey_consumer")
    command = [sys.executable, consumer, "huey_peer.huey", "--workers", "1", "--delay", "0.001", "--max-delay", "0.005",
               "--no-periodic", "--quiet"]
    log = open(os.path.join(measure.SCRATCH, "huey.log"), "wb")
    return subprocess.Popen(command, cwd=here, stdout=log, stderr=log)


if __name__ == "__main__":
    measure.measure("Huey on SQLite", noop, start_worker)

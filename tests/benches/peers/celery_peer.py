"""Celery on Redis, acknowledged after the run, as durable as ours. The solo pool: the fastest for no-ops."""

import os
import subprocess
import sys

from celery import Celery

import measure

app = Celery("celery_peer", broker=os.environ["PEER_REDIS"])
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=64,
    broker_connection_retry_on_startup=True,
)


@app.task(name="noop")
def noop(number):
    measure.began(number)


def start_worker():
    here = os.path.dirname(os.path.abspath(__file__))
    command = [sys.executable, "-m", "celery", "-A", "celery_peer", "worker", "--pool=solo", "--loglevel=ERROR",
               "--without-gossip", "--without-mingle", "--without-heartbeat"]
    log = open(os.path.join(measure.SCRATCH, "celery.log"), "wb")
    return subprocess.Popen(command, cwd=here, stdout=log, stderr=log)


if __name__ == "__main__":
    measure.measure("Celery on Redis", lambda number: noop.apply_async((number,)), start_worker)

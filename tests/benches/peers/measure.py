"""Measures a task queue: no-op tasks a second, and the time from an enqueue's answer to the task's start.

A peer gives `enqueue(number)` and `start_worker() -> process`; its task calls `began(number)`.
All processes share CLOCK_MONOTONIC.
"""

import json
import os
import struct
import time

SCRATCH = os.environ["PEER_SCRATCH"]
BEGAN = os.path.join(SCRATCH, "began")
JOBS = int(os.environ.get("PEER_JOBS", "2000"))
ROUNDS = int(os.environ.get("PEER_ROUNDS", "200"))
_file = None


def began(number):
    """Notes that the task runs: one short append, whole even between processes."""
    global _file
    if _file is None:
        _file = os.open(BEGAN, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(_file, struct.pack("<qd", number, time.monotonic()))


def _count():
    try:
        return os.path.getsize(BEGAN) // 16
    except FileNotFoundError:
        return 0


def _wait(count, seconds=300):
    until = time.monotonic() + seconds
    while _count() < count:
        if time.monotonic() > until:
            raise SystemExit(f"only {_count()} of {count} tasks ran")
        time.sleep(0.0005)


def measure(name, enqueue, start_worker):
    # Backlog first, so that the worker's start is not measured: the clock runs from its first task to its last.
    started = time.monotonic()
    for number in range(JOBS):
        enqueue(number)
    enqueued = JOBS / (time.monotonic() - started)
    worker = start_worker()
    try:
        _wait(JOBS)
        with open(BEGAN, "rb") as file:
            times = sorted(t for _, t in struct.iter_unpack("<qd", file.read()))
        run = (JOBS - 1) / (times[-1] - times[0])
        time.sleep(1)
        asked, answered = {}, {}
        for number in range(JOBS, JOBS + ROUNDS):
            asked[number] = time.monotonic()
            enqueue(number)
            answered[number] = time.monotonic()
            _wait(number + 1, 30)
            time.sleep(0.02)
        with open(BEGAN, "rb") as file:
            starts = {number: t for number, t in struct.iter_unpack("<qd", file.read())}
    finally:
        worker.terminate()
        worker.wait()
    # A worker may see a task before the enqueue has answered.
    waits = sorted(max(0.0, starts[n] - at) * 1000 for n, at in answered.items())
    whole = sorted((starts[n] - at) * 1000 for n, at in asked.items())
    print(
        json.dumps(
            {
                "peer": name,
                "enqueued_per_second": enqueued,
                "run_per_second": run,
                "p50_ms": waits[len(waits) // 2],
                "p99_ms": waits[min(len(waits) - 1, int(len(waits) * 0.99))],
                "whole_p50_ms": whole[len(whole) // 2],
            }
        ),
        flush=True,
    )

# SPDX-License-Identifier: Apache-2.0
"""What a program costs: processor time of it and its children, wall time, anonymous memory at its peak; and rounds of several
programs in turn, so that what else goes on here falls on all of them."""
import hashlib
import os
import statistics
import subprocess
import sys
import threading
import time
import zlib

CALIBRATOR_MOST = 1.15  # a round between two calibrations that differ more is measured again
SAMPLE_S = 0.01


class Failed(Exception):
    """A program that should have worked."""


class Cost:
    def __init__(self, cpu_s, wall_s, anon_bytes=0, out=''):
        self.cpu_s, self.wall_s, self.anon_bytes, self.out = cpu_s, wall_s, anon_bytes, out


def anonymous_bytes(pid):
    try:
        with open(f'/proc/{pid}/status', encoding='ascii', errors='replace') as f:
            for line in f:
                if line.startswith('RssAnon:'):
                    return int(line.split()[1]) * 1024
    except (OSError, IndexError):
        pass
    return 0


class Sampler(threading.Thread):
    """The most anonymous memory that a process was seen to have."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most, self.over = pid, 0, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(SAMPLE_S):
            self.most = max(self.most, anonymous_bytes(self.pid))

    def end(self):
        self.over.set()
        self.join()
        return self.most


def run(*args, env=None, cwd=None, expect=(0,)):
    """Runs a program to its end; gives its Cost with what it printed."""
    begin = time.monotonic()
    process = subprocess.Popen([str(a) for a in args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env={**os.environ, **(env or {})}, cwd=cwd)
    sampler = Sampler(process.pid)
    errors = []
    reader = threading.Thread(target=lambda: errors.append(process.stderr.read()), daemon=True)
    reader.start()
    out = process.stdout.read().decode(errors='replace')
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    most = sampler.end()
    reader.join()
    process.stdout.close()
    process.stderr.close()
    if process.returncode not in expect:
        raise Failed(f'{" ".join(str(a) for a in args)}: {process.returncode}: {errors[0].decode(errors="replace")[-400:]}')
    return Cost(usage.ru_utime + usage.ru_stime, wall, most, out)


def process_cpu_s(pid):
    """Of a process that goes on running."""
    with open(f'/proc/{pid}/stat', encoding='ascii', errors='replace') as f:
        fields = f.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def disk_bytes(path):
    """What a file or a folder takes on disk: blocks, not lengths, since indexes are sparse."""
    path = str(path)
    total = os.lstat(path).st_blocks * 512
    for folder, folders, names in os.walk(path):
        for name in folders + names:
            total += os.lstat(os.path.join(folder, name)).st_blocks * 512
    return total


def calibrate():
    """Processor seconds of work that is always the same."""
    block = bytes(range(256)) * 4096
    begin = time.process_time()
    digest = hashlib.sha256()
    for _ in range(256):
        digest.update(block)
    text = b''.join(b'%d %x\n' % (i * 7919 % 65521, i) for i in range(1 << 20))[:8 << 20]
    for _ in range(2):
        zlib.compress(text, 6)
    return time.process_time() - begin


def rounds(contenders, count, say):
    """CONTENDERS: {name: function that gives a Cost, or None when it can't be run}. {name: [Cost]} of COUNT good rounds; the
    order is turned around each time. Rounds in which the machine changed its speed are repeated, at most as often again."""
    found = {name: [] for name in contenders}
    left, spare = count, count
    while left > 0:
        before = calibrate()
        order = list(contenders) if left % 2 else list(contenders)[::-1]
        costs = {name: contenders[name]() for name in order}
        after = calibrate()
        moved = max(before, after) / min(before, after)
        if moved > CALIBRATOR_MOST and spare > 0:
            spare -= 1
            say(f'  a round is discarded: the machine changed its speed by {100 * (moved - 1):.0f} %')
            continue
        left -= 1
        for name, cost in costs.items():
            if cost is not None:
                found[name].append(cost)
    return found


class Spread:
    """The median of some values, with the least and the most."""

    def __init__(self, values):
        values = sorted(values)
        self.median, self.least, self.most = statistics.median(values), values[0], values[-1]
        self.count = len(values)

    def text(self, form='{:.2f}'):
        if self.count == 1:
            return form.format(self.median)
        return f'{form.format(self.median)} ({form.format(self.least)} to {form.format(self.most)})'


def ratio(a, b, what='cpu_s'):
    """Of two lists of costs, round by round. None: one of them couldn't be measured."""
    pairs = [getattr(x, what) / getattr(y, what) for x, y in zip(a or [], b or []) if getattr(y, what) > 0]
    return Spread(pairs) if pairs else None


def machine():
    """(words about the machine, its load)"""
    model = 'an unnamed processor'
    with open('/proc/cpuinfo', encoding='ascii', errors='replace') as f:
        for line in f:
            if line.startswith('model name'):
                model = line.split(':', 1)[1].strip()
                break
    with open('/proc/meminfo', encoding='ascii') as f:
        memory = int(f.readline().split()[1]) / 1024 / 1024
    return f'{len(os.sched_getaffinity(0))} x {model}, {memory:.0f} GiB, Linux {os.uname().release}', os.getloadavg()


def say(words):
    print(words, file=sys.stderr, flush=True)

# SPDX-License-Identifier: Apache-2.0
"""What the crash tests share: store-torture and exarch under libexarch-faults.so. Environment, besides the harness's own:

    EXARCH_CRASH     folder with store-torture, power-cut, store-damage and libexarch-faults.so; build/tests/crash if not given
    EXARCH_LONG=1    everything, as tests/crash/run-all does it; without it a selection that takes a minute in all
    EXARCH_JOBS      how many at a time; 2 if not given
    EXARCH_SEED      of what is chosen by chance
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'e2e'))

import ews_peer  # noqa: E402  (found by the line above)
import harness  # noqa: E402

CRASH = pathlib.Path(os.environ.get('EXARCH_CRASH', HERE.parent.parent / 'build/tests/crash'))
JOBS = int(os.environ.get('EXARCH_JOBS', '2'))
SEED = int(os.environ.get('EXARCH_SEED', '20260301'))
LONG = harness.LONG
HANG_S = 120  # a run takes a tenth of a second
KILLED = -9

# Hundreds of archives are made and synced; no disk is needed for that.
if 'TMPDIR' not in os.environ and os.access('/dev/shm', os.W_OK):
    tempfile.tempdir = '/dev/shm'


def faults_env(folder, kind=None, at=0, **more):
    """For a program under the interposer. MORE: trace, ack, report = paths."""
    env = {**os.environ, 'LD_PRELOAD': str(CRASH / 'libexarch-faults.so'), 'EXARCH_FAULT_DIR': str(folder)}
    if kind:
        env.update(EXARCH_FAULT_KIND=kind, EXARCH_FAULT_AT=str(at))
    env.update({f'EXARCH_FAULT_{name.upper()}': str(value) for name, value in more.items()})
    return env


class Ended:
    """How a program ended: exit code (-9: killed), what it said on stderr, and what the interposer reported."""

    def __init__(self, code, err, report):
        self.code, self.err = code, err
        text = report.read_text() if report.exists() else ''
        fired = re.search(r'^fired (\d+) (\S+) (.*)$', text, re.M)
        calls = re.search(r'^calls (\d+)$', text, re.M)
        self.fired = bool(fired)
        self.op, self.path = (fired.group(2), fired.group(3)) if fired else ('', '')
        self.calls = int(calls.group(1)) if calls else None


def run_program(command, env, report):
    try:
        done = subprocess.run([str(c) for c in command], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=HANG_S, check=False)
    except subprocess.TimeoutExpired:
        raise harness.Failure(f'{command}: hangs') from None
    return Ended(done.returncode, done.stderr.decode(errors='replace').strip(), report)


def output_of(command):
    """(stdout, stderr, exit code) of a program that takes as long as it takes."""
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False)
    return done.stdout.decode(), done.stderr.decode(errors='replace').strip(), done.returncode


class Tortured:
    """An archive with its log, in a folder of its own that goes away. STEPS that will come: the judge must know if they encrypt."""

    def __init__(self, run, settings=('large=40000',), steps=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=run.dir))
        self.archive, self.log, self.report = (self.folder / n for n in ('archive', 'log', 'report'))
        self.settings = [*settings, *(['encrypted'] if 'encrypted' in steps else [])]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, verb, *steps):
        return [CRASH / 'store-torture', verb, self.archive, self.log, *self.settings, *steps]

    def go(self, *steps):
        """Undisturbed."""
        ended = run_program(self.command('run', *steps), os.environ, self.report)
        harness.check(ended.code == 0, f'{steps}: {ended.err}')

    def go_wrong(self, kind, at, *steps, **more):
        self.report.unlink(missing_ok=True)
        env = faults_env(self.archive, kind, at, report=self.report, ack=self.log, **more)
        return run_program(self.command('run', *steps), env, self.report)

    def judge(self, what):
        ended = run_program(self.command('judge'), os.environ, self.report)
        harness.check(ended.code == 0, f'{what}: {ended.err or f"the judge ended with {ended.code}"}')

    def acknowledged(self, what=r'\d+ \d+'):
        """How many batches were, or other lines."""
        return len(re.findall(f'^{what}$', self.log.read_text(), re.M)) if self.log.exists() else 0


def each(function, items):
    """Calls FUNCTION for every item, some at a time, in order of the items; the first failure counts."""
    stop = threading.Event()

    def one(item):
        if stop.is_set():
            return None
        try:
            return function(item)
        except BaseException:
            stop.set()
            raise
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        return list(pool.map(one, items))


def say(text):
    print(f'# {text}', flush=True)

#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every fault at every call: a full disk, a failing one, interrupted and short writes, syncs that fail. A run ends in an error
that names the file and the reason, or notices nothing where nothing is to be noticed; the archive is valid, holds what was
acknowledged, and takes more as soon as the disk does."""
import collections
import random

import tools
from tools import ews_peer, harness

REASONS = {'enospc': 'No space left on device', 'enospc-on': 'No space left on device', 'eio': 'Input/output error',
           'eio-on': 'Input/output error', 'sync-eio': 'Input/output error', 'sync-drop': 'Input/output error',
           'eintr': '', 'eintr-rest': 'Interrupted system call', 'short': ''}
# Over the border of a segment, a clean end, a second run, an unclean end, a recovery, a rebuild, a compaction.
STEPS = ('orphans', 'make', 'open', 'write=4', 'close', 'open', 'write=2', 'abandon', 'garbage', 'open', 'write=1', 'close',
         'rebuild', 'compact', 'write=1', 'close')
ENCRYPTED_STEPS = ('encrypted', 'make', 'open', 'write=2', 'close', 'rekey', 'open', 'write=1', 'abandon', 'garbage', 'open',
                   'write=1', 'close', 'rebuild', 'write=1', 'close')
SETTINGS = ('large=150000',)
EVERY = 1 if tools.LONG else 9
ARCHIVE_EVERY = 4 if tools.LONG else 37
# What exarch archive may end with when its disk fails: docs/man, "Exit status".
ARCHIVE_ENDS = {harness.DONE, harness.FAILED, harness.INCOMPLETE, harness.STOPPED, harness.INTEGRITY}


def may_notice(kind, ended):
    """POSIX lets a caller retry an interrupted or short write; LMDB takes a short one for a full disk and says ENOSPC or EIO."""
    return kind != 'eintr' and not (kind == 'short' and not ended.path.startswith('idx'))


def check_end(what, kind, ended, archive):
    harness.check(ended.code in (0, 1), f'{what}: exit code {ended.code}: {ended.err}')
    if ended.code == 0:
        return
    harness.check(ended.fired and may_notice(kind, ended), f'{what}: failed, but should not have: {ended.err}')
    harness.contains(f'{what}: the message', ended.err, REASONS[kind])
    if kind == 'short':
        harness.check('Input/output error' in ended.err or 'No space left' in ended.err, f'{what}: no reason: {ended.err}')
    harness.check(str(archive) in ended.err or 'idx/' in ended.err, f'{what}: the message names no file: {ended.err}')


def try_all(run, name, steps, every):
    figures = collections.Counter()
    for kind in REASONS:
        with tools.Tortured(run, SETTINGS, steps) as t:
            calls = t.go_wrong(kind, 1 << 30, *steps).calls

        def one(at, kind=kind):
            what = f'{name}, {kind} at call {at}'
            with tools.Tortured(run, SETTINGS, steps) as t:
                ended = t.go_wrong(kind, at, *steps)
                what += f' ({ended.op} {ended.path})'
                harness.check(ended.fired, f'{what}: it did not come to that')
                check_end(what, kind, ended, t.archive)
                t.judge(what)
                return ended.code
        ends = collections.Counter(tools.each(one, range(1, calls + 1, every)))
        tools.say(f'{name}, {kind}: {sum(ends.values())} of {calls} calls tried, {ends[1]} ended in an error, {ends[0]} not noticed')
        figures += ends
    tools.say(f'{name}: {sum(figures.values())} faults, {figures[1]} clean errors, 0 archives lost')


def every_fault_at_every_call_leaves_a_valid_archive(run):
    try_all(run, 'plain', STEPS, EVERY)


def so_it_does_of_an_encrypted_one_whose_key_is_changed(run):
    try_all(run, 'encrypted', ENCRYPTED_STEPS, EVERY)


def a_failing_disk_ends_an_archive_run_cleanly(run):
    sim = run.simulator('--generate', '2x10', '--seed', '5')
    expected = collections.Counter(ews_peer.served(sim))
    rng = random.Random(tools.SEED)
    codes = collections.Counter()
    for kind in ('enospc-on', 'eio', 'sync-drop', 'eintr', 'short'):
        archive, report = run.dir / f'whole-{kind}', run.dir / f'report-{kind}'
        run.exarch('archive', sim.profile(archive=str(archive)), '--quiet',
                   env=tools.faults_env(archive, kind, 1 << 30, report=report))
        for at in range(rng.randint(1, ARCHIVE_EVERY), tools.Ended(0, '', report).calls, ARCHIVE_EVERY):
            what, archive = f'{kind} at call {at}', run.dir / f'archive-{kind}-{at}'
            profile = sim.profile(archive=str(archive))
            report = run.dir / f'report-{kind}-{at}'
            ended = run.exarch('archive', profile, '--quiet', expect=ARCHIVE_ENDS,
                               env=tools.faults_env(archive, kind, at, report=report))
            codes[ended.code] += 1
            if ended.code != harness.DONE:
                harness.contains(f'{what}: stderr', ended.err, REASONS[kind])
            run.archive(profile)
            run.verify(archive)
            harness.same_multiset(what, collections.Counter(run.export(archive, f'out-{kind}-{at}')), expected)
    tools.say(f'exarch archive: {sum(codes.values())} faults, exit codes {dict(sorted(codes.items()))}, 0 items lost')


if __name__ == '__main__':
    harness.main(every_fault_at_every_call_leaves_a_valid_archive, so_it_does_of_an_encrypted_one_whose_key_is_changed,
                 a_failing_disk_ends_an_archive_run_cleanly)

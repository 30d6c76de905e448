# SPDX-License-Identifier: Apache-2.0
"""kill -9 at any moment, then run again: the archive ends as if nothing had happened (design promises 1 and 8). The moments are
chosen by what the server has answered, from a seed that is printed."""
import collections
import os
import random
import shutil
import signal
import time

import ews_peer
import harness

ROUNDS, GENERATE = (2, '3x40') if harness.SHORT else (20, '20x1000') if harness.LONG else (6, '6x60')
SEED = int(os.environ.get('EXARCH_SEED', '20260301'))
JITTER_S = 0.03  # about what a commit takes: so that the blow falls before, in and after one


def kill_at(run, sim, profile, rng, operation, count):
    """Starts a run and kills it when COUNT requests of OPERATION were answered. True: it was killed before it was done."""
    sim.forget()
    process = run.start('archive', profile, '--quiet')
    sim.wait_for(operation, count, also=lambda: process.process.poll() is not None)
    time.sleep(rng.uniform(0, JITTER_S))  # not to wait for something: to hit another moment
    process.signal(signal.SIGKILL)
    return process.end(expect={-signal.SIGKILL, harness.DONE}).code != harness.DONE


def check_state(run, archive, expected, name):
    run.verify(archive)
    harness.same_multiset(name, collections.Counter(run.export(archive, name)), expected)


def a_killed_run_is_continued_to_the_same_end(run):
    rng = random.Random(SEED)
    sim = run.simulator('--generate', GENERATE, '--seed', '3')
    expected = collections.Counter(ews_peer.served(sim))
    sim.forget()
    undisturbed = run.dir / 'undisturbed'
    run.archive(sim.profile(archive=str(undisturbed)))
    requests = {o: len(sim.requests_of(o)) for o in ('GetItem', 'SyncFolderItems')}
    check_state(run, undisturbed, expected, 'undisturbed-out')

    killed = 0
    for number in range(1, ROUNDS + 1):
        archive = run.dir / f'archive-{number}'
        profile = sim.profile(archive=str(archive))
        operation = rng.choice(('GetItem', 'GetItem', 'GetItem', 'SyncFolderItems'))
        count = rng.randint(1, max(1, requests[operation] - 1))
        print(f'# round {number} (EXARCH_SEED={SEED}): kill after {count} of {requests[operation]} {operation}')
        killed += kill_at(run, sim, profile, rng, operation, count)
        run.verify(archive, expect={harness.DONE, harness.NO_ARCHIVE})
        summary = run.archive(profile)
        harness.same('unexplained', summary['unexplained'], 0)
        check_state(run, archive, expected, f'round-{number}')
        shutil.rmtree(archive)
        shutil.rmtree(run.dir / f'round-{number}')
    harness.check(killed >= ROUNDS // 2, f'{killed} of {ROUNDS} runs were killed before they were done')


def a_run_killed_again_and_again_gets_there(run):
    rng = random.Random(SEED + 1)
    sim = run.simulator('--generate', GENERATE, '--seed', '3')
    expected = collections.Counter(ews_peer.served(sim))
    profile = sim.written_profile
    for _ in range(4):
        kill_at(run, sim, profile, rng, 'GetItem', rng.randint(1, 2))
    run.archive(profile)
    check_state(run, sim.archive, expected, 'again-out')


def what_was_acknowledged_before_a_kill_is_not_fetched_again(run):
    sim = run.simulator('--generate', GENERATE, '--seed', '3')
    process = run.start('archive', sim.written_profile, '--json')
    sim.wait_for('GetItem', 3, also=lambda: process.process.poll() is not None)
    process.signal(signal.SIGKILL)
    process.end()
    acknowledged = len(run.exarch('list', sim.archive, '--json', expect={harness.DONE, harness.NO_ARCHIVE}).objects())
    total = len(ews_peer.served(sim))
    sim.forget()
    run.archive(sim.written_profile)
    # Fewer are fetched when the segments hold commits that the index had not seen yet.
    harness.check(sim.fetched_items() <= total - acknowledged,
                  f'{acknowledged} of {total} were archived, {sim.fetched_items()} fetched after that')


def an_interrupted_export_is_continued(run):
    sim = run.simulator('--generate', GENERATE, '--seed', '3')
    run.archive(sim.written_profile)
    expected = collections.Counter(run.export(sim.archive, 'whole'))
    rng = random.Random(SEED + 2)
    process = run.start('export', sim.archive, '--to', run.dir / 'broken')
    time.sleep(rng.uniform(0.01, 0.2))
    process.signal(signal.SIGKILL)
    process.end()
    run.exarch('export', sim.archive, '--to', run.dir / 'broken', '--update')
    harness.same_multiset('messages exported', collections.Counter(harness.exported(run.dir / 'broken')), expected)


if __name__ == '__main__':
    harness.main(a_killed_run_is_continued_to_the_same_end,
                 a_run_killed_again_and_again_gets_there,
                 what_was_acknowledged_before_a_kill_is_not_fetched_again,
                 an_interrupted_export_is_continued,
                 short=(a_run_killed_again_and_again_gets_there,))

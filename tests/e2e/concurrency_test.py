# SPDX-License-Identifier: Apache-2.0
"""One writer, any number of readers, at the same time."""
import collections
import signal

import harness

GENERATE = ('--generate', '2x30' if harness.SHORT else '6x80', '--seed', '13', '--latency', 30)


def begin(run):
    """A run that is under way, with something in the archive already."""
    sim = run.simulator(*GENERATE)
    run.archive(sim.written_profile, '--mailbox', 'a*')
    sim.forget()
    process = run.start('archive', sim.written_profile, '--json', '--threads', 2)
    sim.wait_for('GetItem', 2, also=lambda: process.process.poll() is not None)
    return sim, process


def readers_work_while_a_run_writes(run):
    sim, process = begin(run)
    rounds = 0
    while process.process.poll() is None or rounds == 0:
        rounds += 1
        listed = run.exarch('list', sim.archive, '--json').objects()
        to = run.dir / f'out-{rounds}'
        run.exarch('export', sim.archive, '--to', to, '--quiet')
        digests = collections.Counter(item['sha256'] for item in listed)
        found = collections.Counter(digest for _, _, digest in harness.exported(to))
        harness.check(not digests - found, 'an export holds at least what was listed before it')
        run.verify(sim.archive)
    harness.same('unexplained', process.end(harness.DONE).summary()['unexplained'], 0)


def a_second_run_is_told_who_holds_the_archive(run):
    sim, process = begin(run)
    for args in (('archive', sim.written_profile, '--quiet'), ('rebuild', sim.archive)):
        result = run.exarch(*args, expect=harness.LOCKED)
        lines = result.err.splitlines()
        harness.check(len(lines) == 1, f'{result}: one line on stderr: {lines}')
        harness.contains(f'{result}: the error', lines[0], str(process.pid))
    process.signal(signal.SIGTERM)
    process.end({harness.STOPPED, harness.DONE})
    run.archive(sim.written_profile)


def a_lock_of_a_killed_run_holds_nobody_up(run):
    sim, process = begin(run)
    process.signal(signal.SIGKILL)
    process.end()
    run.archive(sim.written_profile)


if __name__ == '__main__':
    harness.main(readers_work_while_a_run_writes,
                 a_second_run_is_told_who_holds_the_archive,
                 a_lock_of_a_killed_run_holds_nobody_up,
                 short=(readers_work_while_a_run_writes,))

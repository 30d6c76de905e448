# SPDX-License-Identifier: Apache-2.0
"""The history of runs, and what a nightly run says: nothing, unless a human is needed."""
import harness
import mail


def serve(run, *options, **files):
    content = {'anna/Inbox/one.eml': 'one', 'anna/Inbox/two.eml': 'two', 'bert/Inbox/three.eml': 'three'}
    content.update(files)
    return run.simulator('--mail', mail.write(run.dir / 'mail', content), *options)


def runs_are_listed_oldest_first_and_can_be_limited(run):
    sim = serve(run)
    harness.contains('no run', run.exarch('init', sim.archive).out + run.exarch('runs', sim.archive).out, 'no run yet')
    for _ in range(3):
        run.archive(sim.written_profile)
    told = run.exarch('runs', sim.archive, '--json').objects()
    harness.same('numbers', [r['number'] for r in told], [1, 2, 3])
    harness.same('archived', [r['archived'] for r in told], [3, 0, 0])
    harness.same('exit codes', {r['exit_code'] for r in told}, {0})
    harness.same('as the audit tells them', told,
                 [e for e in run.exarch('audit', sim.archive, '--json').objects() if e['event'] == 'run'])
    harness.same('the last two', [r['number'] for r in run.exarch('runs', sim.archive, '--limit', 2, '--json').objects()], [2, 3])
    table = run.exarch('runs', sim.archive).out.splitlines()
    harness.same('lines', len(table), 4)
    harness.contains('the first', table[1], 'done', str(sim.written_profile))


def a_run_with_failures_is_listed_as_incomplete(run):
    sim = serve(run, '--scenario', harness.FIXTURES / 'scenarios/poison-corrupt.yaml', **{'anna/Inbox/p.eml': 'poison'})
    run.archive(sim.written_profile, expect=harness.INCOMPLETE)
    harness.same('failed', [r['failed'] for r in run.exarch('runs', sim.archive, '--json').objects()], [1])
    harness.contains('the table', run.exarch('runs', sim.archive).out, '3 incomplete')


if __name__ == '__main__':
    harness.main(runs_are_listed_oldest_first_and_can_be_limited,
                 a_run_with_failures_is_listed_as_incomplete)

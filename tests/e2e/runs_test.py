# SPDX-License-Identifier: Apache-2.0
"""The history of runs, and what a nightly run says: nothing, unless a human is needed."""
import json
import os
import signal

import harness
import mail

POISON = harness.FIXTURES / 'scenarios/poison-corrupt.yaml'


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
    sim = serve(run, '--scenario', POISON, **{'anna/Inbox/p.eml': 'poison'})
    run.archive(sim.written_profile, expect=harness.INCOMPLETE)
    harness.same('failed', [r['failed'] for r in run.exarch('runs', sim.archive, '--json').objects()], [1])
    harness.contains('the table', run.exarch('runs', sim.archive).out, '3 incomplete')


def a_quiet_run_with_nothing_wrong_prints_nothing(run):
    sim = serve(run)
    for _ in range(2):
        told = run.exarch('archive', sim.written_profile, '--quiet')
        harness.same('stdout', told.out, '')
        harness.same('stderr', told.err, '')


def a_quiet_run_with_a_failed_item_says_what_and_why_in_few_lines(run):
    sim = serve(run, '--scenario', POISON, **{'anna/Inbox/p.eml': 'poison'})
    told = run.exarch('archive', sim.written_profile, '--quiet', expect=harness.INCOMPLETE)
    harness.same('stdout', told.out, '')
    harness.contains('stderr', told.err, 'anna@sim.example', '/Inbox', 'ErrorCorruptData', '1 item')
    harness.check(len(told.err.splitlines()) < 10, f'few lines: {told.err}')


def repeated_problems_are_collapsed(run):
    sim = serve(run, '--scenario', POISON, **{f'anna/Inbox/p{n}.eml': f'poison {n}' for n in range(60)})
    told = run.exarch('archive', sim.written_profile, '--quiet', expect=harness.INCOMPLETE)
    harness.contains('stderr', told.err, '57 more of the same', '60 items')
    harness.check(len(told.err.splitlines()) < 10, f'few lines: {told.err}')


def a_quiet_run_still_warns_of_a_certificate_that_ends(run):
    made = run.exarch('cert', 'create', '--out', run.dir / 'own', '--days', 20, '--json').objects()[0]
    sim = serve(run, '--register', made['upload'])
    profile = sim.profile(source={'auth': {'certificate': made['certificate'], 'key': made['key']}})
    told = run.exarch('archive', profile, '--quiet')
    harness.same('lines', len(told.err.splitlines()), 1)
    harness.contains('stderr', told.err, 'warning', 'certificate', 'days')


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def the_log_file_has_all_that_happened(run):
    log = run.dir / 'exarch.log'
    sim = serve(run, '--scenario', POISON, **{'anna/Inbox/p.eml': 'poison'})
    told = run.exarch('archive', sim.written_profile, '--quiet', '--log-file', log, expect=harness.INCOMPLETE)
    harness.same('stdout', told.out, '')
    events = lines_of(log)
    harness.same('the first', events[0]['event'], 'start')
    harness.same('the last', (events[-1]['event'], events[-1]['exit_code']), ('summary', 3))
    harness.same('problems', [e['name'] for e in events if e['event'] == 'problem'], ['ErrorCorruptData'])
    harness.same('mailboxes', sorted(e['mailbox'] for e in events if e['event'] == 'mailbox'),
                 ['anna@sim.example', 'bert@sim.example'])
    again = run.exarch('archive', sim.written_profile, '--json', '--log-file', log, expect=harness.INCOMPLETE).objects()
    harness.same('with --json', [e['event'] for e in lines_of(log)[len(events):]], [e['event'] for e in again])
    harness.same('mode', oct(log.stat().st_mode & 0o777 & ~0o640), oct(0))


def a_run_that_fails_before_it_began_is_in_the_log(run):
    sim = serve(run, '--no-role')
    log = run.dir / 'exarch.log'
    run.exarch('archive', sim.profile(mailboxes={'from': 'list', 'list': ['anna@sim.example']}), '--quiet', '--log-file', log,
               expect=harness.SIGN_IN)
    failure = lines_of(log)[-1]
    harness.same('the last', (failure['event'], failure['exit_code'], failure['code']), ('failure', 12, 'auth'))
    run.exarch('archive', sim.profile(), '--log-file', run.dir / 'none/exarch.log', expect=harness.FAILED)


def a_log_that_is_rotated_is_opened_anew(run):
    log, old = run.dir / 'exarch.log', run.dir / 'exarch.log.1'
    content = {f'anna/Inbox/{n}.eml': f'message {n}' for n in range(12)}
    sim = serve(run, '--latency', 100, **content)
    process = run.start('archive', sim.profile(run={'threads': 1, 'batch_items': 1}), '--quiet', '--log-file', log)
    sim.wait_for('GetItem', 1)
    os.rename(log, old)
    process.signal(signal.SIGHUP)
    process.end(harness.DONE)
    harness.same('begun in the old', lines_of(old)[0]['event'], 'start')
    harness.same('ended in the new', lines_of(log)[-1]['event'], 'summary')


def metrics_of(path):
    """{name or name{state}: value}; each family has HELP and TYPE, each sample the profile's label."""
    values, families = {}, set()
    for line in path.read_text().splitlines():
        if line.startswith('# '):
            families.add(line.split()[2])
            continue
        name, rest = line.split('{', 1)
        labels, value = rest.rsplit('} ', 1)
        harness.check(name in families, f'{name} has HELP and TYPE')
        harness.check(labels.startswith('profile="'), f'{line} has its profile')
        state = labels.partition('state="')[2].rstrip('"')
        values[f'{name} {state}'.strip()] = float(value)
    return values


def metrics_tell_the_last_run_and_the_last_good_one(run):
    sim = serve(run)
    profile, metrics = sim.written_profile, run.dir / 'exarch.prom'
    run.exarch('archive', profile, '--quiet', '--metrics-file', metrics)
    good = metrics_of(metrics)
    harness.same('exit code', good['exarch_run_exit_code'], 0)
    harness.same('archived', good['exarch_run_items archived'], 3)
    harness.same('mailboxes', good['exarch_run_mailboxes'], 2)
    harness.check(good['exarch_archive_bytes'] > 0 and good['exarch_certificate_days'] > 300, f'sizes and days: {good}')
    harness.same('the good one is this one', good['exarch_last_success_timestamp_seconds'],
                 good['exarch_run_end_timestamp_seconds'])
    sim.stop()
    bad = run.simulator('--mail', run.dir / 'mail', '--no-role', name='bad', archive=sim.archive)
    run.exarch('archive', bad.written_profile, '--quiet', '--metrics-file', metrics, expect=harness.SIGN_IN)
    after = metrics_of(metrics)
    harness.same('exit code', after['exarch_run_exit_code'], 12)
    harness.same('the good one', after['exarch_last_success_timestamp_seconds'], good['exarch_last_success_timestamp_seconds'])
    harness.same('nothing else lies beside it', sorted(p.name for p in run.dir.glob('*prom*')), ['exarch.prom'])
    told = run.exarch('archive', bad.written_profile, '--metrics-file', run.dir / 'none/x.prom', expect=harness.SIGN_IN)
    harness.contains('stderr', told.err, '--metrics-file')


def a_run_waits_for_another_to_end(run):
    sim = serve(run)
    run.archive(sim.written_profile)
    slow = run.simulator('--mail', run.dir / 'mail', '--latency', 60000, name='slow', archive=sim.archive)
    listed = {'from': 'list', 'list': ['anna@sim.example']}
    first = run.start('archive', slow.profile('slow.yaml', mailboxes=listed), '--quiet')
    while not (sim.archive / 'LOCK').read_text():  # its owner's name
        harness.check(first.process.poll() is None, 'the first run goes on')
    told = run.exarch('archive', sim.written_profile, '--lock-wait', '1 s', expect=harness.LOCKED)
    harness.contains('stderr', told.err, f'process {first.pid}')
    second = run.start('archive', sim.written_profile, '--quiet', '--lock-wait', '10 min')
    first.signal(signal.SIGINT)
    first.end(harness.STOPPED)
    second.end(harness.DONE)
    harness.same('runs', [r['exit_code'] for r in run.exarch('runs', sim.archive, '--json').objects()], [0, 4, 0])


if __name__ == '__main__':
    harness.main(runs_are_listed_oldest_first_and_can_be_limited,
                 a_run_with_failures_is_listed_as_incomplete,
                 a_quiet_run_with_nothing_wrong_prints_nothing,
                 a_quiet_run_with_a_failed_item_says_what_and_why_in_few_lines,
                 repeated_problems_are_collapsed,
                 a_quiet_run_still_warns_of_a_certificate_that_ends,
                 the_log_file_has_all_that_happened,
                 a_run_that_fails_before_it_began_is_in_the_log,
                 a_log_that_is_rotated_is_opened_anew,
                 metrics_tell_the_last_run_and_the_last_good_one,
                 a_run_waits_for_another_to_end,
                 short=(a_log_that_is_rotated_is_opened_anew,))

# SPDX-License-Identifier: Apache-2.0
"""What expires is gone, what is held stays, and the record says who did it. The room that comes back is real, and what stays is
byte for byte what it was."""
import base64
import collections
import contextlib
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import harness
import mail

sys.path.insert(0, str(harness.ROOT / 'tests'))
import reader  # noqa: E402

OLD, NEW = 'Mon, 05 Mar 2012 09:00:00 +0000', 'Mon, 02 Mar 2026 09:00:00 +0000'
KILLS = 50 if harness.LONG else 3
POLICY = {'version': 1, 'rules': [{'name': 'projects', 'folders': ['/Projects/**'], 'keep': 'forever'},
                                  {'name': 'everything else', 'keep': '5 years'}]}


def unique(seed):
    """Text that no codec makes smaller, and that says whose it is."""
    text = base64.b64encode(random.Random(seed).randbytes(30_000)).decode()
    lines = [text[at:at + 76] for at in range(0, len(text), 76)]
    return f'secret-{seed}\r\n' + '\r\n'.join(lines) + '\r\n'


def write_mail(folder):
    return mail.write(folder, {
        f'{who}/{place}/{age}{number}.eml': mail.message(f'{age} {number} of {who}', date=OLD if age == 'old' else NEW,
                                                         body=unique(f'{who}-{place}-{age}-{number}'))
        for who in ('anna', 'bert') for place in ('Inbox', 'Projects', 'Inbox/Deep') for age in ('old', 'new')
        for number in range(3)})


def write_policy(run, policy=None):
    path = run.dir / 'policy.yaml'
    path.write_text(harness.json.dumps(policy or POLICY))
    return path


def expire(run, archive, *args, policy=None, expect=harness.DONE):
    """{rule: its line}, and the summary."""
    objects = run.exarch('expire', archive, '--policy', write_policy(run, policy), '--json', *args, expect=expect).objects()
    return {o['rule']: o for o in objects if o['event'] == 'rule'}, objects[-1], [o for o in objects if o['event'] == 'item']


def items_of(run, archive, *args):
    return run.exarch('list', archive, '--json', *args).objects()


def archived(run):
    folder = write_mail(run.dir / 'mail')
    sim = run.simulator('--mail', folder)
    run.archive(sim.written_profile)
    return sim, folder


def everything_unpacked(archive):
    """All that the archive's frames hold, by the independent reader."""
    log = reader.Log(archive)
    harness.same('damage', log.damage, [])
    places = {frame.place for frame, _ in log.objects.values()} | {place for place, _, _ in log.records}
    return b''.join(bytes(log.payload(place)) for place in places)


def check_reader(archive):
    done = subprocess.run([sys.executable, harness.ROOT / 'tests' / 'reader.py', 'check', archive], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=harness.PATIENCE_S, check=False)
    harness.same(f'reader.py check: {done.stdout.decode(errors="replace")}', done.returncode, 0)


def a_dry_run_says_what_would_go_and_changes_nothing(run):
    sim, _ = archived(run)
    before = harness.tree_state(sim.archive)
    rules, whole, items = expire(run, sim.archive, '-n')
    harness.same('items by the second rule', rules['everything else']['items'], 12)
    harness.same('items by the first rule', rules['projects']['items'], 0)
    harness.same('items told', len(items), 12)
    harness.same('whole', (whole['items'], whole['dry_run']), (12, True))
    harness.same('oldest', rules['everything else']['oldest'][:10], '2012-03-05')
    harness.check(all(i['folder'].startswith('/Inbox') and i['received'].startswith('2012') for i in items), f'{items}')
    harness.same('the archive', harness.tree_state(sim.archive), before)
    text = run.exarch('expire', sim.archive, '--policy', run.dir / 'policy.yaml', '-n').out
    harness.contains('the table', text, 'everything else', '5 years', '12 items', 'dry run')


def nothing_goes_without_a_yes(run):
    sim, _ = archived(run)
    before = len(items_of(run, sim.archive))
    refused = run.exarch('expire', sim.archive, '--policy', write_policy(run), expect=harness.USAGE)
    harness.contains('what it says', refused.err, '--yes', '-n')
    harness.same('items', len(items_of(run, sim.archive)), before)


def what_expired_is_not_fetched_again_and_counts_add_up(run):
    sim, folder = archived(run)
    _, whole, _ = expire(run, sim.archive, '--yes')
    harness.same('expired', whole['items'], 12)
    harness.same('items left', len(items_of(run, sim.archive)), 24)
    _, again, _ = expire(run, sim.archive, '--yes')
    harness.same('expired by a second run', again['items'], 0)

    sim.forget()
    second = run.archive(sim.written_profile)
    harness.same('items fetched', sim.fetched_items(), 0)
    harness.same('unexplained', second['unexplained'], 0)

    # From the segments alone, and listed from the start: the server names all of them again.
    run.exarch('rebuild', sim.archive)
    sim.forget()
    third = run.archive(sim.written_profile)
    harness.same('items fetched after a rebuild', sim.fetched_items(), 0)
    harness.same('unexplained after a rebuild', third['unexplained'], 0)
    harness.same('items left after a rebuild', len(items_of(run, sim.archive)), 24)

    # Deleted at the server: counted no longer. Changed there: another item.
    (folder / 'anna/Inbox/old0.eml').unlink()
    (folder / 'anna/Inbox/old1.eml').write_bytes(mail.message('again', date=OLD, body='Changed since.\r\n'))
    sim.forget()
    fourth = run.archive(sim.written_profile)
    harness.same('items fetched after a change', sim.fetched_items(), 1)
    harness.same('unexplained after a change', fourth['unexplained'], 0)
    harness.same('items left', len(items_of(run, sim.archive)), 25)
    run.verify(sim.archive)


def what_expired_is_named_as_such(run):
    sim, _ = archived(run)
    _, _, gone = expire(run, sim.archive, '--yes')
    number = gone[0]['number']
    for verb in (('show', sim.archive, number), ('export', sim.archive, '--id', number, '--to', run.dir / 'out')):
        said = run.exarch(*verb, expect=harness.FAILED).err
        harness.contains(f'{verb[0]} of an expired item', said, f'item {number} was expired', 'everything else')
    listed = items_of(run, sim.archive, '--expired')
    harness.same('listed as expired', sorted(i['number'] for i in listed), sorted(i['number'] for i in gone))
    harness.same('rules', {i['rule'] for i in listed}, {'everything else'})
    harness.same('of one mailbox', len(items_of(run, sim.archive, '--expired', '--mailbox', 'anna@*')), 6)


def a_hold_keeps_what_it_covers(run):
    sim, _ = archived(run)
    said = run.exarch('hold', 'add', sim.archive, 'lawsuit', '--mailbox', 'anna@*', '--folder', '/Inbox/**', '--before',
                      '2013-01-01', '--reason', 'case 4711').out
    harness.contains('hold add', said, 'hold 1', 'covers 6')
    rules, whole, _ = expire(run, sim.archive, '--yes')
    harness.same('expired and held', (whole['items'], whole['held']), (6, 6))
    harness.same('held by', rules['everything else']['held_by'], [{'number': 1, 'name': 'lawsuit', 'items': 6}])
    harness.same('of anna', len(items_of(run, sim.archive, '--mailbox', 'anna@*')), 18)

    holds = run.exarch('hold', 'list', sim.archive, '--json').objects()
    harness.same('holds', [(h['number'], h['name'], h['in_force'], h['reason']) for h in holds],
                 [(1, 'lawsuit', True, 'case 4711')])
    harness.contains('a second of this name', run.exarch('hold', 'add', sim.archive, 'lawsuit', expect=harness.USAGE).err,
                     'lawsuit')
    harness.contains('hold remove', run.exarch('hold', 'remove', sim.archive, 'lawsuit').out, 'covered 6')
    harness.same('holds in force', run.exarch('hold', 'list', sim.archive, '--json').objects(), [])
    harness.same('all holds', len(run.exarch('hold', 'list', sim.archive, '--all', '--json').objects()), 1)
    harness.same('expired without the hold', expire(run, sim.archive, '--yes')[1]['items'], 6)


def the_record_says_who_did_what(run):
    sim, _ = archived(run)
    run.exarch('hold', 'add', sim.archive, 'h', '--folder', '/Projects')
    run.exarch('hold', 'remove', sim.archive, '1')
    expire(run, sim.archive, '--yes')
    events = run.exarch('audit', sim.archive, '--json').objects()
    harness.same('what happened', [e.get('action', e['event']) for e in events],
                 ['run', 'hold add', 'hold remove', 'expire', 'chains'])
    harness.same('broken', events[-1]['broken'], 0)
    harness.check(all(e['user'] and e['host'] and e['when'] for e in events[1:-1]), f'{events}')
    harness.same('items expired', events[3]['items'], 12)
    harness.contains('the expiry', events[3]['detail'], 'policy.yaml', harness.file_sha256(run.dir / 'policy.yaml'))
    harness.contains('--verify', run.exarch('audit', sim.archive, '--verify').out, '1 runs and 3 audit records')
    check_reader(sim.archive)


def a_bad_policy_is_refused_by_line(run):
    sim, _ = archived(run)
    path = run.dir / 'bad.yaml'
    path.write_text('version: 1\nrules:\n  - name: x\n    keep: 5 yaers\n')
    said = run.exarch('expire', sim.archive, '--policy', path, '--yes', expect=harness.USAGE).err
    harness.contains('what it says', said, 'bad.yaml:4', 'rules[1].keep', '5 yaers')


def expiry_does_not_run_beside_an_archiving_process(run):
    sim, _ = archived(run)
    policy = write_policy(run)
    sim.stop()
    slow = run.simulator('--generate', '1x2000', '--seed', '3')
    process = run.start('archive', slow.written_profile, '--quiet')
    slow.wait_for('GetItem', 1, also=lambda: process.process.poll() is not None)
    process.signal(signal.SIGSTOP)
    try:
        harness.check(process.process.poll() is None, 'the archiving process still runs')
        said = run.exarch('expire', slow.archive, '--policy', policy, '--yes', expect=harness.LOCKED).err
        harness.contains('what it says', said, str(process.pid))
    finally:
        process.signal(signal.SIGCONT)
        process.end()


def compaction_leaves_the_survivors_and_nothing_else(run):
    sim, folder = archived(run)
    survivors = collections.Counter(
        (who, place, digest) for who, place, digest in mail.of_files(folder)
        if place.startswith('/Projects') or digest in {
            harness.sha256(path.read_bytes()) for path in folder.rglob('new*.eml')})
    expire(run, sim.archive, '--yes')
    harness.check(b'secret-anna-Inbox-old-1' in everything_unpacked(sim.archive), 'before it, all content is there')
    before = items_of(run, sim.archive)
    result, = run.exarch('compact', sim.archive, '--all', '--json').objects()
    harness.check(result['finished'] and result['segments_cut'] > 0, f'{result}')
    harness.check(result['bytes_after'] < result['bytes_before'], f'{result}')

    harness.same('the list', items_of(run, sim.archive), before)
    harness.same_multiset('messages exported', collections.Counter(run.export(sim.archive)), survivors)
    run.verify(sim.archive)
    check_reader(sim.archive)
    content = everything_unpacked(sim.archive)
    for who in ('anna', 'bert'):
        for place in ('Inbox', 'Inbox/Deep'):
            harness.check(f'secret-{who}-{place}-old-1'.encode() not in content, f'{who} {place}: content is still there')
            harness.check(f'secret-{who}-{place}-new-1'.encode() in content, f'{who} {place}: content is there')
    harness.check(re.search(rb'old \d of anna', content) is not None, 'subjects of what is kept are there')

    run.exarch('rebuild', sim.archive)
    harness.same('the list after a rebuild', items_of(run, sim.archive), before)
    harness.same_multiset('messages exported after a rebuild', collections.Counter(run.export(sim.archive, 'out2')), survivors)
    run.verify(sim.archive)
    sim.forget()
    again = run.archive(sim.written_profile)
    harness.same('fetched and unexplained', (sim.fetched_items(), again['unexplained']), (0, 0))
    harness.same('actions', [e.get('action', e['event']) for e in run.exarch('audit', sim.archive, '--json').objects()],
                 ['run', 'expire', 'compact begin', 'compact end', 'run', 'chains'])
    harness.contains('a second one', run.exarch('compact', sim.archive).out, 'nothing to give back')


def a_damaged_segment_is_left_as_it_is_and_told_of(run):
    sim, _ = archived(run)
    expire(run, sim.archive, '--yes')
    segment, = pathlib.Path(sim.archive).rglob('*.xseg')
    good = segment.read_bytes()
    at = good.index(b'XFR\xa9\x01\x01') + 64 + 100  # in a large object
    segment.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
    damaged = run.exarch('compact', sim.archive, '--all', expect=13).out
    harness.contains('what it says', damaged, '1 segments were left', 'exarch verify')
    harness.check('nothing to give back' not in damaged, damaged)
    result, = run.exarch('compact', sim.archive, '--all', '--json', expect=13).objects()
    harness.same('cut and damaged', (result['segments_cut'], result['segments_damaged']), (0, 1))
    with segment.open('r+b') as file:
        file.seek(at)
        file.write(good[at:at + 1])
    result, = run.exarch('compact', sim.archive, '--all', '--json').objects()
    harness.same('cut and damaged', (result['segments_cut'], result['segments_damaged']), (1, 0))
    run.verify(sim.archive)


def segment_bytes(archive):
    return sum(p.stat().st_size for p in pathlib.Path(archive).rglob('*.xseg'))


def after_it_the_archive_is_as_small_as_a_fresh_one(run):
    folder = write_mail(run.dir / 'mail')
    sim = run.simulator('--mail', folder)
    run.archive(sim.written_profile)
    everything = {'version': 1, 'rules': [{'name': 'all', 'keep': '5 years'}]}
    harness.same('expired', expire(run, sim.archive, '--yes', policy=everything)[1]['items'], 18)
    run.exarch('compact', sim.archive, '--all')
    for path in folder.rglob('old*.eml'):
        path.unlink()
    fresh = run.simulator('--mail', folder, name='fresh', archive=run.dir / 'fresh')
    run.archive(fresh.written_profile)
    ratio = segment_bytes(sim.archive) / segment_bytes(fresh.archive)
    harness.check(ratio <= 1.1, f'compacted to {ratio:.3f} of a fresh archive')


def ordinary_mail_is_compacted_without_a_trace_on_the_rest(run):
    sim = run.simulator('--generate', '4x500', '--mean-size', 'small', '--seed', '7')
    run.archive(sim.written_profile)
    whole = expire(run, sim.archive, '--yes', '--limit', '1000', policy={
        'version': 1, 'rules': [{'name': 'all', 'keep': '1 day'}]})[1]
    harness.same('expired', whole['items'], 1000)
    before = items_of(run, sim.archive)
    run.exarch('compact', sim.archive, '--all')
    harness.same('the list', items_of(run, sim.archive), before)
    run.verify(sim.archive)
    run.exarch('rebuild', sim.archive)
    harness.same('the list after a rebuild', items_of(run, sim.archive), before)


def write_much_mail(folder, count):
    """Half of it old, and all of it incompressible."""
    return mail.write(folder, {
        f'anna/Inbox/{"old" if number % 2 else "new"}{number}.eml':
            mail.message(f'message {number}', date=OLD if number % 2 else NEW, body=unique(f'much-{number}'))
        for number in range(count)})


def half_expired(run, count):
    folder = write_much_mail(run.dir / 'mail', count)
    sim = run.simulator('--mail', folder)
    run.archive(sim.written_profile)
    harness.same('expired', expire(run, sim.archive, '--yes')[1]['items'], count // 2)
    for path in folder.rglob('old*.eml'):
        path.unlink()
    return sim, collections.Counter(mail.of_files(folder))


def an_export_goes_on_while_the_archive_is_compacted(run):
    sim, survivors = half_expired(run, 400)
    to = run.dir / 'out'
    export = run.start('export', sim.archive, '--to', to, '--format', 'eml')
    while export.process.poll() is None and not any(to.rglob('*.eml')):
        pass
    export.signal(signal.SIGSTOP)
    try:
        run.exarch('compact', sim.archive, '--all')
    finally:
        export.signal(signal.SIGCONT)
    export.end(expect=harness.DONE)
    harness.same_multiset('messages exported', collections.Counter(harness.exported(to)), survivors)


def a_compaction_that_is_killed_loses_nothing(run):
    sim, survivors = half_expired(run, 120)
    original = run.dir / 'original'
    sim.archive.rename(original)
    rng = random.Random(5)
    begin = time.monotonic()
    shutil.copytree(original, sim.archive)
    run.exarch('compact', sim.archive, '--all')
    whole_s = time.monotonic() - begin
    unfinished = 0
    for number in range(KILLS):
        shutil.rmtree(sim.archive)
        shutil.copytree(original, sim.archive)
        process = run.start('compact', sim.archive, '--all')
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.process.wait(rng.uniform(0, whole_s))
        process.signal(signal.SIGKILL)
        unfinished += process.end().code == -signal.SIGKILL
        run.verify(sim.archive)
        check_reader(sim.archive)
        harness.same_multiset(f'messages after kill {number}', collections.Counter(run.export(sim.archive, f'out{number}')),
                              survivors)
        run.exarch('compact', sim.archive, '--all')
        harness.check(b'secret-much-1\r' not in everything_unpacked(sim.archive), 'what expired is gone')
        shutil.rmtree(run.dir / f'out{number}')
    print(f'# {KILLS} rounds, {unfinished} of them killed before the end')


if __name__ == '__main__':
    harness.main(a_dry_run_says_what_would_go_and_changes_nothing,
                 nothing_goes_without_a_yes,
                 what_expired_is_not_fetched_again_and_counts_add_up,
                 what_expired_is_named_as_such,
                 a_hold_keeps_what_it_covers,
                 the_record_says_who_did_what,
                 a_bad_policy_is_refused_by_line,
                 expiry_does_not_run_beside_an_archiving_process,
                 compaction_leaves_the_survivors_and_nothing_else,
                 a_damaged_segment_is_left_as_it_is_and_told_of,
                 after_it_the_archive_is_as_small_as_a_fresh_one,
                 ordinary_mail_is_compacted_without_a_trace_on_the_rest,
                 an_export_goes_on_while_the_archive_is_compacted,
                 a_compaction_that_is_killed_loses_nothing,
                 short=(what_expired_is_not_fetched_again_and_counts_add_up, a_hold_keeps_what_it_covers))

# SPDX-License-Identifier: Apache-2.0
"""The main job on the project's own mail: every message comes back byte for byte, and nothing is left out."""
import collections
import datetime
import re

import ews_peer
import harness
import mail

MAIL = harness.FIXTURES / 'mail'
ALL = collections.Counter(mail.of_files(MAIL))


def check_archive(run, archive, name):
    """Export and each level of verify agree that everything is there."""
    harness.same_multiset(f'messages exported from {name}', collections.Counter(run.export(archive, name + '-out')), ALL)
    for level in ('headers', 'bytes', 'blobs', 'messages'):
        run.verify(archive, level)


def every_message_comes_back_as_it_was_served_whatever_the_number_of_threads(run):
    sim = run.simulator('--mail', MAIL)
    harness.check(sum(ALL.values()) >= 60, 'there are at least 60 fixtures')
    for threads in (4,) if harness.SHORT else (1, 4, 8):
        archive = run.dir / f'archive-{threads}'
        profile = sim.profile(archive=str(archive))
        summary = run.archive(profile, '--threads', threads)
        harness.same(f'archived with {threads} threads', summary['archived'], sum(ALL.values()))
        harness.same('unexplained', summary['unexplained'], 0)
        check_archive(run, archive, f'threads-{threads}')


def another_client_is_served_what_was_exported(run):
    sim = run.simulator('--mail', MAIL)
    run.archive(sim.written_profile)
    harness.same_multiset('messages exported, by what another client is served',
                          collections.Counter(run.export(sim.archive)), collections.Counter(ews_peer.served(sim)))


def a_second_run_fetches_nothing(run):
    sim = run.simulator('--mail', MAIL)
    run.archive(sim.written_profile)
    harness.same('items fetched by the first run', sim.fetched_items(), sum(ALL.values()))
    before = harness.tree_state(sim.archive)
    sim.forget()
    summary = run.archive(sim.written_profile)
    harness.same('items fetched by the second run', sim.fetched_items(), 0)
    harness.same('archived by the second run', summary['archived'], 0)
    harness.same('known to the second run', summary['known'], sum(ALL.values()))
    harness.check(before.keys() <= harness.tree_state(sim.archive).keys(), 'no file of the archive went away')


def a_dry_run_fetches_and_writes_nothing(run):
    sim = run.simulator('--mail', MAIL)
    run.exarch('init', sim.archive)
    before = harness.tree_state(sim.archive)
    run.archive(sim.written_profile, '-n')
    harness.same('items fetched', sim.fetched_items(), 0)
    harness.same('the archive', harness.tree_state(sim.archive), before)


def a_file_bears_the_time_its_message_was_received(run):
    sim = run.simulator('--mail', MAIL)
    run.archive(sim.written_profile)
    run.export(sim.archive)
    listed = {item['number']: item for item in run.exarch('list', sim.archive, '--json').objects()}
    harness.same('items listed', len(listed), sum(ALL.values()))
    for path in (run.dir / 'out').rglob('*.eml'):
        day, clock, number, *_ = path.name.split('-')
        received = listed[int(number)]['received']
        written = datetime.datetime.fromtimestamp(int(path.stat().st_mtime), datetime.timezone.utc)
        harness.same(f'time of {path.name}', written.strftime('%Y-%m-%dT%H:%M:%SZ'), received)
        harness.same(f'time in the name of {path.name}', f'{day}{clock}', re.sub('[^0-9]', '', received))


def show_prints_the_message_itself_when_asked_raw(run):
    sim = run.simulator('--mail', MAIL)
    run.archive(sim.written_profile)
    shown = collections.Counter()
    for item in run.exarch('list', sim.archive, '--json').objects():
        raw = run.exarch('show', sim.archive, item['number'], '--raw').out_bytes
        harness.same(f'size of item {item["number"]}', len(raw), item['bytes'])
        shown[harness.sha256(raw)] += 1
        run.exarch('show', sim.archive, item['number'])
    wanted = collections.Counter()
    for (_, _, digest), count in ALL.items():
        wanted[digest] += count
    harness.same_multiset('messages shown', shown, wanted)


def an_archive_with_zstd_gives_the_same_back(run):
    sim = run.simulator('--mail', MAIL)
    archive = run.dir / 'zstd'
    run.exarch('init', archive, '--compression', 'zstd')
    run.archive(sim.profile(archive=str(archive)))
    check_archive(run, archive, 'zstd')


def an_index_made_again_from_the_segments_says_the_same(run):
    sim = run.simulator('--mail', MAIL)
    run.archive(sim.written_profile)
    listed = run.exarch('list', sim.archive, '--json').out
    run.exarch('rebuild', sim.archive)
    harness.same('list after rebuild', run.exarch('list', sim.archive, '--json').out, listed)
    check_archive(run, sim.archive, 'rebuilt')
    sim.forget()
    summary = run.archive(sim.written_profile)
    harness.same('items fetched after rebuild', sim.fetched_items(), 0)
    harness.same('unexplained after rebuild', summary['unexplained'], 0)


def an_export_brought_up_to_date_writes_only_what_is_new(run):
    sim = run.simulator('--mail', MAIL)
    run.archive(sim.written_profile)
    run.export(sim.archive)
    stamps = {p: p.stat().st_ino for p in (run.dir / 'out').rglob('*.eml')}
    gone = sorted(stamps)[0]
    gone.unlink()
    run.exarch('export', sim.archive, '--to', run.dir / 'out', '--update')
    harness.same_multiset('messages after --update', collections.Counter(harness.exported(run.dir / 'out')), ALL)
    for path, inode in stamps.items():
        if path != gone:
            harness.same(f'inode of {path.name}', path.stat().st_ino, inode)


def the_archive_is_smaller_than_the_mail(run):
    sim = run.simulator('--generate', '4x50')
    run.archive(sim.written_profile)
    raw = sum(item['bytes'] for item in run.exarch('list', sim.archive, '--json').objects())
    stored = sum(p.stat().st_size for p in sim.archive.rglob('*') if p.is_file() and p.name not in ('data.mdb', 'lock.mdb'))
    harness.check(stored < raw, f'segments hold {stored} bytes for {raw} bytes of mail')


if __name__ == '__main__':
    harness.main(every_message_comes_back_as_it_was_served_whatever_the_number_of_threads,
                 another_client_is_served_what_was_exported,
                 a_second_run_fetches_nothing,
                 a_dry_run_fetches_and_writes_nothing,
                 a_file_bears_the_time_its_message_was_received,
                 show_prints_the_message_itself_when_asked_raw,
                 an_archive_with_zstd_gives_the_same_back,
                 an_index_made_again_from_the_segments_says_the_same,
                 an_export_brought_up_to_date_writes_only_what_is_new,
                 the_archive_is_smaller_than_the_mail,
                 short=(every_message_comes_back_as_it_was_served_whatever_the_number_of_threads,
                        a_second_run_fetches_nothing, an_index_made_again_from_the_segments_says_the_same))

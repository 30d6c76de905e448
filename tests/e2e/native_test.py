# SPDX-License-Identifier: Apache-2.0
"""Items that have no MIME, or whose MIME can't be had, are archived as the server's native stream: byte for byte what
ExportItems serves, wherever the archive is taken afterwards."""
import base64
import random
import re
import subprocess
import sys

import harness
import mail
import wire
from harness import same

sys.path.insert(0, str(harness.ROOT / 'tests'))
import reader  # noqa: E402

ANNA = wire.ANNA
OLD = 'Mon, 05 Mar 2012 09:00:00 +0000'
NO_MIME = {'task', 'note', 'some poison', 'large task'}
ALL = NO_MIME | {'card', 'plain', 'old'}
POISON = harness.FIXTURES / 'scenarios/poison-mime.yaml'


def of_class(name, own_class, body='Hello.\r\n'):
    return mail.message(name, headers=f'X-Sim-Class: {own_class}\r\n', body=body)


def serve(run, *options):
    """A simulator of items of several classes, one of which can't be converted."""
    noise = base64.encodebytes(random.Random(7).randbytes(2_400_000)).decode().replace('\n', '\r\n')
    folder = mail.write(run.dir / 'mail', {
        'anna/Inbox/task.eml': of_class('task', 'IPM.Task'), 'anna/Inbox/note.eml': of_class('note', 'IPM.StickyNote'),
        'anna/Inbox/large.eml': of_class('large task', 'IPM.Task', noise),
        'anna/Inbox/card.eml': mail.message('card', headers='Content-Type: text/vcard\r\n'), 'anna/Inbox/bad.eml': 'some poison',
        'anna/Inbox/plain.eml': 'plain', 'anna/Inbox/old.eml': mail.message('old', date=OLD, body=noise)})
    return run.simulator('--plain', '--mail', folder, '--scenario', POISON, *options)


def served(sim):
    """{subject: the stream} as the server gives it to anybody."""
    asker = wire.Wire(sim)
    listing = asker.find_items()
    streams = {}
    for subject, own_id in zip(listing.subjects(), listing.ids()):
        answer = asker.ask(f'<m:ExportItems><m:ItemIds><t:ItemId Id="{own_id}"/></m:ItemIds></m:ExportItems>')
        streams[subject] = (own_id, base64.b64decode(re.search('<m:Data>(.*?)</m:Data>', answer.text(), re.S).group(1)))
    return streams


def profile_of(sim, name='all.yaml', **changes):
    return sim.profile(name, mailboxes={'from': 'list', 'list': [ANNA]}, filters={'classes': ['all']}, **changes)


def listed(run, archive, *key):
    return {item['item_id']: item for item in run.exarch('list', archive, '--json', *key).objects()}


def check_archive(run, sim, streams, expected, key=(), archive=None):
    """The items of these subjects, and no others, have a native stream, which is the one that was served."""
    archive = archive or sim.archive
    items = listed(run, archive, *key)
    same('items with a stream', {s for s, (own, _) in streams.items() if own in items and items[own]['native_bytes']}, expected)
    for subject in expected:
        own_id, stream = streams[subject]
        same(f'hash of {subject}', items[own_id]['native_sha256'], harness.sha256(stream))
        shown = run.exarch('show', archive, items[own_id]['number'], '--native', *key)
        harness.check(shown.out_bytes == stream, f'{subject}: show --native is not what was served')
        same(f'MIME of {subject}', items[own_id]['sha256'] is None, subject in NO_MIME)
    run.exarch('verify', archive, '--level', 'messages', *key)


def what_has_no_mime_is_archived_as_its_native_stream(run):
    sim = serve(run)
    streams = served(sim)
    same('subjects', set(streams), ALL)
    summary = run.archive(profile_of(sim))
    same('counts', {k: summary[k] for k in ('archived', 'native_only', 'failed', 'unexplained')},
         {'archived': 7, 'native_only': 4, 'failed': 0, 'unexplained': 0})
    check_archive(run, sim, streams, NO_MIME)


def a_rerun_fetches_nothing(run):
    sim = serve(run)
    run.archive(profile_of(sim))
    before = len(sim.requests_of('GetItem')), len(sim.requests_of('ExportItems'))
    harness.check(before[1] > 0, 'something was exported')
    summary = run.archive(profile_of(sim))
    same('counts', (summary['archived'], summary['known'], summary['unexplained']), (0, 7, 0))
    same('requests', (len(sim.requests_of('GetItem')), len(sim.requests_of('ExportItems'))), before)


def both_forms_are_archived_when_both_are_wanted(run):
    sim = serve(run)
    streams = served(sim)
    summary = run.archive(profile_of(sim, capture=['mime', 'native']))
    same('counts', (summary['archived'], summary['native_only'], summary['failed']), (7, 4, 0))
    check_archive(run, sim, streams, ALL)
    to = run.dir / 'out'
    run.exarch('export', sim.archive, '--to', to, '--native')
    same('streams', sorted(p.read_bytes() for p in to.rglob('*.fts')), sorted(s for _, s in streams.values()))
    same('messages', len(list(to.rglob('*.eml'))), 3)


def streams_alone_are_archived_when_they_alone_are_wanted(run):
    sim = serve(run)
    streams = served(sim)
    summary = run.archive(profile_of(sim, capture=['native']))
    same('counts', (summary['archived'], summary['native_only'], summary['failed']), (7, 7, 0))
    items = listed(run, sim.archive)
    same('streams', {i: item['native_sha256'] for i, item in items.items()},
         {own: harness.sha256(stream) for own, stream in streams.values()})


def an_export_has_the_streams_of_what_has_no_mime(run):
    sim = serve(run)
    streams = served(sim)
    run.archive(profile_of(sim))
    to = run.dir / 'out'
    told = run.exarch('export', sim.archive, '--to', to, '--json').objects()[-1]
    same('told', (told['items'], told['native_only'], told['failed']), (7, 4, 0))
    files = sorted(to.rglob('*.fts'))
    same('streams', sorted(p.read_bytes() for p in files), sorted(streams[s][1] for s in NO_MIME))
    harness.check(any('IPM.StickyNote' in p.name for p in files), f'a class is in the name: {files}')
    harness.contains('in words', run.exarch('export', sim.archive, '--to', run.dir / 'again').out, '4 of them have no MIME')
    told = run.exarch('export', sim.archive, '--to', to, '--update', '--json').objects()[-1]
    same('the second time', (told['items'], told['skipped']), (0, 7))


def people_are_told_that_there_is_no_message(run):
    sim = serve(run)
    streams = served(sim)
    run.archive(profile_of(sim))
    number = listed(run, sim.archive)[streams['task'][0]]['number']
    harness.contains('show', run.exarch('show', sim.archive, number).out, 'IPM.Task', '/Inbox', '2026-03-02', 'native')
    harness.contains('show --raw', run.exarch('show', sim.archive, number, '--raw', expect=harness.USAGE).err, '--native')
    harness.contains('list', run.exarch('list', sim.archive).out, '(IPM.Task, native stream only)')
    summary = run.exarch('archive', profile_of(sim, 'words.yaml', archive=str(run.dir / 'second'))).out
    harness.contains('the summary', summary, '4 of them as native stream only')


def rebuild_and_compaction_keep_them(run):
    sim = serve(run)
    streams = served(sim)
    run.archive(profile_of(sim, capture=['mime', 'native']))
    before = listed(run, sim.archive)
    run.exarch('rebuild', sim.archive)
    same('the list after a rebuild', listed(run, sim.archive), before)
    policy = run.dir / 'policy.yaml'
    policy.write_text(harness.json.dumps({'version': 1, 'rules': [{'name': 'all', 'keep': '5 years'}]}))
    run.exarch('expire', sim.archive, '--policy', policy, '--yes')
    size = sum(p.stat().st_size for p in sim.archive.rglob('*.xseg'))
    run.exarch('compact', sim.archive, '--all')
    harness.check(sum(p.stat().st_size for p in sim.archive.rglob('*.xseg')) < size - 3_000_000, 'message and stream are gone')
    left = {s: v for s, v in streams.items() if s != 'old'}
    check_archive(run, sim, left, ALL - {'old'})
    before = listed(run, sim.archive)
    run.exarch('rebuild', sim.archive)
    same('the list after another rebuild', listed(run, sim.archive), before)
    check_archive(run, sim, left, ALL - {'old'})


def another_program_reads_them(run):
    sim = serve(run)
    streams = served(sim)
    run.archive(profile_of(sim, capture=['mime', 'native']))
    subprocess.run([sys.executable, harness.ROOT / 'tests/reader.py', 'extract', sim.archive, run.dir / 'out'], check=True)
    same('streams', sorted(p.read_bytes() for p in (run.dir / 'out').glob('*.fts')), sorted(s for _, s in streams.values()))
    same('messages', len(list((run.dir / 'out').glob('*.eml'))), 3)


def an_encrypted_archive_has_them_too(run):
    sim = serve(run)
    streams = served(sim)
    key = '--key-file', run.dir / 'key'
    run.exarch('init', sim.archive, '--encrypt', *key)
    run.archive(profile_of(sim), *key)
    check_archive(run, sim, streams, NO_MIME, key)
    harness.check(not any(b'IPM.StickyNote' in p.read_bytes() for p in sim.archive.rglob('*.xseg')), 'nothing of them is open')


def damage_of_a_stream_is_found_and_named(run):
    sim = serve(run)
    streams = served(sim)
    run.archive(profile_of(sim))
    number = listed(run, sim.archive)[streams['large task'][0]]['number']
    log = reader.Log(sim.archive)
    item = reader.Catalog(log).items[number]
    _, _, operations = reader.read_recipe(log.object(item.native[0], reader.RECIPE))
    same('pieces of the stream', len(operations) > 2, True)
    frame, _ = log.objects[operations[1][1]]
    path = sim.archive / f'seg/00/{frame.place.segment:08x}.xseg'
    with open(path, 'r+b') as f:
        f.seek(frame.place.offset + 64 + frame.stored // 2)
        f.write(b'damage!!')
    run.spoils(sim.archive)
    for level in ('blobs', 'messages'):
        told = run.exarch('verify', sim.archive, '--level', level, expect=harness.INTEGRITY)
        harness.contains(f'verify --level {level}', told.out + told.err, f'item {number}')


if __name__ == '__main__':
    harness.main(what_has_no_mime_is_archived_as_its_native_stream, a_rerun_fetches_nothing,
                 both_forms_are_archived_when_both_are_wanted, streams_alone_are_archived_when_they_alone_are_wanted,
                 an_export_has_the_streams_of_what_has_no_mime, people_are_told_that_there_is_no_message,
                 rebuild_and_compaction_keep_them, another_program_reads_them, an_encrypted_archive_has_them_too,
                 damage_of_a_stream_is_found_and_named,
                 short=(what_has_no_mime_is_archived_as_its_native_stream, an_encrypted_archive_has_them_too))

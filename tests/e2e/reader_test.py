# SPDX-License-Identifier: Apache-2.0
"""What is archived doesn't need exarch to be read: tests/reader.py, which was made from docs/format.md alone, finds the same
items and messages, and finds damage."""
import collections
import hashlib
import re
import shutil
import struct
import subprocess
import sys

import ews_peer
import harness
import mail

READER = harness.ROOT / 'tests/reader.py'
sys.path.append(str(READER.parent))
import reader  # noqa: E402  (for its CRC32C)

MAIL = harness.FIXTURES / 'mail'
CLEAN, DAMAGED, REFUSED = 0, 1, 2
GENERATE = ('--generate', '2x40', '--seed', '11')
ADDED, REMOVED = 8, 3


def read(*args, expect=CLEAN):
    done = subprocess.run([sys.executable, READER, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=harness.PATIENCE_S)
    result = harness.Result([str(a) for a in args], done.returncode, done.stdout, done.stderr)
    harness.same(f'exit code of reader.py {" ".join(result.args)} (stderr: {harness.shorten(result.err)})', result.code, expect)
    return result


def hashes(messages):
    return collections.Counter(digest for _, _, digest in messages)


def same_items(run, archive):
    """The reader lists what exarch lists, all versions and states."""
    mine = sorted(line.split('\t') for line in read('list', archive).out.splitlines())
    listed = run.exarch('list', archive, '--all-versions', '--json').objects()
    harness.same('items', mine, sorted([item['mailbox'], item['folder'], str(item['number']), item['state'], item['received'],
                                        str(item['bytes']), item['sha256']] for item in listed))
    return {item['number']: item for item in listed}


def extracted(run, archive):
    """{item number: sha256} of what the reader extracts."""
    to = run.dir / 'extracted'
    shutil.rmtree(to, ignore_errors=True)
    read('extract', archive, to)
    return {int(path.stem): harness.file_sha256(path) for path in to.iterdir()}


def every_message_is_read_without_exarch(run):
    sim = run.simulator('--mail', MAIL)
    run.archive(sim.written_profile)
    harness.same('stderr of check', read('check', sim.archive).err, '')
    same_items(run, sim.archive)
    harness.same_multiset('messages extracted', collections.Counter(extracted(run, sim.archive).values()),
                          hashes(mail.of_files(MAIL)))


def several_runs_and_removed_items_are_read_without_exarch(run):
    sim = run.simulator(*GENERATE)
    before = hashes(ews_peer.served(sim))
    run.archive(sim.written_profile)
    sim.stop()
    sim = run.simulator(*GENERATE, '--add', ADDED, '--remove', REMOVED)
    after = hashes(ews_peer.served(sim))
    run.archive(sim.written_profile)
    harness.contains('check', read('check', sim.archive).out, '2 runs', 'clean')

    listed = same_items(run, sim.archive)
    found = extracted(run, sim.archive)
    harness.same_multiset('live messages', collections.Counter(found.values()), after)
    harness.same('extracted', found, {n: item['sha256'] for n, item in listed.items() if item['state'] == 'live'})
    removed = collections.Counter(item['sha256'] for item in listed.values() if item['state'] == 'removed')
    harness.same('number of removed messages', removed.total(), REMOVED)
    harness.same_multiset('live and removed messages, by what an export has', hashes(run.export(sim.archive)),
                          collections.Counter(found.values()) + removed)
    harness.same_multiset('live and removed messages, by what was served', collections.Counter(found.values()) + removed,
                          before | after)


def segments_and_their_seals_are_read_without_exarch(run):
    sim = run.simulator(*GENERATE)
    run.exarch('init', sim.archive)
    line = re.sub(rb'segment_bytes=\d+', b'segment_bytes=1048576', (sim.archive / 'FORMAT').read_bytes().split(b' crc32c=')[0])
    (sim.archive / 'FORMAT').write_bytes(line + b' crc32c=%08x\n' % reader.crc32c(line))
    run.archive(sim.written_profile)
    harness.check(len(list(sim.archive.glob('seg/00/*.xseg'))) > 1, 'there are several segments')
    harness.same('stderr of check', read('check', sim.archive).err, '')
    same_items(run, sim.archive)
    listed = read('list', sim.archive).out

    whole = first_segment(sim.archive).read_bytes()
    seal, kind, _ = frames(whole)[-1]
    harness.same('kind of the last frame', kind, 6)
    for what, at in (('SEAL', seal), ('SEAL', seal + 64 + 8), ('segment header', 0)):
        damaged = bytearray(whole)
        damaged[at] ^= 1
        first_segment(sim.archive).write_bytes(damaged)
        place = f'segment 1 offset {seal if what == "SEAL" else 0}:'
        harness.contains(f'check with a byte of the {what} flipped', read('check', sim.archive, expect=DAMAGED).err, place)
        harness.same('list all the same', read('list', sim.archive, expect=DAMAGED).out, listed)
    first_segment(sim.archive).unlink()
    harness.contains('check without segment 1', read('check', sim.archive, expect=DAMAGED).err,
                     'segment 1 offset 0: the segment is missing')


def an_item_that_changes_and_comes_back_has_the_state_exarch_says(run):
    folder = mail.write(run.dir / 'mail', {'anna/Inbox/plan.eml': 'plan', 'anna/Inbox/other.eml': 'other'})
    plan = folder / 'anna/Inbox/plan.eml'
    sim = run.simulator('--mail', folder)

    def archive(versions='latest'):
        run.archive(sim.profile(versions=versions))
        read('check', sim.archive)
        return collections.Counter(item['state'] for item in same_items(run, sim.archive).values())

    def change(body):
        plan.write_bytes(mail.message('plan', body=body))

    archive()
    change('Longer than before.\r\n')
    harness.same('changed', archive(), {'live': 2, 'superseded': 1})
    change('Much longer than it was before.\r\n')
    harness.same('changed, and all versions are wanted', archive('all'), {'live': 3, 'superseded': 1})
    plan.unlink()
    harness.same('removed', archive('all'), {'live': 2, 'superseded': 1, 'removed': 1})
    change('Much longer than it was before.\r\n')
    harness.same('back again', archive(), {'live': 3, 'superseded': 1})


def first_segment(archive):
    return archive / 'seg/00/00000001.xseg'


def frames(data):
    """[(offset, kind, stored length)], as in docs/format.md."""
    found, offset = [], 64
    while offset < len(data):
        kind, stored = data[offset + 5], int.from_bytes(data[offset + 8:offset + 12], 'little')
        found.append((offset, kind, stored))
        offset += 64 + (stored + 7 & ~7)
    return found


def small_archive(run):
    """With a frame of each kind that has its own: a large object, a pack of small ones, a pack of recipes and records."""
    folder = mail.write(run.dir / 'mail', {
        f'anna/Inbox/{n}.eml': mail.message(f'{n} lines', body='A long story.\r\n' * n) for n in (1, 1000, 4000)})
    sim = run.simulator('--mail', folder)
    run.archive(sim.written_profile)
    return sim


def a_flipped_byte_anywhere_in_a_frame_is_found_and_its_place_named(run):
    sim = small_archive(run)
    run.archive(sim.written_profile)  # one COMMIT more, so that a bad one before can't be a torn tail
    whole = first_segment(sim.archive).read_bytes()
    commits = [offset for offset, kind, _ in frames(whole) if kind == 5]
    harness.check(len(commits) > 2, 'there are at least three COMMITs')
    kinds = set()
    for offset, kind, stored in frames(whole):
        if offset > commits[0]:
            break
        kinds.add(kind)
        padding = [64 + stored] if stored % 8 else []
        for at in [0, 5, 16, 63, 64, 64 + stored // 2, 64 + stored - 1] + padding:
            damaged = bytearray(whole)
            damaged[offset + at] ^= 0x20
            first_segment(sim.archive).write_bytes(damaged)
            harness.contains(f'check with byte {offset + at} flipped (frame of kind {kind})',
                             read('check', sim.archive, expect=DAMAGED).err, f'damage: segment 1 offset {offset}:')
    harness.same('kinds of frames tried', kinds, {1, 3, 4, 5})


def a_forged_record_with_right_checksums_breaks_the_chains(run):
    sim = small_archive(run)
    run.archive(sim.written_profile)
    run.archive(sim.written_profile)
    data = bytearray(first_segment(sim.archive).read_bytes())
    offset, stored = next((offset, stored) for offset, kind, stored in frames(data) if kind == 4 and data[offset + 6] == 0)
    payload = data[offset + 64:offset + 64 + stored]
    payload[-33] ^= 1  # in the record of the first run: the number of unexplained items, in front of the hash that ends it
    header = data[offset:offset + 56] + struct.pack('<I', reader.crc32c(payload))
    header[24:56] = hashlib.sha256(b'F' + payload).digest()
    header += struct.pack('<I', reader.crc32c(header + struct.pack('<IQ', 1, offset)))
    data[offset:offset + 64 + stored] = header + payload
    first_segment(sim.archive).write_bytes(data)
    harness.contains('check', read('check', sim.archive, expect=DAMAGED).err, 'damage: segment 1 offset',
                     'COMMIT: the chain does not fit', 'run 2: does not name the run before it')


def a_tail_that_was_cut_anywhere_is_torn_and_what_was_committed_before_counts(run):
    sim = small_archive(run)
    whole = first_segment(sim.archive).read_bytes()
    *_, before, last = [offset for offset, kind, _ in frames(whole) if kind == 5]
    end = before + 64 + 96
    for cut in (end + 1, end + 64, last, last + 63, len(whole) - 1):
        first_segment(sim.archive).write_bytes(whole[:cut])
        torn = read('check', sim.archive)
        harness.contains(f'check of {cut} bytes', torn.err, f'torn tail: segment 1 offset {end}')
        harness.contains(f'check of {cut} bytes', torn.out, 'clean')
    first_segment(sim.archive).write_bytes(whole[:end])
    harness.same('stderr of check at a COMMIT', read('check', sim.archive).err, '')


def zstd_and_what_is_no_archive_are_refused_by_name(run):
    sim = run.simulator('--generate', '1x3')
    run.exarch('init', sim.archive, '--compression', 'zstd')
    run.archive(sim.written_profile)
    harness.contains('check with zstd', read('check', sim.archive, expect=REFUSED).err, 'segment 1 offset', 'needs zstd')
    harness.contains('check of no archive', read('check', run.dir, expect=REFUSED).err, 'no archive')


if __name__ == '__main__':
    harness.main(every_message_is_read_without_exarch,
                 several_runs_and_removed_items_are_read_without_exarch,
                 segments_and_their_seals_are_read_without_exarch,
                 an_item_that_changes_and_comes_back_has_the_state_exarch_says,
                 a_flipped_byte_anywhere_in_a_frame_is_found_and_its_place_named,
                 a_forged_record_with_right_checksums_breaks_the_chains,
                 a_tail_that_was_cut_anywhere_is_torn_and_what_was_committed_before_counts,
                 zstd_and_what_is_no_archive_are_refused_by_name,
                 short=(every_message_is_read_without_exarch,))

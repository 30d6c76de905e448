# SPDX-License-Identifier: Apache-2.0
"""Damage is found, named with the items that suffer from it, and costs nothing else. What an item suffers is judged by what an
export gives and doesn't give, compared with what the undamaged archive gave."""
import json
import os
import shutil
import signal
import struct

import harness

GENERATE = ('--generate', '2x30' if harness.SHORT else '3x100', '--seed', '5')
KINDS = {1: 'BLOB', 3: 'PACK_D', 4: 'PACK_M', 5: 'COMMIT', 6: 'SEAL'}
FRAME_HEAD = 64


def archived(run):
    sim = run.simulator(*GENERATE)
    run.archive(sim.written_profile)
    sim.stop()
    return sim.archive


def segment(archive, number=1):
    return archive / f'seg/00/{number:08x}.xseg'


def frames(path):
    """[(kind, offset, payload length)] by the headers alone."""
    data, at, found = path.read_bytes(), 64, []
    while at + FRAME_HEAD <= len(data):
        harness.same('magic of a frame', data[at:at + 4], b'XFR\xa9')
        stored, = struct.unpack_from('<I', data, at + 8)
        found.append((KINDS.get(data[at + 5]), at, stored))
        at += FRAME_HEAD + (stored + 7) // 8 * 8
    return found


def flip(path, offset):
    with open(path, 'r+b') as f:
        f.seek(offset)
        byte = f.read(1)[0]
        f.seek(offset)
        f.write(bytes([byte ^ 0x40]))


def copy_of(archive, name):
    return shutil.copytree(archive, archive.parent / name)


def export_of(run, archive, name, expect=harness.DONE):
    """({item number: bytes of its file}, the run)"""
    to = run.dir / name
    result = run.exarch('export', archive, '--to', to, '--all-versions', '--json', expect=expect)
    return {int(p.name.split('-')[2]): p.read_bytes() for p in to.rglob('*.eml')}, result


def affected(result):
    numbers = [o['number'] for o in result.objects() if o.get('event') == 'affected_item']
    harness.same('items named twice', len(numbers), len(set(numbers)))
    return set(numbers)


def check_damaged(run, archive, whole, name, files):
    """Whatever export can't give, and nothing else, is what verify names at each level; the rest is as it was."""
    run.spoils(archive)
    rest, export = export_of(run, archive, name, expect=harness.INTEGRITY)
    lost = whole.keys() - rest.keys()
    harness.check(lost, 'something is lost')
    harness.same('items that changed', [n for n in rest if rest[n] != whole[n]], [])
    harness.same('items named by the export', affected(export), lost)
    for level in 'bytes', 'blobs', 'messages':
        result = run.exarch('verify', archive, '--level', level, '--json', expect=harness.INTEGRITY)
        places = [o for o in result.objects() if o['event'] == 'damage']
        harness.same(f'damaged files at level {level}', {p['file'] for p in places}, files)
        harness.check(all(p['first_sequence'] <= p['last_sequence'] for p in places), 'sequences of what is lost')
        harness.same(f'items named at level {level}', affected(result), lost)
        end = result.objects()[-1]
        harness.same('counts', (end['affected'], end['unaffected'], end['exit_code']),
                     (len(lost), len(rest), harness.INTEGRITY))
    listed = run.exarch('list', archive, '--all-versions', '--json', expect={harness.DONE, harness.INTEGRITY}).objects()
    harness.same('items listed', {o['number'] for o in listed}, whole.keys())
    well = min(rest)
    shown = run.exarch('show', archive, well, '--raw')
    harness.check(shown.out_bytes == whole[well], 'an undamaged item is shown')
    text = run.exarch('verify', archive, '--level', 'bytes', expect=harness.INTEGRITY)
    harness.contains('what verify says', text.err, *files, 'offset', 'lost', f'item {min(lost)} of ')
    harness.contains('its last lines', text.out, f"{len(lost)} items can't be given back, {len(rest)} can", 'what to do', 'backup')
    return lost


def a_flipped_byte_costs_the_items_that_need_it_and_names_them(run):
    archive = archived(run)
    whole, _ = export_of(run, archive, 'whole')
    for kind in 'BLOB', 'PACK_D', 'PACK_M':
        damaged = copy_of(archive, kind)
        _, offset, stored = max((f for f in frames(segment(damaged)) if f[0] == kind), key=lambda f: f[2])
        flip(segment(damaged), offset + FRAME_HEAD + stored // 2)
        check_damaged(run, damaged, whole, f'out-{kind}', {'seg/00/00000001.xseg'})


def a_missing_segment_costs_what_was_in_it(run):
    for added in 0, 10, 20:
        sim = run.simulator(*GENERATE, '--add', added)
        run.archive(sim.written_profile)
        sim.stop()
        last = max(sim.archive.glob('seg/00/*.xseg'))
        with open(last, 'ab') as f:
            f.write(b'a torn tail makes the next run begin a new segment')
    archive = sim.archive
    whole, _ = export_of(run, archive, 'whole')
    harness.check(segment(archive, 3).exists(), 'there are three segments')
    segment(archive, 2).unlink()
    lost = check_damaged(run, archive, whole, 'out', {'seg/00/00000002.xseg'})
    # A rebuild says so too, and what is in the other segments is still there.
    rebuilt = run.exarch('rebuild', archive, expect=harness.INTEGRITY)
    harness.contains('what rebuild says', rebuilt.err, 'seg/00/00000002.xseg', 'is missing')
    harness.contains('what rebuild says', rebuilt.out, 'DAMAGED', 'exarch verify')
    rest, _ = export_of(run, archive, 'rebuilt', expect={harness.DONE, harness.INTEGRITY})
    harness.same('items after the rebuild', set(rest), whole.keys() - lost)


def without_an_index_the_segments_are_looked_at_and_the_remedy_is_named(run):
    archive = archived(run)
    before = run.exarch('list', archive, '--json').out
    index = archive / 'idx/data.mdb'
    for content in None, b'', b'no index at all' * 1000:
        index.unlink(missing_ok=True)
        if content is not None:
            index.write_bytes(content)
        result = run.exarch('verify', archive, expect=harness.INTEGRITY)
        harness.contains('what verify says', result.err, 'index', f'exarch rebuild {archive}', 'segments alone')
        harness.contains('what it looked at', result.out, 'commits', 'objects', '1 DAMAGED', 'nothing archived is lost')
        run.exarch('list', archive, expect=harness.INTEGRITY)
    rebuilt = run.exarch('rebuild', archive)
    harness.contains('what rebuild found', rebuilt.out, 'objects', f'{before.count(chr(10))} items', 'commit')
    harness.same('what is listed after the rebuild', run.exarch('list', archive, '--json').out, before)
    harness.same('talk of an undamaged verify --quiet', run.exarch('verify', archive, '--quiet').out, '')


def an_index_of_earlier_times_is_never_served(run):
    archive = archived(run)
    index = archive / 'idx/data.mdb'
    older = index.read_bytes()
    for added in 10, 20, 30:
        sim = run.simulator(*GENERATE, '--add', added, archive=archive)
        run.archive(sim.written_profile)
        sim.stop()
    listed = run.exarch('list', archive, '--json').out
    index.write_bytes(older)
    for verb in 'list', 'verify':
        result = run.exarch(verb, archive, expect=harness.INTEGRITY)
        harness.contains(f'what {verb} says', result.err, 'older copy', 'exarch rebuild')
    run.exarch('rebuild', archive)
    harness.same('what is listed after the rebuild', run.exarch('list', archive, '--json').out, listed)


def a_round_is_parted_into_many_calls_and_looks_at_each_message_once(run):
    archive = archived(run)
    items = len(run.exarch('list', archive, '--all-versions', '--json').objects())
    state = run.dir / 'state'
    rate = max(1 << 20, segment(archive).stat().st_size)  # so the segments take a second, and the messages longer
    limits = ('--state', state, '--rate', rate, '--max-duration', '2 s', '--json')
    messages, calls, code = 0, 0, harness.STOPPED
    while code == harness.STOPPED and calls < 100:
        result = run.exarch('verify', archive, *limits, expect={harness.DONE, harness.STOPPED})
        end, code, calls = result.objects()[-1], result.code, calls + 1
        harness.same('finished', end['finished'], code == harness.DONE)
        messages += end['messages']
    harness.same('exit code of the last call', code, harness.DONE)
    harness.check(calls > 1, 'the round took more than one call')
    harness.same('messages put together in all calls', messages, items)
    # The round is over: the next call begins another.
    again = run.exarch('verify', archive, '--state', state, '--json').objects()[-1]
    harness.same('messages of the next round', again['messages'], items)
    harness.check(again['frames'] > 0, 'the next round begins with the segments')


def a_state_is_refused_where_it_does_not_belong(run):
    archive = archived(run)
    other = run.dir / 'other'
    run.exarch('init', other)
    state = run.dir / 'state'
    run.exarch('verify', archive, '--level', 'bytes', '--state', state)
    harness.same('mode of the state', oct(state.stat().st_mode & 0o777), '0o600')

    def refused(word, *args):
        result = run.exarch('verify', *args, '--state', state, expect=harness.USAGE)
        harness.contains('the refusal', result.err, word, str(state), 'delete')
    refused('another archive', other, '--level', 'bytes')
    refused('level bytes', archive, '--level', 'headers')
    refused('--sample', archive, '--level', 'bytes', '--sample', '5%')
    kept = json.loads(state.read_text())
    for broken in '', '[]', '{}', state.read_text()[:-20], json.dumps({**kept, 'phase': 'sleeping'}):
        state.write_text(broken)
        refused('state', archive, '--level', 'bytes')
    result = run.exarch('verify', archive, '--state', state, '--folder', '/Inbox', expect=harness.USAGE)
    harness.contains('with a selection', result.err, '--state', 'selection')


def catches(pid, number):
    with open(f'/proc/{pid}/status', encoding='ascii') as f:
        caught = next(line.split()[1] for line in f if line.startswith('SigCgt'))
    return int(caught, 16) >> (number - 1) & 1


def a_signal_stops_it_cleanly(run):
    archive = archived(run)
    for number in signal.SIGTERM, signal.SIGINT:
        process = run.start('verify', archive, '--rate', '10KiB', '--json')
        while not catches(process.pid, number) and process.process.poll() is None:
            os.sched_yield()
        process.signal(number)
        end = process.end(harness.STOPPED).objects()[-1]
        harness.same('how it ended', (end['finished'], end['stopped'], end['damaged']), (False, 'a signal', 0))


def a_sample_is_the_same_for_the_same_seed(run):
    archive = archived(run)
    counts = [run.exarch('verify', archive, '--sample', '50%', '--seed', s, '--json').objects()[-1]['messages']
              for s in (1, 1, 2, 3, 4)]
    items = len(run.exarch('list', archive, '--json').objects())
    harness.same('messages of the same seed', counts[0], counts[1])
    harness.check(all(0 < n < items for n in counts), f'samples of {items}: {counts}')
    for option, value in (('--sample', '0%'), ('--sample', '5'), ('--sample', '101%'), ('--rate', 'fast'), ('--rate', '0'),
                          ('--seed', '-1'), ('--max-duration', 'long')):
        result = run.exarch('verify', archive, option, value, expect=harness.USAGE)
        harness.contains(f'{option} {value}', result.err, option)


harness.main(a_flipped_byte_costs_the_items_that_need_it_and_names_them, a_missing_segment_costs_what_was_in_it,
             without_an_index_the_segments_are_looked_at_and_the_remedy_is_named, an_index_of_earlier_times_is_never_served,
             a_round_is_parted_into_many_calls_and_looks_at_each_message_once, a_state_is_refused_where_it_does_not_belong,
             a_signal_stops_it_cleanly, a_sample_is_the_same_for_the_same_seed,
             short=(a_flipped_byte_costs_the_items_that_need_it_and_names_them, a_missing_segment_costs_what_was_in_it))

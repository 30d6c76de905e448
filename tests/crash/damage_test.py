#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Bytes that change, files that are cut: each of them, one after the other (damage.c); and a spoilt index under exarch."""
import collections
import random
import re
import shutil

import tools
from tools import ews_peer, harness

INDEX_FLIPS = 200 if tools.LONG else 8
# What a command may end with on a damaged index: docs/man, "Exit status".
INDEX_ENDS = {harness.DONE, harness.FAILED, harness.INCOMPLETE, harness.INTEGRITY}
CRASHED = {-7, -11}


def spoil(run, verb, *settings):
    scratch = run.dir / verb
    scratch.mkdir()
    out, err, code = tools.output_of([tools.CRASH / 'store-damage', verb, scratch, f'jobs={tools.JOBS}', *settings])
    figures = {k: int(v) for k, v in re.findall(r'(\w+)=(\d+)', out)}
    tools.say(f'{verb}: ' + ' '.join(f'{v} {k}' for k, v in figures.items() if v))
    harness.check(code == 0 and figures.get('tried', 0) > 0 and figures['bad'] == 0, f'{verb}: {harness.shorten(err)}')
    return figures


def every_byte_that_changes_is_found_and_located(run):
    figures = spoil(run, 'flips', f'every={1 if tools.LONG else 61}')
    harness.same('detected', figures['detected'], figures['tried'])
    harness.same('died', figures['died'], 0)


def so_it_is_in_an_encrypted_archive(run):
    figures = spoil(run, 'flips', 'encrypted', f'every={1 if tools.LONG else 61}')
    harness.same('detected', figures['detected'], figures['tried'])
    harness.same('died', figures['died'], 0)


def so_it_is_in_an_archive_of_sealed_segments(run):
    figures = spoil(run, 'sealed', f'every={1 if tools.LONG else 61}')
    harness.same('detected', figures['detected'], figures['tried'])
    harness.same('died', figures['died'], 0)


def a_spoilt_index_never_gives_wrong_bytes(run):
    spoil(run, 'index', f'count={20000 if tools.LONG else 400}')


def a_cut_segment_is_refused_or_ends_at_a_commit(run):
    figures = spoil(run, 'cuts', f'every={1 if tools.LONG else 211}')
    harness.same('died', figures['died'], 0)


def exarch_on_a_spoilt_index_says_so_or_is_right(run):
    """Everything comes out, or a command says that it doesn't."""
    rng = random.Random(tools.SEED)
    sim = run.simulator('--generate', '2x20', '--seed', '3')
    run.archive(sim.written_profile)
    expected = collections.Counter(sha for _, _, sha in ews_peer.served(sim))
    index = sim.archive / 'idx/data.mdb'
    content = index.read_bytes()
    size = len(content.rstrip(b'\0'))
    ends = collections.Counter()
    for number in range(INDEX_FLIPS):
        at, mask = rng.randrange(size), rng.choice((0xff, 1 << rng.randrange(8)))
        what = f'index byte {at} ^ {mask:#x}'
        index.write_bytes(content[:at] + bytes([content[at] ^ mask]) + content[at + 1:])
        out = run.dir / f'out-{number}'
        codes = [run.exarch(*args, expect=INDEX_ENDS | CRASHED).code for args in (
            ('export', sim.archive, '--to', out, '--format', 'eml'), ('list', sim.archive, '--json'),
            ('verify', sim.archive, '--level', 'messages'))]
        found = collections.Counter(sha for _, _, sha in harness.exported(out))
        harness.check(not found - expected, f'{what}: wrong bytes were exported')
        crashed = any(c in CRASHED for c in codes)
        ends['crashed' if crashed else 'said so' if any(codes) else 'harmless' if found == expected else 'missed'] += 1
        shutil.rmtree(out, ignore_errors=True)
    index.write_bytes(content)
    tools.say(f'{INDEX_FLIPS} flips of the index under export, list, verify: ' + ', '.join(f'{v} {k}' for k, v in sorted(ends.items())))


if __name__ == '__main__':
    harness.main(every_byte_that_changes_is_found_and_located, so_it_is_in_an_encrypted_archive,
                 so_it_is_in_an_archive_of_sealed_segments,
                 a_spoilt_index_never_gives_wrong_bytes, a_cut_segment_is_refused_or_ends_at_a_commit,
                 exarch_on_a_spoilt_index_says_so_or_is_right)

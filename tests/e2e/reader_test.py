# SPDX-License-Identifier: Apache-2.0
"""The archive outlives exarch (design promise 7): tests/reader.py, made from docs/format.md alone, reads what exarch wrote."""
import collections
import importlib.util
import random
import signal
import subprocess
import sys

import harness
import mail

MAIL = harness.FIXTURES / 'mail'


def reader(*args, expect):
    done = subprocess.run([sys.executable, harness.ROOT / 'tests' / 'reader.py', *map(str, args)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=harness.PATIENCE_S, check=False)
    output = done.stdout.decode('utf-8', 'backslashreplace')
    harness.check(done.returncode == expect, f'reader.py {args[0]}: exit code {done.returncode}, should be {expect}: '
                  f'{harness.shorten(output)}')
    return output


def another_program_extracts_what_was_archived(run):
    sim = run.simulator('--mail', MAIL)
    run.archive(sim.written_profile)
    reader('check', sim.archive, expect=0)
    reader('extract', sim.archive, run.dir / 'out', expect=0)
    found = {int(path.stem): harness.file_sha256(path) for path in (run.dir / 'out').glob('*.eml')}
    listed = {item['number']: item['sha256'] for item in run.exarch('list', sim.archive, '--json').objects()}
    harness.same('numbers and hashes', found, listed)
    harness.same_multiset('messages', collections.Counter(found.values()),
                          collections.Counter(digest for _, _, digest in mail.of_files(MAIL)))


def it_needs_no_index_and_changes_nothing(run):
    sim = run.simulator('--mail', MAIL)
    run.archive(sim.written_profile)
    before = harness.tree_state(sim.archive)
    told = reader('list', sim.archive, expect=0)
    harness.same('the archive', harness.tree_state(sim.archive), before)
    for path in sim.archive.rglob('*.mdb'):
        path.unlink()
    harness.same('the list without an index', reader('list', sim.archive, expect=0), told)


def what_a_killed_run_left_is_sound(run):
    sim = run.simulator('--generate', '2x60', '--mean-size', 'small', '--seed', '19')
    process = run.start('archive', sim.written_profile, '--quiet')
    sim.wait_for('GetItem', 2, also=lambda: process.process.poll() is not None)
    process.signal(signal.SIGKILL)
    process.end()
    if (sim.archive / 'FORMAT').exists():
        reader('check', sim.archive, expect=0)
    run.archive(sim.written_profile)
    reader('check', sim.archive, expect=0)


def it_finds_damage_too(run):
    sim = run.simulator('--mail', MAIL)
    run.archive(sim.written_profile)
    segment = max((p for p in sim.archive.rglob('*') if p.is_file() and p.suffix != '.mdb'), key=lambda p: p.stat().st_size)
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)
    run.spoils(sim.archive)
    harness.contains('what it says', reader('check', sim.archive, expect=1), 'segment 1 offset', 'checksum')


def its_quick_checksum_is_the_plain_one(run):
    spec = importlib.util.spec_from_file_location('reader', harness.ROOT / 'tests/reader.py')
    module = importlib.util.module_from_spec(spec)
    sys.modules['reader'] = module  # dataclasses look there
    spec.loader.exec_module(module)
    harness.same('the checksum docs/format.md names', module.crc32c(b'123456789'), 0xe3069283)
    rng = random.Random(3)
    for size in [*range(600), 4095, 4096, 4097, 65537]:
        data = rng.randbytes(size)
        harness.same(f'checksum of {size} bytes', module.crc32c(data), module.crc_go_on(0xffffffff, data) ^ 0xffffffff)


if __name__ == '__main__':
    harness.main(another_program_extracts_what_was_archived, it_needs_no_index_and_changes_nothing,
                 what_a_killed_run_left_is_sound, it_finds_damage_too, its_quick_checksum_is_the_plain_one)

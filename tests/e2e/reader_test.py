# SPDX-License-Identifier: Apache-2.0
"""The archive outlives exarch (design promise 7): tests/reader.py, made from docs/format.md alone, reads what exarch wrote."""
import collections
import random
import signal
import subprocess
import sys

import harness
import mail

sys.path.insert(0, str(harness.ROOT / 'tests'))
import decipher  # noqa: E402
import reader as second  # noqa: E402

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


def encrypted(run, sim):
    """Makes sim.archive, with a key file and a passphrase that open it; gives the options of both."""
    (run.dir / 'passphrase').write_text('correct horse battery staple\r\n')
    (run.dir / 'passphrase').chmod(0o600)
    by_file, by_passphrase = ('--key-file', run.dir / 'key'), ('--passphrase-file', run.dir / 'passphrase')
    run.exarch('init', sim.archive, '--encrypt', *by_file)
    run.archive(sim.written_profile, *by_file)
    run.exarch('key', 'add', sim.archive, *by_file, '--new-passphrase-file', run.dir / 'passphrase')
    return by_file, by_passphrase


def with_a_key_it_reads_an_encrypted_archive(run):
    sim = run.simulator('--mail', MAIL)
    for key in encrypted(run, sim):
        told = reader('check', sim.archive, *key, expect=0)
        harness.check('not looked into' not in told, f'everything is looked into: {told}')
        to = run.dir / key[0].strip('-')
        reader('extract', sim.archive, to, *key, expect=0)
        harness.same_multiset('messages', collections.Counter(harness.file_sha256(path) for path in to.glob('*.eml')),
                              collections.Counter(digest for _, _, digest in mail.of_files(MAIL)))
    harness.contains('a check without a key', reader('check', sim.archive, expect=0), 'not looked into', 'encrypted', 'clean')
    harness.contains('a list without a key', reader('list', sim.archive, expect=2), 'encrypted')
    (run.dir / 'wrong').write_text('1' * 64)
    harness.contains('a wrong key', reader('check', sim.archive, '--key-file', run.dir / 'wrong', expect=2), "doesn't open")


def it_finds_damage_in_a_keyring(run):
    sim = run.simulator('--mail', mail.write(run.dir / 'mail', {'anna/Inbox/one.eml': 'one'}))
    key, _ = encrypted(run, sim)
    run.spoils(sim.archive)
    for name in decipher.NAMES:
        path = sim.archive / name
        good, uuid = path.read_bytes(), second.read_format(sim.archive)[0]
        for at in range(len(good)):
            path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
            _, wrong = decipher.read_keyrings(sim.archive, uuid, second.crc32c)
            harness.same(f'keyrings that are wrong with byte {at} of {name} changed', [which for which, _ in wrong], [name])
        harness.contains('what it says', reader('check', sim.archive, expect=1), f'damage: {name}: ')
        reader('list', sim.archive, *key, expect=0)  # the other one opens it
        path.write_bytes(good)
    reader('check', sim.archive, expect=0)


def its_ciphers_are_those_of_the_standards(run):
    wrapped = '28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21'
    harness.same('key wrap (RFC 3394, 4.6)', decipher.unwrapped(bytes(range(32)), bytes.fromhex(wrapped)).hex(),
                 '00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f')
    harness.same('key wrap with another key', decipher.unwrapped(bytes(32), bytes.fromhex(wrapped)), None)
    harness.same('HKDF (RFC 5869, A.1)', decipher.hkdf(b'\x0b' * 22, bytes(range(13)), bytes(range(0xf0, 0xfa)), 42).hex(),
                 '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865')
    text, tag = (bytes.fromhex(value) for value in ('cea7403d4d606b6e074ec5d3baf39d18', 'd0d1c8a799996bf0265b98b5d48ab919'))
    harness.same('GCM (its test case 14)', decipher.decipher('EVP_aes_256_gcm', bytes(32), text, bytes(12), b'', tag), bytes(16))
    for what, more, other in (('data', b'x', tag), ('tag', b'', bytes(16))):
        try:
            decipher.decipher('EVP_aes_256_gcm', bytes(32), text, bytes(12), more, other)
        except decipher.Wrong:
            continue
        raise harness.Failure(f'GCM with other {what} is taken for good')


def its_quick_checksum_is_the_plain_one(run):
    harness.same('the checksum docs/format.md names', second.crc32c(b'123456789'), 0xe3069283)
    rng = random.Random(3)
    for size in [*range(600), 4095, 4096, 4097, 65537]:
        data = rng.randbytes(size)
        harness.same(f'checksum of {size} bytes', second.crc32c(data), second.crc_go_on(0xffffffff, data) ^ 0xffffffff)


if __name__ == '__main__':
    harness.main(another_program_extracts_what_was_archived, it_needs_no_index_and_changes_nothing,
                 what_a_killed_run_left_is_sound, it_finds_damage_too, with_a_key_it_reads_an_encrypted_archive,
                 it_finds_damage_in_a_keyring, its_ciphers_are_those_of_the_standards, its_quick_checksum_is_the_plain_one)

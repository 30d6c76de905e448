# SPDX-License-Identifier: Apache-2.0
"""Bad input, bad keys, bad disks: each ends with one line that names the thing and the remedy, the right exit code, and an
archive that wasn't touched."""
import os
import pathlib
import re
import resource
import shutil
import subprocess

import certificates
import harness
import mail

ANNA, BERT = 'anna@sim.example', 'bert@sim.example'


def begin(run, *options):
    """A simulator with two mailboxes, and an archive of them."""
    folder = mail.write(run.dir / 'mail', {'anna/Inbox/one.eml': 'one', 'bert/Inbox/two.eml': 'two'})
    sim = run.simulator('--mail', folder, *options)
    run.archive(sim.profile('first.yaml', mailboxes={'from': 'list', 'list': [ANNA, BERT]}))
    mail.write(folder, {'anna/Inbox/three.eml': 'three'})  # so that a run that went on would change the archive
    return sim


def refused(run, sim, args, code, *names, **how):
    """The one line on stderr holds NAMES, the exit code is CODE, and the archive is as before."""
    before = harness.tree_state(sim.archive)
    result = run.exarch(*args, expect=code, **how)
    lines = [line for line in result.err.splitlines() if line != f'exit status {code}']
    harness.check(len(lines) == 1, f'{result}: one line on stderr, not {lines}')
    harness.check(lines[0].startswith('exarch: '), f'{result}: the line begins with the program: {lines[0]}')
    harness.contains(f'{result}: the error', lines[0], *names)
    harness.same(f'{result}: the archive', harness.tree_state(sim.archive), before)
    return lines[0]


def archive_is_refused(run, sim, profile, code, *names, **how):
    return refused(run, sim, ('archive', profile, '--quiet'), code, *names, **how)


def with_auth(sim, **auth):
    return sim.profile('bad.yaml', source={'auth': {k: str(v) for k, v in auth.items()}})


# ---- profiles ----


def a_profile_that_is_missing(run):
    sim = begin(run)
    archive_is_refused(run, sim, run.dir / 'nowhere.yaml', harness.USAGE, 'nowhere.yaml', 'No such file')


def a_profile_that_is_no_yaml(run):
    sim = begin(run)
    path = run.dir / 'broken.yaml'
    path.write_text('version: 1\narchive: [unfinished\n')
    archive_is_refused(run, sim, path, harness.USAGE, 'broken.yaml')


def a_profile_with_an_unknown_key(run):
    sim = begin(run)
    line = archive_is_refused(run, sim, sim.profile('bad.yaml', run={'treads': 4}), harness.USAGE, 'bad.yaml', 'treads')
    harness.check(any(part.isdigit() for part in line.replace(' ', '').split(':')), f'the line number is named: {line}')


def a_profile_that_asks_for_what_is_not_there_yet(run):
    sim = begin(run)
    archive_is_refused(run, sim, sim.profile('bad.yaml', public_folders=True), harness.USAGE, 'public_folders')


def a_secret_in_the_profile_itself(run):
    sim = begin(run)
    line = archive_is_refused(run, sim, sim.profile('bad.yaml', 'secret', source={'auth': {'secret': 'hunter2'}}),
                              harness.USAGE, 'secret_file')
    harness.check('hunter2' not in line, 'the secret is not repeated')


# ---- keys ----


def a_key_that_is_not_there(run):
    sim = begin(run)
    archive_is_refused(run, sim, with_auth(sim, key=run.dir / 'no.key'), harness.SIGN_IN, 'no.key', 'No such file')


def a_key_that_may_not_be_read(run):
    if os.getuid() != 0:
        raise harness.Skip('only root can make a file that this user may not read')
    sim = begin(run)
    for name in ('ca.pem', 'app.crt'):
        (sim.keys / name).chmod(0o644)
    sim.keys.chmod(0o755)
    archive_is_refused(run, sim, sim.profile('bad.yaml'), harness.SIGN_IN, 'app.key', 'Permission denied',
                       **run.as_nobody())


def a_key_that_is_none(run):
    sim = begin(run)
    path = run.dir / 'text.key'
    path.write_text('this is not a key\n')
    path.chmod(0o600)
    archive_is_refused(run, sim, with_auth(sim, key=path), harness.SIGN_IN, 'text.key')


def a_key_that_others_may_read(run):
    sim = begin(run)
    (sim.keys / 'app.key').chmod(0o644)
    archive_is_refused(run, sim, sim.profile('bad.yaml'), harness.SIGN_IN, 'app.key', 'chmod')


def a_key_of_another_certificate(run):
    sim = begin(run)
    certificates.make(run.dir, 'other')
    archive_is_refused(run, sim, with_auth(sim, key=run.dir / 'other.key'), harness.SIGN_IN, 'other.key', 'app.crt')


def a_certificate_that_is_not_registered(run):
    sim = begin(run)
    certificates.make(run.dir, 'other')
    profile = with_auth(sim, key=run.dir / 'other.key', certificate=run.dir / 'other.crt')
    archive_is_refused(run, sim, profile, harness.SIGN_IN, 'AADSTS700027')


def a_certificate_that_has_expired(run):
    sim = begin(run)
    certificates.make(run.dir, 'old', days=-1)
    profile = with_auth(sim, key=run.dir / 'old.key', certificate=run.dir / 'old.crt')
    archive_is_refused(run, sim, profile, harness.SIGN_IN, 'old.crt', 'expired')


def a_wrong_secret(run):
    sim = begin(run)
    (sim.keys / 'wrong').write_text('not the secret\n')
    (sim.keys / 'wrong').chmod(0o600)
    profile = sim.profile('bad.yaml', 'secret', source={'auth': {'secret_file': str(sim.keys / 'wrong')}})
    line = archive_is_refused(run, sim, profile, harness.SIGN_IN, 'AADSTS7000215')
    harness.check('not the secret' not in line, 'the secret is not repeated')


def a_wrong_tenant(run):
    sim = begin(run)
    archive_is_refused(run, sim, with_auth(sim, tenant='00000000-0000-4000-8000-000000000000'), harness.SIGN_IN,
                       'AADSTS90002', 'tenant')


def a_wrong_client_id(run):
    sim = begin(run)
    archive_is_refused(run, sim, with_auth(sim, client_id='00000000-0000-4000-8000-000000000000'), harness.SIGN_IN,
                       'AADSTS700016')


def a_token_without_the_role(run):
    begin(run).stop()
    sim = run.simulator('--mail', run.dir / 'mail', '--no-role')
    profile = sim.profile('bad.yaml', mailboxes={'from': 'list', 'list': [ANNA]})
    archive_is_refused(run, sim, profile, harness.SIGN_IN, 'full_access_as_app')


def a_directory_that_the_role_does_not_reach(run):
    begin(run).stop()
    sim = run.simulator('--mail', run.dir / 'mail', '--no-role')
    archive_is_refused(run, sim, sim.profile('bad.yaml'), harness.SIGN_IN, 'User.Read.All')


def a_wrong_password(run):
    folder = mail.write(run.dir / 'mail', {'anna/Inbox/one.eml': 'one'})
    sim = run.simulator('--mail', folder, '--basic', 'admin@sim.example:right')
    (sim.keys / 'wrong').write_text('wrong\n')
    (sim.keys / 'wrong').chmod(0o600)
    profile = sim.profile('bad.yaml', 'basic', source={'auth': {'password_file': str(sim.keys / 'wrong')}},
                          mailboxes={'from': 'list', 'list': [ANNA]})
    archive_is_refused(run, sim, profile, harness.SIGN_IN, 'admin@sim.example')


# ---- servers and mailboxes ----


def a_server_that_is_not_trusted(run):
    sim = begin(run)
    archive_is_refused(run, sim, sim.profile('bad.yaml', source={'tls_ca': None}), harness.SIGN_IN, 'certificate',
                       'tls_ca')


def one_mailbox_costs_itself_alone(run, sim, profile, address, *names):
    summary = run.archive(profile, expect=harness.INCOMPLETE)
    harness.same('archived of the other mailbox', summary['archived'], 1)
    result = run.exarch('archive', profile, '--quiet', expect=harness.INCOMPLETE)
    lines = [line for line in result.err.splitlines() if address in line]
    harness.check(len(lines) == 1, f'one line names {address}: {result.err}')
    harness.contains('that line', lines[0], *names)
    listed = run.exarch('list', sim.archive, '--json').objects()
    harness.same('subjects archived', sorted(i['subject'] for i in listed), ['one', 'three', 'two'])


def a_mailbox_that_does_not_exist(run):
    sim = begin(run)
    profile = sim.profile('list.yaml', mailboxes={'from': 'list', 'list': [ANNA, 'nobody@sim.example']})
    one_mailbox_costs_itself_alone(run, sim, profile, 'nobody@sim.example', 'ErrorNonExistentMailbox')


def a_mailbox_that_may_not_be_impersonated(run):
    begin(run).stop()
    sim = run.simulator('--mail', run.dir / 'mail', '--deny', BERT)
    one_mailbox_costs_itself_alone(run, sim, sim.profile('deny.yaml'), BERT, 'impersonat')


def no_mailbox_to_archive(run):
    sim = begin(run)
    profile = sim.profile('bad.yaml', mailboxes={'exclude': ['*']})
    archive_is_refused(run, sim, profile, harness.USAGE, 'no mailbox', 'exarch mailboxes')


# ---- archives and disks ----


def an_archive_that_is_not_there(run):
    sim = begin(run)
    profile = sim.profile('bad.yaml', archive=str(run.dir / 'gone'), create_archive=False)
    for args in (('archive', profile, '--quiet'), ('list', run.dir / 'gone'), ('show', run.dir / 'gone', 1),
                 ('export', run.dir / 'gone', '--to', run.dir / 'out'), ('verify', run.dir / 'gone'),
                 ('rebuild', run.dir / 'gone')):
        refused(run, sim, args, harness.NO_ARCHIVE, str(run.dir / 'gone'), 'exarch init')
    harness.check(not (run.dir / 'gone').exists(), 'nothing was made')


def a_folder_that_is_no_archive(run):
    sim = begin(run)
    strange = run.dir / 'strange'
    strange.mkdir()
    (strange / 'letter.txt').write_text('not an archive\n')
    refused(run, sim, ('init', strange), harness.USAGE, 'strange')
    refused(run, sim, ('list', strange), harness.NO_ARCHIVE, 'strange')
    harness.same('files there', [p.name for p in strange.iterdir()], ['letter.txt'])


def an_archive_that_is_there_already(run):
    sim = begin(run)
    refused(run, sim, ('init', sim.archive), harness.USAGE, str(sim.archive))


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def an_archive_of_another_format_version(run):
    sim = begin(run)
    line = (sim.archive / 'FORMAT').read_bytes()
    body, checksum = line.rsplit(b' crc32c=', 1)
    harness.same('checksum of the FORMAT line', int(checksum, 16), crc32c(body))
    later = re.sub(rb'^exarch-store \d+', b'exarch-store 99', body)
    (sim.archive / 'FORMAT').write_bytes(later + b' crc32c=%08x\n' % crc32c(later))
    run.spoils(sim.archive)
    for args in (('list', sim.archive), ('archive', sim.profile('bad.yaml'), '--quiet')):
        refused(run, sim, args, harness.USAGE, 'version 99')


def an_item_that_is_not_there(run):
    sim = begin(run)
    refused(run, sim, ('show', sim.archive, 4711), harness.FAILED, '4711')
    refused(run, sim, ('show', sim.archive, 'x1'), harness.USAGE, 'x1')


def damage_is_found_and_named(run):
    sim = begin(run)
    segment = max((p for p in sim.archive.rglob('*') if p.is_file() and p.suffix != '.mdb'), key=lambda p: p.stat().st_size)
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 1
    segment.write_bytes(content)
    run.spoils(sim.archive)
    for level in ('bytes', 'blobs', 'messages'):
        result = run.verify(sim.archive, level, expect=harness.INTEGRITY)
        harness.contains(f'{result}: stderr', result.err, 'damaged', segment.name.split('.')[0])


def a_disk_that_is_full(run):
    if os.getuid() != 0:
        raise harness.Skip('only root may mount a small disk')
    disk = run.dir / 'disk'
    disk.mkdir()
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=1500k', 'tmpfs', disk], stderr=subprocess.DEVNULL).returncode != 0:
        raise harness.Skip('mounting is not allowed here')
    run.cleanup.callback(subprocess.run, ['umount', '-l', disk], check=False)
    sim = run.simulator('--generate', '2x40', '--seed', '5')
    profile = sim.profile(archive=str(disk / 'archive'))
    result = run.exarch('archive', profile, '--quiet', expect=harness.FAILED)
    harness.contains('stderr', result.err, 'No space left', str(disk / 'archive'))
    run.verify(disk / 'archive')
    held = len(run.exarch('list', disk / 'archive', '--json').objects())
    subprocess.run(['mount', '-o', 'remount,size=64m', disk], check=True)
    sim.forget()
    summary = run.archive(profile)
    harness.same('items after there was room', len(run.exarch('list', disk / 'archive', '--json').objects()), 80)
    harness.check(summary['archived'] >= 80 - held - 1 and sim.fetched_items() <= 80, 'the run went on where it had stopped')
    run.verify(disk / 'archive')


def a_file_size_limit_is_reached(run):
    sim = run.simulator('--generate', '2x40', '--seed', '5')
    result = run.exarch('archive', sim.written_profile, '--quiet', expect=harness.FAILED,
                        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)))
    harness.contains('stderr', result.err, 'File too large')
    run.verify(sim.archive)
    run.archive(sim.written_profile)
    run.verify(sim.archive)


def a_folder_that_may_not_be_written(run):
    sim = begin(run)
    for path in (sim.keys, *sim.keys.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    closed = run.dir / 'closed'
    closed.mkdir()
    closed.chmod(0o555)
    nobody = run.as_nobody()
    key = run.dir / 'nobody.key'
    shutil.copy(sim.keys / 'app.key', key)
    key.chmod(0o600)
    if nobody:
        os.chown(key, harness.NOBODY, harness.NOBODY)
    profile = sim.profile('bad.yaml', archive=str(closed / 'archive'), source={'auth': {'key': str(key)}})
    archive_is_refused(run, sim, profile, harness.FAILED, str(closed / 'archive'), 'Permission denied', **nobody)
    refused(run, sim, ('init', closed / 'archive'), harness.FAILED, str(closed / 'archive'), 'Permission denied', **nobody)
    harness.same('what is in the closed folder', list(closed.iterdir()), [])


def an_export_into_a_folder_that_may_not_be_written(run):
    sim = begin(run)
    for path in (sim.archive, *sim.archive.rglob('*')):
        path.chmod(0o777 if path.is_dir() else 0o666)
    closed = run.dir / 'closed'
    closed.mkdir()
    closed.chmod(0o555)
    refused(run, sim, ('export', sim.archive, '--to', closed / 'out'), harness.FAILED, str(closed / 'out'),
            'Permission denied', **run.as_nobody())


def an_export_over_other_files(run):
    sim = begin(run)
    run.export(sim.archive)
    path = next(pathlib.Path(run.dir / 'out').rglob('*one.eml'))
    path.write_text('mine\n')
    for update in ((), ('--update',)):
        result = run.exarch('export', sim.archive, '--to', run.dir / 'out', *update, expect={harness.FAILED, harness.USAGE})
        harness.contains(f'{result}: stderr', result.err, path.name if update else '.eml is there ')
        harness.same('the file', path.read_text(), 'mine\n')


if __name__ == '__main__':
    harness.main(a_profile_that_is_missing, a_profile_that_is_no_yaml, a_profile_with_an_unknown_key,
                 a_profile_that_asks_for_what_is_not_there_yet, a_secret_in_the_profile_itself,
                 a_key_that_is_not_there, a_key_that_may_not_be_read, a_key_that_is_none, a_key_that_others_may_read,
                 a_key_of_another_certificate, a_certificate_that_is_not_registered, a_certificate_that_has_expired,
                 a_wrong_secret, a_wrong_tenant, a_wrong_client_id, a_token_without_the_role,
                 a_directory_that_the_role_does_not_reach, a_wrong_password,
                 a_server_that_is_not_trusted, a_mailbox_that_does_not_exist, a_mailbox_that_may_not_be_impersonated,
                 no_mailbox_to_archive,
                 an_archive_that_is_not_there, a_folder_that_is_no_archive, an_archive_that_is_there_already,
                 an_archive_of_another_format_version, an_item_that_is_not_there, damage_is_found_and_named,
                 a_disk_that_is_full, a_file_size_limit_is_reached, a_folder_that_may_not_be_written,
                 an_export_into_a_folder_that_may_not_be_written, an_export_over_other_files)

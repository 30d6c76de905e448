# SPDX-License-Identifier: Apache-2.0
"""DavMail, an IMAP gateway before EWS that we did not write, in front of the simulator, and mbsync and Python's imaplib in front of
DavMail: what they pull is what exarch exports, and what they push, flag and delete is what exarch's next run finds. Skipped where
the Debian packages davmail-server and isync aren't installed."""
import base64
import collections
import datetime
import imaplib
import pathlib
import re
import shutil
import socket
import subprocess

import harness
import mail
from harness import check, same

JAR = pathlib.Path('/usr/share/davmail/davmail.jar')
ANNA, PASSWORD = 'anna.lindqvist@contoso.example', 'not a secret'
# DavMail's names of folders that have a role.
NAMES = {'INBOX': 'Inbox', 'Sent': 'Sent Items', 'Trash': 'Deleted Items', 'Junk': 'Junk Email', 'Unsent Messages': 'Outbox'}
CALENDAR = '/Calendar'  # DavMail serves calendars by CalDAV, not as IMAP folders


def need(program):
    found = shutil.which(program)
    if found is None:
        raise harness.Skip(f'{program} is not installed')
    return found


def run_quietly(*args, unless=None):
    """True: it ended well. False: it did not, and said UNLESS."""
    done = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=harness.PATIENCE_S, check=False)
    said = done.stdout.decode(errors='replace')
    if done.returncode != 0 and unless is not None and unless in said:
        return False
    same(f'exit code of {args[0]} ({harness.shorten(said)})', done.returncode, 0)
    return True


# ---- the programs ----


class Gateway:
    """DavMail, listening: it trusts the simulator's authority and no other, and keeps everything in its folder."""

    def __init__(self, run, sim):
        self.folder = run.dir / 'davmail'
        self.folder.mkdir()
        self.trust = self.folder / 'trust.p12'
        run_quietly('keytool', '-importcert', '-noprompt', '-alias', 'sim', '-file', sim.keys / 'ca.pem', '-keystore', self.trust,
                    '-storetype', 'PKCS12', '-storepass', 'public')
        for _ in range(5):  # somebody else may take the port meanwhile
            self.port = free_port()
            self.process = run.start(*self.command(sim), program=need('java'), cwd=self.folder)
            run.cleanup.callback(self.stop)
            if self.is_listening():
                return
            self.stop()
        raise harness.Failure('DavMail found no free port')

    def command(self, sim):
        settings = {'server': 'true', 'mode': 'EWS', 'url': f'{sim.url}/EWS/Exchange.asmx', 'imapPort': self.port,
                    'bindAddress': '127.0.0.1', 'disableUpdateCheck': 'true', 'useSystemProxies': 'false', 'logFilePath': '',
                    **{f'{name}Port': '' for name in ('smtp', 'pop', 'caldav', 'ldap')}}
        lines = [f'davmail.{key}={value}' for key, value in settings.items()]
        config = self.folder / 'davmail.properties'
        config.write_text('\n'.join([*lines, 'log4j.rootLogger=WARN', 'log4j.logger.davmail=INFO', '']))
        return (f'-Duser.home={self.folder}', f'-Djava.io.tmpdir={self.folder}', f'-Djavax.net.ssl.trustStore={self.trust}',
                '-Djavax.net.ssl.trustStorePassword=public', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx256m',
                '-jar', JAR, '-server', config)

    def is_listening(self):
        told = re.compile(rb'listening on ([^\n]*)\n')
        self.process.streams[0].wait_for(told.search, 'DavMail listening')
        return str(self.port).encode() in told.search(self.process.streams[0].data).group(1)

    def stop(self):
        if self.process.process.poll() is None:
            self.process.process.kill()
        self.process.process.wait()

    def imap(self):
        connection = imaplib.IMAP4('127.0.0.1', self.port, timeout=harness.PATIENCE_S)
        connection.login(ANNA, PASSWORD)
        return connection


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Maildirs:
    """mbsync between DavMail and folders of files."""

    def __init__(self, run, gateway):
        self.folder = run.dir / 'maildirs'
        self.folder.mkdir()
        self.config = run.dir / 'mbsyncrc'
        self.config.write_text(f"""IMAPAccount gateway
Host 127.0.0.1
Port {gateway.port}
User {ANNA}
Pass "{PASSWORD}"
SSLType None
AuthMechs LOGIN

IMAPStore far
Account gateway

MaildirStore near
Path {self.folder}/
Inbox {self.folder}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Near
Expunge Both
CopyArrivalDate yes
SyncState *
""")
        self.config.chmod(0o600)

    def sync(self):
        """mbsync 1.4 stumbles over its own question for the UID of what it pushed to a server without UIDPLUS, as DavMail is one;
        the message is there then, and the next run learns its UID."""
        command = need('mbsync'), '-c', self.config, '-a'
        if not run_quietly(*command, unless='extraneous data in FETCH response'):
            run_quietly(*command)

    def files(self, folder='.'):
        return [path for path in (self.folder / folder).rglob('*') if path.is_file() and path.parent.name in ('cur', 'new')]

    def messages(self):
        """[(folder, message)], as the Maildirs hold them."""
        return [(folder_of(str(path.parent.parent.relative_to(self.folder))), without_tuid(path.read_bytes()))
                for path in self.files()]

    def find(self, folder, word):
        found = [path for path in self.files(folder) if word.encode() in path.read_bytes()]
        same(f'files in {folder} with {word}', len(found), 1)
        return found[0]


def folder_of(name):
    """An IMAP folder's name (RFC 3501, 5.1.3) as exarch has it."""
    text = re.sub('&([^-]*)-', lambda m: base64.b64decode(m[1].replace(',', '/') + '===').decode('utf-16-be') if m[1] else '&', name)
    first, *rest = text.split('/')
    return harness.plain_folder('/' + '/'.join([NAMES.get(first, first), *rest]))


def without_tuid(content):
    """mbsync marks what it copies with a header field of its own."""
    return re.sub(rb'^X-TUID: .{12}\r?\n', b'', content, count=1, flags=re.M)


def unix(content):
    return content.replace(b'\r\n', b'\n')


# ---- what exarch has ----


def serve(run, folder, sign_in='--basic'):
    for program in ('java', 'keytool', 'mbsync'):
        need(program)
    if not JAR.exists():
        raise harness.Skip('davmail-server is not installed')
    return run.simulator('--mail', folder, '--exchange-folders', sign_in, f'{ANNA}:{PASSWORD}')


def archive(run, sim):
    return run.archive(sim.profile(sign_in='basic', source={'auth': {'user': ANNA}},
                                   mailboxes={'from': 'list', 'list': [ANNA]}))


def exported(run, sim, name='out'):
    """[(folder, message)]"""
    run.export(sim.archive, name)
    return [(harness.plain_folder('/' + '/'.join(path.relative_to(run.dir / name).parts[1:-1])), path.read_bytes())
            for path in (run.dir / name).rglob('*.eml')]


def listed(run, sim):
    return {item['subject']: item for item in run.exarch('list', sim.archive, '--json').objects()}


def counted(messages):
    return collections.Counter((folder, harness.sha256(content)) for folder, content in messages)


def has_body(content):
    return b'\n\n' in unix(content) or content.startswith(b'\r\n')


# ---- tests ----


def read_all(imap):
    """[(folder, received, flags, message)] of all that IMAP shows, read-only."""
    found = []
    for line in imap.list()[1]:
        name = re.search(rb'"/" "(.*)"$', line).group(1).decode('ascii')
        imap.select(f'"{name}"', readonly=True)
        for part in imap.uid('fetch', '1:*', '(INTERNALDATE FLAGS BODY.PEEK[])')[1]:
            if isinstance(part, tuple):
                when = re.search(rb'INTERNALDATE "([^"]+)"', part[0]).group(1).decode()
                when = datetime.datetime.strptime(when, '%d-%b-%Y %H:%M:%S %z')
                flags = {f.decode() for f in imaplib.ParseFlags(part[0])} - {'\\Recent'}
                found.append((folder_of(name), when.strftime('%Y-%m-%dT%H:%M:%SZ'), flags, part[1]))
    return found


def what_it_pulls_is_what_exarch_exports(run):
    """Over the project's own mail, with line ends (imaplib) and in Maildirs (mbsync)."""
    sim = serve(run, harness.FIXTURES / 'mail')
    archive(run, sim)
    ours = [(folder, content) for folder, content in exported(run, sim) if folder != CALENDAR]
    check(len(ours) > 30, f'a mailbox with some mail: {len(ours)}')
    gateway = Gateway(run, sim)
    theirs = read_all(gateway.imap())
    harness.same_multiset('messages as IMAP has them', counted((folder, content) for folder, _, _, content in theirs), counted(ours))
    harness.same_multiset('folders, dates, flags', collections.Counter(
        (folder, received, tuple(sorted(flags)), harness.sha256(content)) for folder, received, flags, content in theirs),
        collections.Counter((harness.plain_folder(i['folder']), i['received'], imap_flags(i['properties']), i['sha256'])
                            for i in run.exarch('list', sim.archive, '--json').objects() if i['folder'] != CALENDAR))
    maildirs = Maildirs(run, gateway)
    maildirs.sync()
    harness.same_multiset('messages in Maildirs', counted(maildirs.messages()), counted(
        (folder, unix(content)) for folder, content in ours if has_body(content)))  # mbsync takes no header without an end


def imap_flags(properties):
    said = {'\\Seen': properties['read'], '\\Draft': properties['draft'], '\\Flagged': properties['flag'] == 'flagged'}
    return tuple(sorted(flag for flag, is_set in said.items() if is_set))


def what_it_pushes_flags_and_deletes_exarch_finds(run):
    folder = mail.write(run.dir / 'mail', {
        f'{ANNA}/Inbox/keep.eml': 'keep', f'{ANNA}/Inbox/drop.eml': 'drop', f'{ANNA}/Inbox/new.unread.eml': 'unread',
        f'{ANNA}/Projects/flag.eml': 'flag'})
    sim = serve(run, folder)
    same('archived at first', archive(run, sim)['archived'], 4)
    maildirs = Maildirs(run, Gateway(run, sim))
    maildirs.sync()
    same('pulled', len(maildirs.files()), 4)
    pushed = mail.message('pushed', 'Tue, 03 Mar 2026 10:00:00 +0000', 'Über IMAP.\r\n', 'Content-Type: text/plain; charset=utf-8\r\n')
    (maildirs.folder / 'Projects/cur/1.test:2,S').write_bytes(unix(pushed))
    maildirs.find('INBOX', 'Subject: drop').unlink()
    for name, word, flags in (('INBOX', 'Subject: unread', 'S'), ('Projects', 'Subject: flag', 'FS')):
        path = maildirs.find(name, word)
        path.rename(path.parent.parent / 'cur' / (path.name.split(':')[0] + ':2,' + flags))
    maildirs.sync()
    same('archived then', archive(run, sim)['unexplained'], 0)
    items = listed(run, sim)
    same('states', {subject: item['state'] for subject, item in items.items()},
         {'keep': 'live', 'drop': 'removed', 'unread': 'live', 'flag': 'live', 'pushed': 'live'})
    found = {(where, without_tuid(content)) for where, content in exported(run, sim) if b'Subject: pushed' in content}
    same('pushed', found, {('/Projects', pushed)})
    same('of the pushed one', [items['pushed']['properties'][key] for key in ('read', 'draft', 'flag')], [True, False, 'none'])
    same('flag', items['flag']['properties']['flag'], 'flagged')
    files = sorted(maildirs.files())
    maildirs.sync()
    same('nothing more to sync', sorted(maildirs.files()), files)


def it_signs_in_by_ntlm(run):
    sim = serve(run, mail.write(run.dir / 'mail', {f'{ANNA}/Inbox/one.eml': 'one'}), '--ntlm')
    same('messages', [(folder, content) for folder, _, _, content in read_all(Gateway(run, sim).imap())],
         [('/Inbox', mail.message('one'))])
    sim.settle()
    check(any(r.get('code') == 'challenge' for r in sim.requests), 'the simulator challenged it')


if __name__ == '__main__':
    harness.main(what_it_pulls_is_what_exarch_exports, what_it_pushes_flags_and_deletes_exarch_finds, it_signs_in_by_ntlm)

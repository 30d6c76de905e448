# SPDX-License-Identifier: Apache-2.0
"""Programs that nobody here wrote read an export: what they found, as [(sha256, path in the export)] or the like."""
import collections
import email
import grp
import imaplib
import json
import mailbox
import os
import pathlib
import pwd
import re
import shutil
import subprocess

import harness

IMAP = pathlib.Path('/usr/lib/dovecot/imap')


def manifest(to):
    """The lines of MANIFEST.jsonl."""
    path = pathlib.Path(to) / 'MANIFEST.jsonl'
    return [json.loads(line) for line in path.read_text(encoding='utf-8').splitlines()] if path.exists() else []


def sums_are_right(to):
    """`sha256sum -c` finds every file of the manifest as it says; how many there are."""
    done = subprocess.run(['sha256sum', '--strict', '-c', 'MANIFEST.sha256'], cwd=to, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    lines = done.stdout.decode(errors='replace').splitlines()
    harness.check(done.returncode == 0, f'sha256sum -c in {to}: {[x for x in lines if not x.endswith(": OK")][:5]}')
    return len(lines)


def files_with_sums(to):
    """Every file of the export is in the sums, once, and nothing else is; but for the manifest itself."""
    listed = collections.Counter(line[66:] for line in (pathlib.Path(to) / 'MANIFEST.sha256').read_text().splitlines())
    there = collections.Counter(str(p.relative_to(to)) for p in pathlib.Path(to).rglob('*')
                                if p.is_file() and not p.name.startswith('MANIFEST.') and p.name != 'maildirfolder')
    harness.same_multiset('files in MANIFEST.sha256, by those that are there', listed, there)


def unquoted(text):
    """mboxrd's rule."""
    return re.sub(rb'(?m)^>(>*From )', rb'\1', text)


def python_mbox(to):
    """{path: [bytes as Python's mailbox module gives them]}"""
    found = {}
    for path in sorted(pathlib.Path(to).rglob('*.mbox')):
        box = mailbox.mbox(path, create=False)
        found[str(path.relative_to(to))] = [box.get_bytes(key) for key in sorted(box.keys())]
        box.close()
    return found


def python_maildir(folder):
    """[(bytes, flags)] of one Maildir."""
    box = mailbox.Maildir(folder, create=False, factory=None)
    return [(box.get_bytes(key), box.get_message(key).get_flags()) for key in box.keys()]


def maildirs(to):
    """The folders below TO that are Maildirs."""
    return sorted(p.parent for p in pathlib.Path(to).rglob('cur') if p.is_dir())


def imap_bytes(text):
    """What an IMAP server makes of a message: lines end in CRLF, and a NUL can't be said."""
    return re.sub(rb'\r?\n', b'\r\n', text).replace(b'\0', b'\x80')


def without_mbox_fields(text):
    """Dovecot keeps its own notes in fields of an mbox's messages, so it doesn't show those that are there."""
    head, blank, body = text.partition(b'\r\n\r\n')
    fields = rb'(?im)^(Status|X-Status|X-Keywords|X-UID|X-IMAP|X-IMAPbase|Content-Length):.*\r\n([ \t].*\r\n)*'
    return re.sub(fields, b'', head + b'\r\n')[:-2] + blank + body


class Dovecot:
    """An IMAP session with Dovecot's own server process: no daemon, no login, no configuration but this one. It wants not to be
    root, and writes its lists into what it reads: so it gets a copy, and an unprivileged user."""

    def __init__(self, folder, export, location):
        """LOCATION: mail_location, with {} for the copy of EXPORT."""
        folder = pathlib.Path(folder)
        copy = folder / 'mail'
        shutil.copytree(export, copy)
        uid, gid, become = os.getuid(), os.getgid(), ''
        if uid == 0:
            uid = gid = harness.NOBODY
            become = f'setpriv --reuid={uid} --regid={gid} --clear-groups '
        user, group = pwd.getpwuid(uid).pw_name, grp.getgrgid(gid).gr_name
        config = folder / 'dovecot.conf'
        config.write_text(f'base_dir = {folder}\nstate_dir = {folder}\nlog_path = {folder}/log\nssl = no\n'
                          f'mail_location = {location.replace("{}", str(copy))}\nmail_home = {folder}\nmail_uid = {user}\n'
                          f'mail_gid = {group}\nfirst_valid_uid = 0\nfirst_valid_gid = 0\n'
                          f'default_internal_user = {user}\ndefault_login_user = {user}\ndefault_internal_group = {group}\n'
                          'namespace inbox {\n  inbox = yes\n  separator = /\n}\n')
        for path in [folder, *folder.rglob('*')]:
            os.chown(path, uid, gid)
        self.imap = imaplib.IMAP4_stream(f'cd {folder} && HOME={folder} USER={user} exec {become}{IMAP} -c {config} 2>&1')

    def folders(self):
        """Raw names, as the server says them."""
        names = []
        for line in self.imap.list()[1]:
            flags, name = re.fullmatch(rb'\(([^)]*)\) "/" (.*)', line).groups()
            if b'\\Noselect' not in flags and b'\\NonExistent' not in flags:
                names.append(name.decode('ascii').strip('"').replace('\\"', '"'))
        return names

    def messages(self, folder):
        """[(bytes, flags)]"""
        status, data = self.imap.select('"' + folder.replace('\\', '\\\\').replace('"', '\\"') + '"', readonly=True)
        harness.same(f'SELECT {folder}', status, 'OK')
        if data[0] == b'0':
            return []
        found = []
        for part in self.imap.fetch('1:*', '(FLAGS BODY.PEEK[])')[1]:
            if isinstance(part, tuple):
                found.append((part[1], tuple(sorted(f.decode() for f in imaplib.ParseFlags(part[0])))))
        harness.same(f'messages fetched of {folder}', len(found), int(data[0]))
        return found

    def close(self):
        self.imap.logout()


def has_dovecot():
    return IMAP.exists()


def notmuch_files(folder, root):
    """The files below ROOT that notmuch takes for mail."""
    config = pathlib.Path(folder) / 'notmuch'
    config.write_text(f'[database]\npath={root}\n[user]\nname=a\nprimary_email=a@sim.example\n[new]\ntags=\n'
                      '[maildir]\nsynchronize_flags=false\n')
    env = dict(os.environ, NOTMUCH_CONFIG=str(config), HOME=str(folder))
    subprocess.run(['notmuch', 'new', '--quiet'], env=env, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    out = subprocess.run(['notmuch', 'search', '--output=files', '--exclude=false', '*'], env=env, check=True,
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout
    shutil.rmtree(pathlib.Path(root) / '.notmuch')
    return out.decode(errors='surrogateescape').splitlines()


def looks_like_mail(content):
    """notmuch's rule: one of these fields; a file that begins as an mbox must be one of a single message. None: the header is
    malformed, so its parser and Python's may see different fields."""
    if content.startswith(b'From '):
        if b'\nFrom ' in content:
            return False
        content = content.split(b'\n', 1)[-1]
    block = content.replace(b'\r\n', b'\n').split(b'\n\n')[0]
    if not all(re.match(rb'[!-9;-~]+:|[ \t]+\S', line) for line in block.split(b'\n')):
        return None
    head = email.message_from_bytes(block + b'\n\n')
    return any(head[name] is not None for name in ('From', 'To', 'Subject'))

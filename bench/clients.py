# SPDX-License-Identifier: Apache-2.0
"""Other programs that fetch mail by EWS, against the same simulator: exchangelib with four connections, and DavMail with mbsync
before it. Each fetches every message of one mailbox and writes it to disk."""
import itertools
import os
import pathlib
import shutil
import subprocess
import sys
import time

import measure

PYTHON = '/usr/bin/python3'  # the one whose packages Debian installs
ADDRESS, PASSWORD = 'anna.lindqvist@contoso.example', 'not a secret'  # davmail_test's
CONNECTIONS = 4


def one_mailbox(world, mail, items):
    """A folder for `exarch-sim --mail` with ITEMS of the messages in an inbox."""
    folder = world.new('mailbox')
    inbox = folder / ADDRESS / 'Inbox'
    inbox.mkdir(parents=True)
    for i, path in enumerate(itertools.islice(sorted(mail.rglob('*.eml')), items)):
        os.link(path, inbox / f'{i:05}.eml')
    return folder


class Clients:
    def __init__(self, world, sim, items):
        self.world, self.sim, self.items = world, sim, items

    def exarch(self, codec):
        archive = self.world.init(codec)
        cost = self.world.archive(self.sim, archive, threads=CONNECTIONS, sign_in='basic',
                                  source={'auth': {'user': ADDRESS}}, mailboxes={'from': 'list', 'list': [ADDRESS]})
        self.world.harness.same('items archived', self.world.summary(cost)['archived'], self.items)
        self.world.drop(archive.parent)
        return cost

    def exchangelib(self):
        if subprocess.run([PYTHON, '-c', 'import exchangelib'], stderr=subprocess.DEVNULL, check=False).returncode != 0:
            return None
        to = self.world.new('exchangelib')
        cost = measure.run(PYTHON, pathlib.Path(__file__).with_name('client_exchangelib.py'), f'{self.sim.url}/EWS/Exchange.asmx',
                           ADDRESS, PASSWORD, CONNECTIONS, to, env={'SSL_CERT_FILE': str(self.sim.keys / 'ca.pem'),
                                                                    'REQUESTS_CA_BUNDLE': str(self.sim.keys / 'ca.pem')})
        self.world.harness.same('messages fetched by exchangelib', len(list(to.iterdir())), self.items)
        self.world.drop(to)
        return cost

    def davmail(self):
        """Processor time of both programs, from mbsync's beginning to its end: DavMail has started by then."""
        import davmail_test
        if not davmail_test.JAR.exists() or any(shutil.which(p) is None for p in ('java', 'mbsync', 'keytool')):
            return None
        run = self.world.harness.Run(self.world.new('davmail'))
        with run.cleanup:
            gateway = davmail_test.Gateway(run, self.sim)
            maildirs = davmail_test.Maildirs(run, gateway)
            before, begin = measure.process_cpu_s(gateway.process.pid), time.monotonic()
            cost = measure.run('mbsync', '-c', maildirs.config, '-a')
            cost.wall_s = time.monotonic() - begin
            cost.cpu_s += measure.process_cpu_s(gateway.process.pid) - before
            cost.anon_bytes += measure.anonymous_bytes(gateway.process.pid)
            self.world.harness.same('messages fetched by mbsync', len(maildirs.files('INBOX')), self.items)
        self.world.drop(run.dir)
        return cost

    def contenders(self):
        return {'exarch, zlib': lambda: self.exarch('zlib'), 'exarch, zstd': lambda: self.exarch('zstd'),
                'exchangelib, 4 connections': self.exchangelib,
                'DavMail + mbsync': self.davmail}

    @staticmethod
    def versions():
        told = []
        for package in ('python3-exchangelib', 'davmail-server', 'isync'):
            done = subprocess.run(['dpkg-query', '-W', '-f', '${Version}', package], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True, check=False) if shutil.which('dpkg-query') else None
            told.append(f'{package} {done.stdout}' if done is not None and done.returncode == 0 else f'{package}: not installed')
        return told + [f'Python {sys.version.split()[0]}']

# SPDX-License-Identifier: Apache-2.0
"""Documents as people use them: which pieces of a page are commands, and a world in which they can be carried out, line by line,
in the order of the page.

A command stands in a block (fenced as `sh`, or indented), in a line of a crontab, or in `quotes`. A quoted one that lacks its
operands is the name of a verb and not a command. Blocks fenced as `powershell` can't be run here; the pages say so."""
import atexit
import functools
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import threading
import time

import harness
import mail
from terminal import Terminal

DOCUMENTS = [harness.ROOT / 'README.md', *sorted((harness.ROOT / 'docs').glob('*.md'))]
CRON = re.compile(r'\d+ \d+ \* \* \*  exarch  (?=exarch )')
COMMAND = re.compile(r'(?<![\w-])exarch(-sim)? +(?:[a-z]|--)')
LABELS = {'id', 'segment', 'row', 'key tail', 'keyring'}  # of keys, in format.md: "exarch id"

# Programs of others, done as they stand, in the world's folders.
DONE = {'mkdir', 'cp', 'mv', 'rm', 'cat', 'rsync', 'printf', 'chmod', 'cd', 'dd', 'kill'}
# Programs of others that need a whole machine, root, or a network. What they do is not exarch's to prove.
NOT_DONE = {'apt', 'useradd', 'install', 'chown', 'systemctl', 'journalctl', './bootstrap'}


class Piece:
    """TEXT of a page, as it stands there; `quoted`, or else of a block."""

    def __init__(self, text, quoted, language='', below=''):
        self.text, self.quoted, self.language, self.below = text, quoted, language, below


def pieces(page):
    """In order. A here-document is `below` its line; a line that ends in a backslash goes on."""
    lines = iter(page.read_text().splitlines())
    language = None
    for line in lines:
        if line.startswith('```'):
            language = None if language is not None else line[3:].strip()
            continue
        if language is None and not line.startswith('    '):
            harness.check(line.count('`') % 2 == 0, f'{page.name}: a quote goes over a line\'s end: {line}')
            for text in re.findall(r'`([^`]+)`', line):
                yield Piece(text, True)
            continue
        text = line.strip()
        while text.endswith('\\'):
            text = text[:-1].rstrip() + ' ' + next(lines).strip()
        below = ''
        if here := re.search(r'<<(\w+)$', text):
            while (more := next(lines)).strip() != here.group(1):
                below += more + '\n'
        yield Piece(text, False, language or '', below)


def commands_by_sight(page):
    """What a reader would take for a command of exarch, found without knowing how pieces() reads."""
    text = re.sub(r'^```powershell.*?^```', '', page.read_text(), flags=re.M | re.S)
    text = re.sub(r' *\\\n +', ' ', text)
    fenced = re.findall(r'^```.*?\n(.*?)^```', text, re.M | re.S)
    rest = re.sub(r'^```.*?^```', '', text, flags=re.M | re.S)
    code = [line for block in fenced for line in block.splitlines()] + re.findall(r'^    (.*)$', rest, re.M)
    for line in code:
        yield from re.findall(r'(?:^|&& |; |\| |  exarch  |-- )(exarch(?:-sim)? +[a-z-][^;&|]*)', line.split('  # ')[0].strip())


@functools.cache
def operands():
    """{verb: how many operands it needs}, as the overview says."""
    found = {}
    told = subprocess.run([harness.EXARCH, '--help'], stdout=subprocess.PIPE, text=True, check=True).stdout
    for verb, words in re.findall(r'^  exarch ([a-z]+(?: [a-z]+)?)((?: \[?[A-Z.]+\]?)*)  ', told, re.M):
        found[verb] = len([word for word in words.split() if not word.startswith('[')])
    return found


@functools.cache
def options(verb):
    """{option: whether a value follows}; VERB `exarch-sim` is the simulator."""
    command = [harness.EXARCH_SIM] if verb == 'exarch-sim' else [harness.EXARCH, *verb.split()]
    told = subprocess.run([*command, '--help'], stdout=subprocess.PIPE, text=True, check=True).stdout
    found = {}
    for names, value in re.findall(r'^ +(-[\w-]+(?:, --[\w-]+)?)((?: [A-Z\[][^ ]*)?)', told, re.M):
        found |= {name: bool(value) for name in names.split(', ')}
    return found


class Command:
    """One command of exarch, as words: is it one?"""

    def __init__(self, where, words):
        self.words = words
        self.program = words[0]
        if self.program == 'exarch-sim':
            self.verb, rest = 'exarch-sim', words[1:]
        else:
            self.verb = ' '.join(words[1:3]) if ' '.join(words[1:3]) in operands() else words[1]
            rest = words[1 + len(self.verb.split()):]
        self.is_name = self.program == 'exarch' and not rest
        groups = {verb.split()[0] for verb in operands() if ' ' in verb}
        if self.is_name and self.verb in groups:  # "`exarch hold` says what must stay": all of its verbs
            return
        harness.check(self.verb in operands() or self.program == 'exarch-sim', f'{where}: there is such a verb')
        given = self.count(where, rest)
        self.is_name = self.is_name or given < operands().get(self.verb, 0)

    def count(self, where, rest):
        """How many operands; -1: an option lacks its value."""
        known, given, rest = options(self.verb), 0, list(rest)
        while rest:
            word = rest.pop(0)
            if not word.startswith('-') or word == '-':
                given += 1
            elif word == '--':
                return given + len(rest)
            else:
                name, _, value = word.partition('=')
                harness.check(name in known, f'{where}: {self.verb} takes {name}')
                if known[name] and not value:
                    if not rest:
                        return -1
                    rest.pop(0)
        return given


def without_brackets(text):
    """A synopsis, without what may be left out."""
    return re.sub(r' \[[^]]*\]', '', text)


class World:
    """A machine for one page: folders that stand for its own, a tenant, and words of the page that stand for something."""
    ROOTS = re.compile(r'(?<![\w/.:@-])/(?:etc|srv|var|mnt|tmp|archive|backup)\b')
    MAIL = {'anna@contoso.com/Inbox/one.eml': 'one', 'anna@contoso.com/Projects/Alpha/offer.eml': 'offer',
            'bert@contoso.com/Inbox/two.eml': 'two', 'bert@contoso.com/Sent Items/three.eml': 'three'}
    PASSPHRASE = 'five random words are better'
    making, template = threading.Lock(), None
    ASKED = {'key add': ['new passphrase for', 'the same again']}  # where nobody says --new-key-file

    def __init__(self, run, page, sign_in=('--register', '/etc/exarch/exarch.cer'), words=None, encrypted=False):
        """WORDS: what the page's placeholders stand for. None: a tenant, a profile and an archive are there already.
        ENCRYPTED: one that is encrypted is there."""
        self.run, self.page, self.sign_in = run, page, sign_in
        self.is_ready = words is not None
        self.has_tenant = False
        self.root = run.dir / 'machine'
        self.home = self.root / 'admin'
        self.home.mkdir(parents=True)
        for folder in ('etc/exarch', 'srv/exarch', 'var/log/exarch', 'var/lib/exarch', 'mnt', 'tmp', 'backup'):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        self.smaller = {'4711': '1', '20x1000': '4x10', '--add 200 --remove 50': '--add 4 --remove 2'}  # numbers of pages
        self.words = {'VERB': 'archive', 'NUMBER': 1, 'WORD': 'hello', 'HOLD': 1, 'N': 1, 'DIR': self.home / 'dir',
                      'FILE': self.home / 'file', 'MAILBOX': 'anna@contoso.com', 'ADDRESS': 'anna@contoso.com',
                      'F': self.root / 'etc/exarch/passphrase', 'NEW': self.home / 'new.key'}
        self.words['TENANT-ID'], self.words['CLIENT-ID'], _ = harness.application()
        for word, place in (words or {}).items():
            self.words[word] = self.placed(place)
        (self.root / 'etc/exarch/passphrase').write_text(self.PASSPHRASE + '\n')
        (self.root / 'etc/exarch/passphrase').chmod(0o600)
        (self.home / 'policy.yaml').write_text('version: 1\nrules: [{ name: all, keep: 30 years }]\n')
        self.environment = dict(os.environ)
        self.sim = None
        self.simulators = {}
        if encrypted:
            self.encrypt()
        self.seen = []  # what was carried out, as it stands on the page

    # ---- what is there before the page begins ----

    def prepare(self):
        """Mail, and an archive of it: copies of what is made once for all pages."""
        self.is_ready = self.has_tenant = True
        with World.making:
            template = World.template or self.make_template()
        for folder in ('srv/mail', 'archive'):
            shutil.copytree(template / folder, self.root / folder)
        self.words |= {'PROFILE': self.home / 'profile.yaml', 'ARCHIVE': self.root / 'archive'}

    def make_template(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix='exarch-e2e-'))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        mail.write(folder / 'srv/mail', self.MAIL)
        sim = self.run.simulator('--mail', folder / 'srv/mail', archive=folder / 'archive', name='template')
        self.run.exarch('archive', sim.written_profile, '--quiet')
        World.template = folder
        return folder

    def serve(self):
        """The tenant, for the first command that has a profile."""
        self.sim = self.run.simulator('--mail', self.root / 'srv/mail', archive=self.root / 'archive',
                                      name=f'tenant{len(self.run.programs)}')
        profile = self.sim.profile(run={'threads': 2})
        for name in ('profile.yaml', 'contoso.yaml'):
            shutil.copy(profile, self.home / name)

    def encrypt(self):
        key, encrypted = self.root / 'etc/exarch/archive.key', self.root / 'srv/encrypted'
        self.run.exarch('init', encrypted, '--encrypt', '--key-file', key)
        self.environment['EXARCH_KEY_FILE'] = str(key)
        self.words |= {'ENCRYPTED': encrypted, 'E': encrypted, 'OLD': key, 'K': key}

    def lead(self, profile):
        """The profile that the page made is for a server of the page's tenant; here that is the simulator. Nothing else of it is
        changed."""
        if self.sim is None:
            mail.write(self.root / 'srv/mail', self.MAIL)
            self.sim = self.run.simulator('--mail', self.root / 'srv/mail', *map(self.placed, self.sign_in))
        text = profile.read_text()
        for word, value in zip(('TENANT-ID', 'CLIENT-ID'), harness.application()):
            text = text.replace(word, value)
        own = {'endpoint': f'{self.sim.url}/EWS/Exchange.asmx', 'tls_ca': self.sim.keys / 'ca.pem'}
        if 'kind: app-' in text.replace("'", ''):
            own |= {'token_endpoint': self.sim.url, 'graph_endpoint': self.sim.url}
        text = re.sub(r'^  (endpoint|tls_ca|autodiscover): .*\n', '', text, flags=re.M)
        text = text.replace('source:\n', 'source:\n' + ''.join(f'  {key}: "{value}"\n' for key, value in own.items()), 1)
        profile.write_text(text)

    # ---- carrying out ----

    def placed(self, text):
        for words, fewer in self.smaller.items():
            text = re.sub(rf'(?<!\w){re.escape(words)}(?!\w)', fewer, text)
        text = text.replace('backup:/', '/backup/')
        return self.ROOTS.sub(lambda found: f'{self.root}{found.group()}', text)

    def word(self, word, verb):
        if word == 'ARCHIVE' and verb.startswith('key ') and 'ENCRYPTED' in self.words:
            word = 'ENCRYPTED'
        if word == 'DIR' and verb == 'exarch-sim':
            return str(self.root / 'srv/mail')
        if word in self.words:
            return str(self.words[word])
        return re.sub(r'\b(MAILBOX|ADDRESS)\b', lambda found: str(self.words.get(found.group(), found.group())), word)

    def walk(self):
        for piece in pieces(self.page):
            where = f'{self.page.name}: {piece.text}'
            if piece.quoted:
                if COMMAND.match(piece.text) and piece.text.removeprefix('exarch ') not in LABELS:
                    self.quoted(where, piece)
                continue
            text = CRON.sub('', piece.text)
            if piece.language not in ('', 'sh'):
                harness.check(not COMMAND.search(text), f'{where}: a command stands in a block of commands (sh)')
                continue
            if piece.language == 'sh' or COMMAND.match(text) or text.split(' ')[0] in DONE:
                self.line(where, text, piece)
        for text in commands_by_sight(self.page):
            harness.check(any(text.strip() in seen for seen in self.seen), f'{self.page.name}: `{text}` was carried out')

    def quoted(self, where, piece):
        words = shlex.split(self.placed(without_brackets(piece.text).removesuffix(' ...')))
        command = Command(where, words)
        if not command.is_name and '...' not in piece.text and piece.text not in self.seen:
            self.seen.append(piece.text)
            self.carry_out(where, words, {harness.DONE, harness.INCOMPLETE, harness.STOPPED})

    def line(self, where, text, piece):
        """A line of a shell: commands with && or ; between, perhaps ending in &. Others go to a shell as they are."""
        said = re.search(r'#.*\(exit status (\d+)(?: or (\d+))?\)', text)
        expected = {int(n) for n in said.groups() if n} if said else {harness.DONE}
        self.seen.append(text)
        text = self.placed(without_brackets(re.sub(r'(^|\s+)# .*$', '', text)))
        if not text:
            return
        if piece.below:
            return self.write(text, piece.below)
        if re.search(r'[^|]\|[^|]|[<>](?=[ /\w])', re.sub(r"'[^']*'|\"[^\"]*\"", '', text)):
            return self.shell(where, text, expected)
        lexer = shlex.shlex(text, posix=True, punctuation_chars=';&')
        lexer.whitespace_split = True
        words = []
        for word in [*lexer, ';']:
            if word in ('&&', ';', '&'):
                if words:
                    self.carry_out(where, words, expected)
                words = []
            else:
                words.append(word)

    def carry_out(self, where, words, expected):
        environment = {}
        while re.match(r'[A-Z_]+=', words[0]) and len(words) > 1:
            name, _, value = words.pop(0).partition('=')
            environment[name] = value
        if words[:4] == ['runuser', '-u', 'exarch', '--']:
            words = words[4:]
        if words[0] == 'exarch' and not self.is_ready:
            self.prepare()
        if words[0] == 'exarch':
            return self.exarch(Command(where, words), expected, environment)
        if words[0] == 'exarch-sim':
            return self.simulate(Command(where, words))
        if words[0] == 'kill':
            return self.simulators.popitem()[1].stop()
        if words[0] == 'cd':
            self.home = self.home / words[1]
            return None
        if words[0] in NOT_DONE:
            return None
        harness.check(words[0] in DONE, f'{where}: {words[0]} is a program that the test knows (tests/e2e/documents.py)')
        if words[0] == 'rsync':
            return self.copy(words)
        return self.shell(where, shlex.join(words), expected)

    @staticmethod
    def copy(words):
        """rsync -a [--delete] [--exclude NAME] FROM/ TO/, which needn't be installed."""
        source, target = words[-2:]
        if '--delete' in words:
            shutil.rmtree(target, ignore_errors=True)
        left_out = [words[i + 1] for i, word in enumerate(words) if word == '--exclude']
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*left_out))

    def exarch(self, command, expected, environment):
        if command.verb.startswith('key ') and self.has_tenant and 'ENCRYPTED' not in self.words:
            self.encrypt()
        words = [self.word(word, command.verb) for word in command.words[1:]]
        if self.has_tenant and self.sim is None and any(word.endswith('.yaml') for word in words):
            self.serve()
        how = {'cwd': self.home, 'env': {**self.environment, **environment}}
        if command.verb in self.ASKED and not any(word.startswith('--new-') for word in words):
            terminal = Terminal(self.run, *words, **how)
            for prompt in self.ASKED[command.verb]:
                terminal.answer(prompt, self.PASSPHRASE)
            terminal.end(harness.DONE)
        else:
            if command.verb == 'expire' and '-n' not in words:
                words.append('--yes')  # somebody would be asked
            self.run.exarch(*words, expect=expected, **how)
        if command.verb == 'setup':
            self.lead(pathlib.Path(words[words.index('--out') + 1]))

    def simulate(self, command):
        """In the background, as the page has it."""
        name = f'sim{len(self.seen)}'
        if not (self.root / 'srv/mail').exists():
            mail.write(self.root / 'srv/mail', self.MAIL)
        words = [self.word(word, 'exarch-sim') for word in command.words[1:]]
        self.simulators[name] = self.run.simulator(*words, name=name, write_profile=False, cwd=self.home)

    def write(self, text, below):
        harness.check(text.startswith('cat > '), f'{text}: a here-document is written into a file')
        target = pathlib.Path(self.home, re.search(r'> *(\S+)', text).group(1))
        target.write_text(self.placed(below))
        if 'source:\n' in below:
            self.lead(target)

    def shell(self, where, text, expected):
        programs = re.findall(r'(?:^|[|;&] *)([\w./-]+)', re.sub(r"'[^']*'|\"[^\"]*\"", '', text))
        for program in programs:
            harness.check(program in DONE or program == 'exarch', f'{where}: {program} is a program that the test knows')
        text = ' '.join(self.word(word, '') if word in self.words else word for word in text.split(' '))
        bin_folder = self.root / 'bin'
        bin_folder.mkdir(exist_ok=True)
        if not (bin_folder / 'exarch').exists():
            (bin_folder / 'exarch').symlink_to(harness.EXARCH)
        life = self.run.born(text.split()) if 'exarch' in programs else None
        done = subprocess.run(['bash', '-c', text], cwd=self.home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=harness.PATIENCE_S, check=False,
                              env={**self.environment, 'PATH': f'{bin_folder}:{os.environ["PATH"]}'})
        if life is not None:
            life.ended = time.monotonic()
        harness.check(done.returncode in expected, f'{where}: exit status {done.returncode}: {done.stdout.decode()}')

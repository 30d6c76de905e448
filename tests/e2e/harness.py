# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: the two programs, a simulator that is waited for by what it says (never by sleeping), and
a small runner that speaks TAP.

A test is a function that takes a Run and is named as a sentence; `main()` runs those of its file, each in a folder of its
own. Environment:

    EXARCH, EXARCH_SIM     the programs; those in build/ if not given
    EXARCH_SANITIZED=1     built with sanitizers: expect them slow
    EXARCH_SHORT=1         only what matters most; EXARCH_LONG=1: with the long rounds
    EXARCH_KEEP=1          keep the folders of failed tests
"""
import concurrent.futures
import contextlib
import functools
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import judge

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXARCH = os.environ.get('EXARCH', str(ROOT / 'build/exarch'))
EXARCH_SIM = os.environ.get('EXARCH_SIM', str(ROOT / 'build/exarch-sim'))
SANITIZED = bool(os.environ.get('EXARCH_SANITIZED'))
SHORT = bool(os.environ.get('EXARCH_SHORT'))
LONG = bool(os.environ.get('EXARCH_LONG'))
PATIENCE_S = 900 if SANITIZED or LONG else 180  # until something counts as hanging

# Exit codes that exarch promises.
DONE, FAILED, USAGE, INCOMPLETE, STOPPED, NO_ARCHIVE, LOCKED, SIGN_IN, INTEGRITY = 0, 1, 2, 3, 4, 10, 11, 12, 13

NOBODY = 65534
FIXTURES = ROOT / 'fixtures'


class Failure(Exception):
    """A promise that wasn't kept."""


class Skip(Exception):
    """This can't be tried here, for the reason given."""


def check(condition, what):
    if not condition:
        raise Failure(what)


def same(what, actual, expected):
    if actual != expected:
        raise Failure(f'{what}: is {shorten(actual)}, should be {shorten(expected)}')


def contains(what, text, *wanted):
    for word in wanted:
        if word.lower() not in text.lower():
            raise Failure(f'{what} does not name {word!r}: {shorten(text)}')


def shorten(value, most=1500):
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= most else f'{text[:most]}... ({len(text)} characters)'


def same_multiset(what, actual, expected):
    """Counters: says what is missing and what is too many, not both heaps."""
    missing, extra = expected - actual, actual - expected
    if missing or extra:
        raise Failure(f'{what}: {sum(missing.values())} missing, for instance {list(missing)[:3]}; '
                      f'{sum(extra.values())} not expected, for instance {list(extra)[:3]}')


# ---- the programs ----


class Result:
    """How a program ended."""

    def __init__(self, args, code, out, err):
        self.args, self.code, self.out_bytes = args, code, out
        self.out = out.decode('utf-8', 'backslashreplace')
        self.err = err.decode('utf-8', 'backslashreplace')

    def objects(self):
        """The JSON objects of stdout, one a line; anything else there is a failure."""
        objects = []
        for line in self.out.removesuffix('\n').split('\n') if self.out else []:  # splitlines knows more line ends than JSON
            try:
                objects.append(json.loads(line))
            except ValueError as e:
                raise Failure(f'{self}: stdout holds a line that is no JSON: {shorten(line)}') from e
        return objects

    def summary(self):
        """The last object of an `archive --json` run."""
        objects = self.objects()
        check(objects and objects[-1].get('event') == 'summary', f'{self}: the last line is no summary: {shorten(self.out)}')
        return objects[-1]

    def problems(self):
        """What `archive --json` told of what went wrong."""
        lines = self.out.split('\n')
        bad = [line for line in lines if '"event":"problem"' in line or '"stopped":"' in line]
        return '\n'.join(bad or lines[-3:])

    def __str__(self):
        return 'exarch ' + ' '.join(self.args)


class Process:
    """exarch, running."""

    def __init__(self, args, program=EXARCH, **how):
        self.args = [str(a) for a in args]
        self.life = None  # for those that ask a simulator
        self.process = subprocess.Popen([program, *self.args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, **how)
        self.streams = [Collector(self.process.stdout), Collector(self.process.stderr)]

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        self.process.send_signal(number)

    def wait_for_stderr(self, words):
        self.streams[1].wait_for(lambda text: words.encode() in text, f'{words!r} on stderr')

    def end(self, expect=None, timeout=PATIENCE_S):
        """Waits. EXPECT: the exit code, or a set of codes; None: any."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure(f'exarch {" ".join(self.args)}: not done after {timeout} s; stderr: '
                          f'{shorten(self.streams[1].all().decode(errors="replace"))}') from None
        if self.life is not None:
            self.life.ended = time.monotonic()
        result = Result(self.args, code, *(s.all() for s in self.streams))
        expected = {expect} if isinstance(expect, int) else expect
        if expected is not None and code not in expected:
            raise Failure(f'{result}: exit code {code}, should be {expect}; stderr: {shorten(result.err)}; '
                          f'problems: {shorten(result.problems())}')
        return result


class Collector:
    """Reads a stream to its end on a thread of its own, so that no pipe fills up; others may wait for what comes."""

    def __init__(self, stream):
        self.data, self.ended = b'', False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.read, args=(stream,), daemon=True)
        self.thread.start()

    def read(self, stream):
        with stream:
            while chunk := os.read(stream.fileno(), 65536):
                with self.changed:
                    self.data += chunk
                    self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait_for(self, is_there, what):
        with self.changed:
            self.changed.wait_for(lambda: is_there(self.data) or self.ended, PATIENCE_S)
            check(is_there(self.data), f'waited for {what} in vain: {shorten(self.data.decode(errors="replace"))}')

    def all(self):
        self.thread.join(PATIENCE_S)
        return self.data


class Simulator:
    """exarch-sim, serving. Its request log is a pipe, so that one can wait for a request to have been answered."""

    def __init__(self, run, args, name, write_profile, archive, **how):
        self.folder = run.dir
        self.programs = run.programs
        self.written_profile = run.dir / f'{name}.yaml'
        self.keys = run.dir / f'{name}.yaml.d'
        self.archive = archive or run.dir / 'archive'
        self.log_pipe = run.dir / f'{name}.log'
        self.requests = []  # since forget()
        self.history = []
        self.marks_made = self.marks_seen = 0
        self.changed = threading.Condition()
        if not self.log_pipe.exists():
            os.mkfifo(self.log_pipe)
        self.log_fd = os.open(self.log_pipe, os.O_RDWR | os.O_CLOEXEC)  # both ends: opening never blocks, reading never ends
        command = [EXARCH_SIM, *map(str, args), '--log', str(self.log_pipe)]
        if write_profile:
            command += ['--write-profile', str(self.written_profile), '--archive', str(self.archive)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)
        self.talk = Collector(self.process.stderr)
        line = self.process.stdout.readline().decode().split()
        if len(line) != 2 or line[0] != 'ready':
            self.process.wait()
            raise Failure(f'exarch-sim did not get ready: {self.talk.all().decode(errors="replace")}')
        self.url = line[1]
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()

    def listen(self):
        rest = b''
        while chunk := os.read(self.log_fd, 65536):
            *lines, rest = (rest + chunk).split(b'\n')
            with self.changed:
                for line in lines:
                    if line == b'end':
                        return
                    if line.startswith(b'mark '):
                        self.marks_seen = int(line[5:])
                    else:
                        self.requests.append(json.loads(line))
                        self.history.append(self.requests[-1])
                self.changed.notify_all()

    def settle(self):
        """Until everything is read that the simulator has logged so far. It logs a request before its answer is complete, so
        whatever a client knows of is in the pipe."""
        self.marks_made += 1
        os.write(self.log_fd, b'mark %d\n' % self.marks_made)
        with self.changed:
            harvested = self.changed.wait_for(lambda: self.marks_seen >= self.marks_made, PATIENCE_S)
        check(harvested, 'the log pipe is read')

    def stop(self):
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = 'none: it did not end on SIGTERM'
        os.write(self.log_fd, b'end\n')
        self.listener.join(60)
        os.close(self.log_fd)
        process.stdout.close()
        same(f'exit code of exarch-sim (stderr: {shorten(self.talk.all().decode(errors="replace"))})', code, 0)
        broken = judge.complaints(self.history, self.programs)
        check(not broken, f'{len(broken)} times in the log of {self.url}: {shorten("; ".join(broken))}')

    def requests_of(self, operation):
        self.settle()
        with self.changed:
            return [r for r in self.requests if r.get('operation') == operation]

    def fetched_items(self):
        """How many items were asked for by GetItem so far."""
        return sum(r['items'] for r in self.requests_of('GetItem'))

    def fetched_messages(self):
        """How many of these with their MIME."""
        return sum(r.get('messages', 0) for r in self.requests_of('GetItem'))

    def forget(self):
        self.settle()
        with self.changed:
            self.requests.clear()

    def wait_for(self, operation, count, also=lambda: False):
        """Until COUNT requests of OPERATION were answered. False: ALSO became true first, or patience ended."""
        def reached():
            return sum(r.get('operation') == operation for r in self.requests) >= count
        deadline = time.monotonic() + PATIENCE_S
        with self.changed:
            while not reached() and not also() and time.monotonic() < deadline:
                self.changed.wait(0.05)  # ALSO has no bell of its own
            return reached()

    def profile(self, name='profile.yaml', sign_in='certificate', **changes):
        """Writes a profile for this simulator and gives its path. CHANGES are merged into it; None takes a key away. JSON
        is YAML too, so nothing here has to know how to quote."""
        auths = {
            'certificate': {'kind': 'app-certificate', 'certificate': str(self.keys / 'app.crt'),
                            'key': str(self.keys / 'app.key')},
            'secret': {'kind': 'app-secret', 'secret_file': str(self.keys / 'secret')},
            'basic': {'kind': 'basic', 'user': 'admin@sim.example', 'password_file': str(self.keys / 'password')},
        }
        auth = auths[sign_in]
        source = {'kind': 'ews', 'endpoint': f'{self.url}/EWS/Exchange.asmx', 'auth': auth}
        if sign_in != 'basic':
            auth.update(tenant=application()[0], client_id=application()[1])
            source.update(token_endpoint=self.url, graph_endpoint=self.url)
        if self.url.startswith('https:'):
            source['tls_ca'] = str(self.keys / 'ca.pem')
        whole = {'version': 1, 'archive': str(self.archive), 'create_archive': True, 'source': source,
                 'mailboxes': {'from': 'directory'}, 'folders': {'standard_exclusions': False}, 'run': {'threads': 4}}
        merge(whole, changes)
        path = self.folder / name
        path.write_text(json.dumps(whole, indent=2) + '\n')
        return path


@functools.cache
def application():
    """(tenant, client id, secret) that the simulator knows, as its help says."""
    text = subprocess.run([EXARCH_SIM, '--help'], stdout=subprocess.PIPE, text=True, check=True).stdout
    return tuple(re.search(rf'^ *{name} +(\S+)$', text, re.M).group(1) for name in ('tenant', 'client id', 'secret'))


def merge(into, changes):
    for key, value in changes.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value


# ---- what is compared ----


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def file_sha256(path):
    digest = hashlib.sha256()
    with open(path, 'rb') as f:
        while chunk := f.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def plain_folder(path):
    """A folder's path in the form in which its names as folders of an export and as names at the server meet."""
    return '/'.join(re.sub(r'[^\w .-]', '_', part).rstrip(' .') for part in path.split('/'))


def exported(to):
    """[(mailbox, folder, sha256)] of what an export wrote."""
    found = []
    for path in pathlib.Path(to).rglob('*.eml'):
        mailbox, *folders = path.relative_to(to).parts[:-1]
        found.append((mailbox.lower(), plain_folder('/' + '/'.join(folders)), file_sha256(path)))
    return found


def tree_state(folder):
    """Every file below FOLDER with its content, to see that nothing was touched. Lock files are not content."""
    folder = pathlib.Path(folder)
    return {str(p.relative_to(folder)): file_sha256(p) if p.is_file() else 'folder'
            for p in sorted(folder.rglob('*')) if p.name not in ('lock.mdb', 'lock')}


# ---- running tests ----


class Run:
    """What a test has: its folder, and programs that end with it."""

    def __init__(self, folder):
        self.dir = folder
        self.cleanup = contextlib.ExitStack()
        self.programs = []
        self.spoilt = set()

    def simulator(self, *args, name='sim', write_profile=True, archive=None, **how):
        sim = Simulator(self, args, name, write_profile, archive, **how)
        self.cleanup.callback(sim.stop)
        return sim

    def born(self, args):
        """exarch is about to begin: whoever asks a simulator for something must be one of these."""
        self.programs.append(judge.Program(args, time.monotonic()))
        return self.programs[-1]

    def start(self, *args, **how):
        life = self.born([str(a) for a in args])
        process = Process(args, **how)
        process.life = life
        self.cleanup.callback(lambda: process.process.poll() is None and process.process.kill())
        return process

    def exarch(self, *args, expect=DONE, timeout=PATIENCE_S, **how):
        return self.start(*args, **how).end(expect, timeout)

    def archive(self, profile, *args, expect=DONE, **how):
        """One `exarch archive --json`; gives its summary, which must agree with the exit code."""
        return self.exarch('archive', profile, '--json', *args, expect=expect, **how).summary()

    def export(self, archive, name='out', *selection):
        to = self.dir / name
        self.exarch('export', archive, *selection, '--to', to, '--format', 'eml')
        return exported(to)

    def as_nobody(self):
        """Keyword arguments of exarch() that make it run without root's rights. The program is copied to where anybody may
        run it; the caller opens what it must be able to read."""
        if os.getuid() != 0:
            return {}
        program = self.dir / 'exarch'
        shutil.copy(EXARCH, program)
        program.chmod(0o755)
        return {'program': str(program), 'user': NOBODY, 'group': NOBODY, 'extra_groups': []}

    def spoils(self, archive):
        """The test damages this archive on purpose: what is left of it isn't looked at by read_what_is_left."""
        self.spoilt.add(pathlib.Path(archive))

    def read_what_is_left(self):
        """Promise 7, for whatever the test did: the reader that was made from docs/format.md alone finds each archive below the
        test's folder in good order. One that was killed in its making has no FORMAT and is none."""
        archives = [p.parent for p in sorted(self.dir.rglob('FORMAT')) if p.parent not in self.spoilt]
        for archive in archives:
            done = subprocess.run([sys.executable, ROOT / 'tests/reader.py', 'check', archive], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE_S, check=False)
            check(done.returncode == 0, f'tests/reader.py check of what is left in {archive.relative_to(self.dir)}: exit code '
                  f'{done.returncode}: {shorten(done.stdout.decode(errors="backslashreplace"))}')
        return len(archives)

    def verify(self, archive, level='messages', expect=DONE):
        return self.exarch('verify', archive, '--level', level, expect=expect)


def run_one(test):
    """(TAP words, lines about it)"""
    folder = pathlib.Path(tempfile.mkdtemp(prefix='exarch-e2e-'))
    folder.chmod(0o755)
    begin = time.monotonic()
    failure, lines = None, []
    run = Run(folder)
    try:
        with run.cleanup:
            test(run)
        ran = time.monotonic()
        read = run.read_what_is_left()
        lines = [f'{ran - begin:.1f} s, and {time.monotonic() - ran:.1f} s for a second reader over {read} archives']
    except Skip as e:
        return f'ok # SKIP {e}', []
    except Failure as e:
        first = e.__context__ if isinstance(e.__context__, Failure) else None  # and E is from the end of a simulator
        failure = f'{first}\n{e}' if first else str(e)
    except Exception:  # whatever else goes wrong is a failure of this test, not the end of the others
        failure = traceback.format_exc()
    finally:
        if failure is None or not os.environ.get('EXARCH_KEEP'):
            shutil.rmtree(folder, ignore_errors=True)
    if failure is not None:
        lines = [f'{time.monotonic() - begin:.1f} s', *failure.splitlines(), f'in {folder}']
    return ('ok' if failure is None else 'not ok'), lines


def main(*tests, short=(), at_once=1):
    """Runs the tests; with EXARCH_SHORT only those of SHORT. Names on the command line pick some. AT_ONCE: for tests that wait
    more than they work."""
    chosen = [t for t in tests if (not SHORT or t in short) and (len(sys.argv) < 2 or t.__name__ in sys.argv[1:])]
    print(f'1..{len(chosen)}')
    all_good = True
    with concurrent.futures.ThreadPoolExecutor(at_once) as threads:
        for number, (test, (words, lines)) in enumerate(zip(chosen, threads.map(run_one, chosen)), 1):
            result, _, directive = words.partition(' # ')
            print(f'{result} {number} - {test.__name__}' + (f' # {directive}' if directive else ''))
            for line in lines:
                print(f'# {line}')
            sys.stdout.flush()
            all_good = all_good and result == 'ok'
    sys.exit(0 if all_good else 1)

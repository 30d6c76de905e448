# SPDX-License-Identifier: Apache-2.0
"""What is installed: programs that run from there, man pages and completions that say what the programs take."""
import fnmatch
import os
import pathlib
import re
import shutil
import subprocess

import harness
import mail

BUILD = pathlib.Path(harness.EXARCH).parent


def tool(name):
    found = shutil.which(name)
    if found is None:
        raise harness.Skip(f'{name} is not installed')
    return found


def told_by(*command, **how):
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=harness.PATIENCE_S, text=True, check=False, **how)
    harness.same(f'exit code of {command[:3]} ({harness.shorten(done.stdout)})', done.returncode, 0)
    return done.stdout


def installed(run):
    if not (BUILD / 'build.ninja').exists():
        raise harness.Skip('exarch does not stand in a build folder')
    root = run.dir / 'root'
    told_by(tool('meson'), 'install', '-C', BUILD, '--no-rebuild', '--destdir', root)
    return next(p for p in root.rglob('bin') if (p / 'exarch').exists()).parent


def verbs(run):
    return run.exarch('help', '--format', 'list').out.splitlines()


def options_of(run, verb):
    """{option: the name of its value, or ''}, as its help prints them."""
    told = run.exarch(*verb.split(), '--help').out.split('Options:')[1]
    return dict(re.findall(r'^ +(?:-\w, )?--([a-z-]+) ?([A-Z]*)', told, re.M))


def in_man_page(path):
    options = path.read_text().split('.SH OPTIONS')[1].replace('\\-', '-').replace('\\fB', '').replace('\\fR', '')
    return set(re.findall(r'^\.TP\n(?:-\w, )?--([a-z-]+)', options, re.M))


def what_is_installed_runs(run):
    prefix = installed(run)
    for path in ('bin/exarch', 'bin/exarch-sim', 'share/man/man1/exarch.1', 'share/man/man1/exarch-sim.1',
                 'share/man/man5/exarch-profile.5', 'share/man/man5/exarch-format.5',
                 'share/bash-completion/completions/exarch', 'share/zsh/site-functions/_exarch',
                 'share/fish/vendor_completions.d/exarch.fish', 'share/doc/exarch/operating.md', 'share/doc/exarch/LICENSE',
                 'lib/systemd/system/exarch@.service', 'lib/systemd/system/exarch@.timer', 'lib/sysusers.d/exarch.conf',
                 'lib/tmpfiles.d/exarch.conf'):
        harness.check((prefix / path).is_file(), f'{path} is installed')
    harness.check(not (prefix / 'share/doc/exarch/meson.build').exists(), 'no build file is installed')
    sim = run.simulator('--mail', mail.write(run.dir / 'mail', {'anna/Inbox/one.eml': 'one'}))
    program = str(prefix / 'bin/exarch')
    run.exarch('check', sim.written_profile, program=program)
    run.exarch('archive', sim.written_profile, '--quiet', program=program)
    run.exarch('verify', sim.archive, '--quiet', program=program)
    told_by(prefix / 'bin/exarch-sim', '--help')


def man_pages_and_programs_agree(run):
    pages = installed(run) / 'share/man/man1'
    names = {'exarch.1', 'exarch-sim.1', *(f'exarch-{verb.replace(" ", "-")}.1' for verb in verbs(run))}
    harness.same('pages', {p.name for p in pages.iterdir()}, names)
    overview = (pages / 'exarch.1').read_text()
    for verb in verbs(run):
        harness.contains('exarch.1', overview, f'\\fB{verb}\\fR')
        told = in_man_page(pages / f'exarch-{verb.replace(" ", "-")}.1')
        options = options_of(run, verb)
        harness.same(f'options of {verb}', told, set(options))
        words = [f'--{option}=1' if value else f'--{option}' for option, value in options.items()]
        run.exarch(*verb.split(), *words)  # the parser takes them all, and --help is among them
    simulator = told_by(harness.EXARCH_SIM, '--help')
    harness.same('options of exarch-sim', in_man_page(pages / 'exarch-sim.1'),
                 set(re.findall(r'^  --([a-z-]+)', simulator, re.M)))


def the_page_of_the_profile_has_every_key(run):
    page = (installed(run) / 'share/man/man5/exarch-profile.5').read_text().replace('\\-', '-')
    keys = re.findall(r'^\| `([a-z_]+)` \|', (harness.ROOT / 'docs/profile.md').read_text(), re.M)
    harness.check(len(keys) > 40, f'{len(keys)} keys')
    for key in keys:
        harness.contains('exarch-profile.5', page, f'.TP\n\\fB{key}\\fR\n')


def man_pages_are_good_roff(run):
    pages = sorted((installed(run) / 'share/man').rglob('exarch*'))
    told = told_by(tool('groff'), '-man', '-Tutf8', '-wall', '-z', *pages)
    harness.same('warnings of groff', told, '')


def bash_completes_what_the_table_has(run):
    script = installed(run) / 'share/bash-completion/completions/exarch'

    def complete(*words):
        return told_by(tool('bash'), '--norc', '-c', 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _exarch; '
                       'printf "%s\\n" "${COMPREPLY[@]}"', script, 'exarch', *words, cwd=run.dir).split()

    harness.same('verbs', set(complete('')), {verb.split()[0] for verb in verbs(run)})
    harness.same('key', set(complete('key', '')), {verb.split()[1] for verb in verbs(run) if verb.startswith('key ')})
    harness.same('a beginning', complete('arch'), ['archive'])
    for verb in verbs(run):
        harness.same(f'options of {verb}', set(complete(*verb.split(), '--')), {f'--{o}' for o in options_of(run, verb)})
    (run.dir / 'contoso.yaml').touch()
    harness.same('a profile', complete('archive', 'cont'), ['contoso.yaml'])
    harness.same('a file', complete('archive', 'x', '--log-file', 'cont'), ['contoso.yaml'])
    harness.same('a number', complete('archive', 'x', '--threads', ''), [])


def fish_completes_what_the_table_has(run):
    script = installed(run) / 'share/fish/vendor_completions.d/exarch.fish'
    environment = {**os.environ, 'HOME': str(run.dir), 'XDG_CONFIG_HOME': str(run.dir), 'XDG_DATA_HOME': str(run.dir)}

    def complete(*lines):
        """One set for each line, in one fish."""
        told = told_by(tool('fish'), '--no-config', '-c', 'source $argv[1]; for line in $argv[2..-1]; echo =; complete -C $line; end',
                       script, *lines, env=environment, cwd=run.dir)
        return [{line.split('\t')[0] for line in part.splitlines() if line} for part in told.split('=\n')[1:]]

    names = verbs(run)
    first, *others = complete('exarch ', *(f'exarch {verb} --' for verb in names))
    harness.same('verbs', first, {verb.split()[0] for verb in names})
    for verb, options in zip(names, others):
        harness.same(f'options of {verb}', options, {f'--{o}' for o in options_of(run, verb)})


def zsh_reads_its_completion(run):
    script = installed(run) / 'share/zsh/site-functions/_exarch'
    told_by(tool('zsh'), '-f', '-n', script)
    text = script.read_text()
    for verb in verbs(run):
        for option in options_of(run, verb):
            harness.contains('the script', text.split(f"\t('{verb}') _arguments")[1].split(';;')[0], f'--{option}')


def the_systemd_units_are_good(run):
    analyze, prefix = tool('systemd-analyze'), installed(run)
    unit = run.dir / 'exarch@contoso.service'
    program = prefix / 'bin/exarch'
    unit.write_text(re.sub(r'(?m)^ExecStart=\S+', f'ExecStart={program}', (prefix / 'lib/systemd/system/exarch@.service').read_text()))
    shutil.copy(prefix / 'lib/systemd/system/exarch@.timer', run.dir / 'exarch@contoso.timer')
    told = told_by(analyze, 'verify', '--man=no', unit, run.dir / 'exarch@contoso.timer')
    harness.check('contoso' not in told and 'nknown' not in told, f'systemd has nothing to say: {told}')


def the_package_takes_all_that_is_installed(run):
    """By the patterns of .ci/debian, some of which say where else a file goes."""
    source = pathlib.Path(__file__).resolve().parents[2]
    lines = [line for name in ('exarch.install', 'not-installed')
             for line in (source / '.ci' / 'debian' / name).read_text().splitlines() if line and not line.startswith('#')]
    patterns = [line.split()[0].replace('${DEB_HOST_MULTIARCH}', '*') for line in lines]
    prefix = installed(run)
    files = [f'usr/{p.relative_to(prefix)}' for p in prefix.rglob('*') if p.is_file()]
    harness.same('claimed by no line', [f for f in files if not any(claims(p, f) for p in patterns)], [])
    harness.same('lines that claim nothing', [p for p in patterns if not any(claims(p, f) for f in files)], [])


def claims(pattern, path):
    """A folder's name stands for what is in it."""
    return fnmatch.fnmatch(path, pattern) or path.startswith(pattern.rstrip('/') + '/')


def the_package_has_the_programs_version(run):
    changelog = pathlib.Path(__file__).resolve().parents[2] / '.ci' / 'debian' / 'changelog'
    newest = re.match(r'exarch \(([^)]+)-\d+\)', changelog.read_text()).group(1)
    harness.same('version', run.exarch('version').out.split()[-1], newest)


if __name__ == '__main__':
    harness.main(what_is_installed_runs,
                 man_pages_and_programs_agree,
                 the_page_of_the_profile_has_every_key,
                 man_pages_are_good_roff,
                 bash_completes_what_the_table_has,
                 fish_completes_what_the_table_has,
                 zsh_reads_its_completion,
                 the_systemd_units_are_good,
                 the_package_takes_all_that_is_installed,
                 the_package_has_the_programs_version)

# SPDX-License-Identifier: Apache-2.0
"""Kerberos: a KDC of its own on this machine (MIT's, if it is installed), a server that checks tickets with the Kerberos
library, and exarch with a keytab. Everything is in the test's folder; nothing of the machine's own Kerberos is touched."""
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess

import harness
import onprem_test

REALM = 'EXARCH.TEST'
CLIENT = f'svc-exarch@{REALM}'


def tool(name):
    found = shutil.which(name, path=os.environ.get('PATH', '') + ':/usr/sbin:/sbin')
    if found is None:
        raise harness.Skip(f'there is no {name} (Debian: krb5-kdc, krb5-admin-server)')
    return found


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as listener:
        return listener.getsockname()[1]


class Kdc:
    def __init__(self, run):
        self.dir, port = run.dir / 'krb5', free_port()
        self.dir.mkdir()
        self.server_keytab, self.client_keytab = self.dir / 'server.keytab', self.dir / 'client.keytab'
        kdc = tool('krb5kdc')
        plugins = next(iter(pathlib.Path(kdc).resolve().parent.parent.glob('lib/*/krb5/plugins/kdb')), None)
        (self.dir / 'krb5.conf').write_text(f'''[libdefaults]
 default_realm = {REALM}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 default_ccache_name = FILE:{self.dir}/ccache
 default_keytab_name = FILE:{self.server_keytab}
[realms]
 {REALM} = {{
  kdc = 127.0.0.1:{port}
 }}
[domain_realm]
 localhost = {REALM}
''')
        (self.dir / 'kdc.conf').write_text(f'''[kdcdefaults]
 kdc_listen = 127.0.0.1:{port}
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 {REALM} = {{
  database_name = {self.dir}/principal
  key_stash_file = {self.dir}/stash
  acl_file = {self.dir}/acl
 }}
[dbmodules]
''' + (f' db_module_dir = {plugins}\n' if plugins else '') + f'''[logging]
 kdc = FILE:{self.dir}/kdc.log
''')
        self.env = {**os.environ, 'KRB5_CONFIG': str(self.dir / 'krb5.conf'), 'KRB5_KDC_PROFILE': str(self.dir / 'kdc.conf')}
        self.call(tool('kdb5_util'), 'create', '-s', '-r', REALM, '-P', 'master')
        for principal, keytab in ((f'HTTP/localhost@{REALM}', self.server_keytab), (CLIENT, self.client_keytab)):
            self.call(tool('kadmin.local'), 'addprinc', '-randkey', principal)
            self.call(tool('kadmin.local'), 'ktadd', '-k', str(keytab), principal)
        self.process = subprocess.Popen([kdc, '-n'], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        run.cleanup.callback(self.stop)
        self.talk = harness.Collector(self.process.stdout)
        self.talk.wait_for(lambda text: b'starting' in text, 'the KDC to start')

    def call(self, *args):
        done = subprocess.run(args, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
        harness.check(done.returncode == 0, f'{args}: {done.stdout.decode(errors="replace")}')

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


class Buffer(ctypes.Structure):
    _fields_ = [('length', ctypes.c_size_t), ('value', ctypes.c_void_p)]

    def take(self):
        return ctypes.string_at(self.value, self.length) if self.length else b''


def acceptor(kdc):
    """A function that checks a token with the server's keytab (RFC 2743, gss_accept_sec_context)."""
    try:
        gss = ctypes.CDLL('libgssapi_krb5.so.2')
    except OSError:
        raise harness.Skip('there is no libgssapi_krb5') from None
    os.environ['KRB5_CONFIG'] = kdc.env['KRB5_CONFIG']  # of this process

    def accept(token):
        minor, context, name = ctypes.c_uint32(), ctypes.c_void_p(), ctypes.c_void_p()
        text = ctypes.create_string_buffer(token, len(token))
        given, answer, shown = Buffer(len(token), ctypes.cast(text, ctypes.c_void_p)), Buffer(), Buffer()
        major = gss.gss_accept_sec_context(ctypes.byref(minor), ctypes.byref(context), None, ctypes.byref(given), None,
                                           ctypes.byref(name), None, ctypes.byref(answer), None, None, None)
        if major != 0:
            return None, b''
        gss.gss_display_name(ctypes.byref(minor), name, ctypes.byref(shown), None)
        return shown.take().decode(), answer.take()
    return accept


def stage_with_kdc(run, count, **how):
    kdc = Kdc(run)
    boxes, mails = onprem_test.many(count)
    names = []
    check = acceptor(kdc)

    def accept(token):
        name, answer = check(token)
        names.append(name)
        return name, answer
    stage = onprem_test.Stage(run, 'negotiate', mails, accept=accept, **how)
    source = {'endpoint': f'{stage.front.url}/EWS/Exchange.asmx', 'auth': {'kind': 'negotiate'}}
    return kdc, stage, names, stage.profile(boxes, source=source, run={'threads': 4, 'batch_items': 1})


def with_keytab(kdc):
    return {**onprem_test.environment(), 'KRB5_CONFIG': kdc.env['KRB5_CONFIG'], 'KRB5_CLIENT_KTNAME': str(kdc.client_keytab)}


def a_ticket_signs_in_each_connection_once(run):
    kdc, stage, names, profile = stage_with_kdc(run, 4)
    onprem_test.check_archived(run, stage, profile, with_keytab(kdc), 24)
    log = stage.front.log
    harness.same('who signed in', set(names), {CLIENT})
    harness.same('refused', log['bad'], 0)
    harness.check(log['handshakes'] <= log['connections'], f'a connection signed in twice: {log}')
    harness.check(log['signed in already'] > 4 * log['handshakes'], f'connections stay signed in: {log}')


def a_server_that_wants_a_ticket_for_each_request_gets_it(run):
    kdc, stage, names, profile = stage_with_kdc(run, 1, persistent=False)
    onprem_test.check_archived(run, stage, profile, with_keytab(kdc), 6)
    harness.same('who signed in', set(names), {CLIENT})
    harness.same('refused', stage.front.log['bad'], 0)
    harness.same('tickets', stage.front.log['good'], stage.front.log['forwarded'])


def without_a_ticket_the_run_ends_and_says_so(run):
    kdc, stage, _, profile = stage_with_kdc(run, 1)
    env = {**onprem_test.environment(), 'KRB5_CONFIG': kdc.env['KRB5_CONFIG'], 'KRB5_CLIENT_KTNAME': str(run.dir / 'none')}
    result = run.exarch('archive', profile, expect=harness.SIGN_IN, env=env)
    harness.contains('stderr', result.err, 'Kerberos ticket')
    harness.same('signed in', stage.front.log['good'], 0)


if __name__ == '__main__':
    harness.main(a_ticket_signs_in_each_connection_once,
                 a_server_that_wants_a_ticket_for_each_request_gets_it,
                 without_a_ticket_the_run_ends_and_says_so)

# SPDX-License-Identifier: Apache-2.0
"""The judge of every simulator's log (judge.py) sees what it is there for, and nothing else."""
import harness
import judge
from harness import check, same

ANNA, BERT = 'anna@sim.example', 'bert@sim.example'


def program(threads=2, mailboxes=4, began=0.0, ended=None):
    p = judge.Program([], began)
    p.threads, p.mailboxes, p.ended = threads, mailboxes, ended
    return p


def asked(begin, end, operation='GetItem', mailbox=ANNA, agent='exarch/1', **more):
    return {'agent': agent, 'path': '/EWS/Exchange.asmx', 'operation': operation, 'mailbox': mailbox, 'from_us': begin, 'to_us': end,
            'status': 200, **more}


def is_found(what, log, *programs, words):
    found = judge.complaints(log, programs or [program()])
    check(len(found) == 1 and words in found[0], f'{what}: {found}')


def is_fine(what, log, *programs):
    same(what, judge.complaints(log, programs or [program()]), [])


def more_requests_at_once_than_threads_are_seen(run):
    two = [asked(10, 30), asked(20, 40)]
    is_fine('two with two threads', two + [asked(30, 50)])
    is_found('three', two + [asked(25, 50)], words='3 requests on the way with 2 threads')
    is_found('sign-in counts too', two + [{'agent': 'exarch/1', 'path': '/t/oauth2/v2.0/token', 'from_us': 25, 'to_us': 26,
                                          'status': 200}], words='3 requests on the way')
    is_fine('of others', two + [asked(25, 50, agent='exchangelib')])
    is_fine('whose client has gone', [asked(10, 30, left=True), asked(20, 40), asked(25, 50)])
    is_fine('whose program has ended', two + [asked(25, 50)], program(ended=23e-6), program(began=24e-6))
    is_found('of no program', [asked(10, 30)], program(began=20e-6), words='no program of this test')


def more_mailboxes_at_once_than_allowed_are_seen(run):
    both = [asked(10, 30), asked(20, 40, mailbox=BERT)]
    is_fine('two', both, program(mailboxes=2))
    is_found('two with one allowed', both, program(mailboxes=1), words='2 mailboxes at a time with 1 allowed')
    is_fine('one after the other', [asked(10, 30), asked(30, 40, mailbox=BERT)], program(mailboxes=1))
    crowd = [asked(10, 30) for _ in range(judge.REQUESTS_OF_A_MAILBOX + 1)]
    is_found('to one', crowd, program(threads=64), words='21 requests to one mailbox')


def a_request_before_its_time_is_seen(run):
    told, early = asked(10, 20, told_ms=100), asked(30, 40, early_ms=99)
    is_found('of one thread', [told, early], program(threads=1), words='1 requests before their time')
    is_fine('of another thread', [told, early], program(threads=2))
    is_found('two of two threads', [told, early, asked(50, 60, early_ms=99)], program(threads=2), words='2 requests before their time')
    is_fine('when another program was told', [told, early], program(1, ended=25e-6), program(1, began=26e-6))
    is_fine('when another client was told', [asked(10, 20, told_ms=100, agent='other'), early], program(threads=1))
    is_fine('another mailbox', [told, asked(30, 40, mailbox=BERT)], program(threads=1))


def what_is_sent_twice_is_seen(run):
    def delete(begin, **more):
        return asked(begin, begin + 5, 'DeleteItem', about=['a', 'b'], **more)
    look = asked(20, 25, about=['a', 'b'])
    is_fine('after a refusal that nobody looked at', [delete(10, status=401), delete(30)])
    is_fine('after a look', [delete(10, status=0), look, delete(30)])
    found = judge.complaints([delete(10, status=0), delete(30)], [program()])
    check(len(found) == 2 and all('without a look' in c for c in found), f'{found}')
    is_found('looked at one alone', [delete(10, status=0), asked(20, 25, about=['a']), delete(30)], words='DeleteItem of b again')
    is_found('what was done', [delete(10, done=['a']), look, delete(30)], words='DeleteItem of a, which was done')
    create = [asked(begin, begin + 5, 'CreateItem', about=['c']) for begin in (10, 30)]
    is_found('made again', create, words='CreateItem of c again without a look')
    is_fine('made again after a look', [create[0], asked(20, 25, 'FindItem'), create[1]])
    killed, next_one = program(ended=20e-6), program(began=22e-6)
    long_one, looked = asked(10, 100, 'CreateItem', about=['c']), asked(25, 28, 'FindItem')
    is_fine('by a program that was killed before the answer', [long_one, looked, create[1]], killed, next_one)
    is_found('while the answer is awaited', [long_one, looked, create[1]], program(), words='CreateItem of c again without a look')
    is_fine('in two mailboxes', [create[0], asked(30, 35, 'CreateItem', BERT, about=['c'])])


def limits_are_those_of_the_command_line(run):
    profile = run.dir / 'p.yaml'
    profile.write_text('{"run": {"threads": 3, "mailbox_concurrency": 2}}')
    same('of the profile', judge.limits(['archive', str(profile)]), (3, 2))
    same('of the option', judge.limits(['archive', str(profile), '--threads', '8']), (8, 2))
    same('of a bench that chooses itself', judge.limits(['bench', str(profile)]), (8, 2))
    same('of several, one after the other', judge.limits(['bench', str(profile), '--threads', '1,8,2']), (8, 2))
    profile.write_text('run:\n  threads: 5\n')
    same('otherwise', judge.limits(['archive', str(profile)]), (5, 4))
    same('of nothing', judge.limits(['archive']), (4, 4))


if __name__ == '__main__':
    harness.main(more_requests_at_once_than_threads_are_seen, more_mailboxes_at_once_than_allowed_are_seen,
                 a_request_before_its_time_is_seen, what_is_sent_twice_is_seen, limits_are_those_of_the_command_line)

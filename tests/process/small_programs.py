"""Programs without a framework, each in a few lines: what it does, and its text."""

from __future__ import annotations

ENDINGS = {
    "falls off the end": "print('out')",
    "exits with a number": "import sys; sys.exit(7)",
    "exits with a text": "import sys; sys.exit('no such thing')",
    "exits with None": "import sys; sys.exit()",
    "exits with True": "import sys; sys.exit(True)",
    "exits with a number over 255": "import sys; sys.exit(1000)",
    "exits with -1": "import sys; sys.exit(-1)",
    "raises": "def f():\n    raise ValueError('oh: é')\nf()",
    "raises from a cause": "try:\n    1 / 0\nexcept Exception as e:\n    raise KeyError('k') from e",
    "raises a group of its own": "class E(BaseException): pass\nraise E",
    "has a syntax error": "print('x'\n",
    "leaves by os._exit": "import os, sys\nsys.stdout.write('lost')\nos._exit(3)",
    "imports what is missing": "import not_there_at_all",
    "warns": "import warnings; warnings.warn('careful')",
    "replaces the excepthook": "import sys\nsys.excepthook = lambda *a: print('hooked', a[0])\n1 / 0",
    "runs atexit in order": "import atexit\nfor i in range(3): atexit.register(print, 'bye', i)\n1 / 0",
    "raises in atexit": "import atexit\natexit.register(lambda: 1 / 0)",
    "closes stdout": "import os\nprint('kept', flush=True)\nos.close(1)",
    "prints bytes that are no text": "import sys; sys.stdout.buffer.write(bytes(range(256)))",
    "prints a surrogate": "print('\\udce9')",
    "prints a lot": "for i in range(200000): print(i)",
    "ends with a thread running": (
        "import threading, pickle\nclass C: pass\ndone = threading.Event()\n"
        "def late():\n    threading.main_thread().join()\n    print(type(pickle.loads(pickle.dumps(C()))).__name__)\n"
        "threading.Thread(target=late).start()\nprint('main ends')"
    ),
    "leaves a daemon thread": "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()",
    "runs out of recursion": "import sys\nsys.setrecursionlimit(60)\ndef f(): f()\nf()",
    "sets a trace function": (
        "import sys\nseen = []\nsys.settrace(lambda f, e, a: seen.append(f.f_code.co_name))\n"
        "def f(): pass\nf()\nsys.settrace(None)\nprint(seen)"
    ),
    "profiles itself": "import cProfile\np = cProfile.Profile()\np.runcall(len, 'abc')\nprint(len(p.getstats()))",
    "runs asyncio": "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    return 5\nprint(asyncio.run(f()))",
    "reads its own source": "import inspect, __main__\ndef f(): pass\nprint(inspect.getsource(f), inspect.getfile(f))",
    "executes another Python": (
        "import os, sys\nprint('first', flush=True)\nos.execv(sys.executable, [sys.executable, '-c', 'print(2)'])"
    ),
    "forks": "import os\nprint('x', flush=True)\nif os.fork() == 0:\n    os._exit(0)\nprint(os.waitstatus_to_exitcode(os.wait()[1]))",
    "looks at its modules' specs": "import json\nprint(json.__spec__, json.__loader__ is json.__spec__.loader)",
    "is killed": "import os, signal\nprint('x', flush=True)\nos.kill(os.getpid(), signal.SIGKILL)",
    "aborts": "import os\nos.abort()",
    "segfaults": "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)",
    "segfaults with faulthandler": (
        "import faulthandler, os, signal\nfaulthandler.enable()\nos.kill(os.getpid(), signal.SIGSEGV)"
    ),
    "is terminated": "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)",
    "interrupts itself": "import os, signal\nos.kill(os.getpid(), signal.SIGINT)",
    "raises KeyboardInterrupt": "raise KeyboardInterrupt",
    "writes to a closed pipe": "import os, signal\nsignal.signal(signal.SIGPIPE, signal.SIG_DFL)\nr, w = os.pipe()\nos.close(r)\nos.write(w, b'x')",
    "runs a shell": "import subprocess\nprint(subprocess.run('echo hi; kill -PIPE $$', shell=True).returncode, flush=True)",
}

HANDLERS = {
    "replaces the excepthook of threads": (
        "import threading\nthreading.excepthook = lambda a: print('hooked', a.exc_type, a.thread.name)\n"
        "t = threading.Thread(target=lambda: 1 / 0, name='worker')\nt.start()\nt.join()"
    ),
    "replaces the unraisablehook": (
        "import sys\nsys.unraisablehook = lambda a: print('hooked', a.exc_value)\n"
        "class C:\n    def __del__(self): 1 / 0\nC()\ndel C"
    ),
    "raises in __del__ at its end": "class C:\n    def __del__(self): raise KeyError('late')\nc = C()",
    "raises in an excepthook": "import sys\ndef hook(*a): raise KeyError('hook')\nsys.excepthook = hook\n1 / 0",
    "exits in a thread": "import sys, threading\nt = threading.Thread(target=sys.exit, args=[3])\nt.start()\nt.join()\nprint('on')",
    "registers atexit in atexit": (
        "import atexit\ndef late():\n    print('first')\n    atexit.register(print, 'second')\n    raise SystemExit(9)\n"
        "atexit.register(late)"
    ),
    "dumps all threads": (
        "import faulthandler, sys, threading\nready, done = threading.Event(), threading.Event()\n"
        "def work():\n    ready.set()\n    done.wait()\n"
        "t = threading.Thread(target=work)\nt.start()\nready.wait()\n"
        "faulthandler.dump_traceback(sys.stderr, all_threads=True)\ndone.set()\nt.join()"
    ),
    "is ended by the dump of a watchdog": (
        "import faulthandler, threading\nfaulthandler.dump_traceback_later(0.05, exit=True)\nthreading.Event().wait()"
    ),
    "dumps on a signal and goes on": (
        "import faulthandler, os, signal\nfaulthandler.register(signal.SIGUSR1, chain=False)\n"
        "os.kill(os.getpid(), signal.SIGUSR1)\nprint('on')"
    ),
    "reads a null pointer": "import ctypes, faulthandler\nfaulthandler.enable()\nctypes.string_at(0)",
    "asks for too much memory": "try:\n    bytearray(1 << 60)\nexcept MemoryError as e:\n    print(repr(e))\nbytearray(1 << 60)",
    "turns warnings into errors": (
        "import warnings\nwarnings.simplefilter('error')\ntry:\n    warnings.warn('once')\nexcept UserWarning as e:\n"
        "    print(e)\nimport json, decimal, asyncio, sqlite3\nwarnings.warn('twice')"
    ),
    "freezes its garbage": (
        "import gc\ngc.freeze()\nprint(gc.get_freeze_count() > 0, gc.isenabled(), gc.get_threshold(), gc.callbacks)\n"
        "gc.unfreeze()\nprint(gc.get_freeze_count(), gc.garbage)"
    ),
    "looks at all objects": (
        "import gc, sys\nfor one in gc.get_objects():\n    isinstance(one, int), type(one).__name__, sys.getsizeof(one)\n"
        "print('seen')"
    ),
    "hears audit events": (
        "import sys\nheard = []\nsys.addaudithook(lambda name, a: heard.append(name))\n"
        "import colorsys\nopen(__file__).close()\nprint(heard)"
    ),
}

SIGNALS = {
    "waits for signals": (
        "import os, signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])\nos.kill(os.getpid(), signal.SIGUSR1)\n"
        "print(signal.sigpending(), signal.sigwait([signal.SIGUSR1]), signal.sigtimedwait([signal.SIGUSR1], 0))"
    ),
    "is woken through a descriptor": (
        "import os, signal\nr, w = os.pipe()\nos.set_blocking(w, False)\nprint(signal.set_wakeup_fd(w))\n"
        "signal.signal(signal.SIGUSR1, lambda *a: None)\nos.kill(os.getpid(), signal.SIGUSR1)\nprint(os.read(r, 9), signal.set_wakeup_fd(-1))"
    ),
    "sets a timer": (
        "import signal\nsignal.signal(signal.SIGALRM, lambda n, f: print(n, f.f_code.co_name))\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.02)\nsignal.pause()\nprint(signal.getitimer(signal.ITIMER_REAL))"
    ),
    "is ended by an alarm": "import signal\nsignal.setitimer(signal.ITIMER_REAL, 0.02)\nsignal.pause()",
    "handles a signal in asyncio": (
        "import asyncio, os, signal\nasync def main():\n    loop, heard = asyncio.get_running_loop(), asyncio.Event()\n"
        "    loop.add_signal_handler(signal.SIGTERM, heard.set)\n    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    await heard.wait()\n    print('heard')\nasyncio.run(main())"
    ),
    "is interrupted in asyncio": (
        "import asyncio, os, signal\nasync def main():\n    try:\n        os.kill(os.getpid(), signal.SIGINT)\n"
        "        await asyncio.sleep(60)\n    finally:\n        print('cleaned up')\nasyncio.run(main())"
    ),
    "is interrupted twice": (
        "import os, signal\nfor n in range(2):\n    try:\n        os.kill(os.getpid(), signal.SIGINT)\n        signal.pause()\n"
        "    except KeyboardInterrupt:\n        print('interrupted', n)\nos.kill(os.getpid(), signal.SIGINT)\nsignal.pause()"
    ),
    "handles SIGSEGV itself": (
        "import os, signal\nsignal.signal(signal.SIGSEGV, lambda *a: print('caught'))\nos.kill(os.getpid(), signal.SIGSEGV)\nprint('on')"
    ),
}

PROCESSES = {
    "starts processes of all kinds": (
        "import concurrent.futures as futures, multiprocessing as mp, os, sys\n"
        "from multiprocessing import shared_memory\n"
        "def work(q, n):\n    q.put(n * n)\n    sys.exit(n)\n"
        "def fill(name):\n    block = shared_memory.SharedMemory(name)\n    block.buf[0] = 7\n    block.close()\n"
        "if __name__ == '__main__':\n"
        "    for method in 'fork', 'spawn', 'forkserver':\n"
        "        context = mp.get_context(method)\n        q = context.Queue()\n"
        "        p = context.Process(target=work, args=(q, 3))\n        p.start()\n        print(q.get(), flush=True)\n        p.join()\n"
        "        block = shared_memory.SharedMemory(create=True, size=8)\n"
        "        with futures.ProcessPoolExecutor(1, context) as pool:\n            pool.submit(fill, block.name).result()\n"
        "        print(method, p.exitcode, block.buf[0], p.name, mp.active_children())\n        block.close()\n        block.unlink()\n"
        "    with mp.Manager() as manager:\n        d = manager.dict(a=1)\n        d['b'] = 2\n        print(d.copy())\n"
    ),
    "loses a worker of a pool": (
        "import concurrent.futures as futures, os, signal\ndef work():\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        "if __name__ == '__main__':\n    with futures.ProcessPoolExecutor(1) as pool:\n        try:\n            pool.submit(work).result()\n"
        "        except futures.process.BrokenProcessPool as e:\n            print(e)\n"
    ),
    "ends its workers": (
        "import multiprocessing as mp, signal, threading\nif __name__ == '__main__':\n"
        "    for end in 'terminate', 'kill':\n        p = mp.get_context('spawn').Process(target=threading.Event().wait)\n        p.start()\n        getattr(p, end)()\n        p.join()\n        print(p.exitcode)\n"
        "    p = mp.get_context('fork').Process(target=threading.Event().wait, daemon=True)\n    p.start()\n"
    ),
    "runs joblib": (
        "import joblib\ndef square(n):\n    return n * n\nif __name__ == '__main__':\n"
        "    for backend in 'loky', 'multiprocessing', 'threading':\n"
        "        print(backend, joblib.Parallel(2, backend=backend)(joblib.delayed(square)(n) for n in range(3)))\n"
    ),
    "becomes a daemon": (
        "import os, sys\nr, w = os.pipe()\nif os.fork():\n    os.close(w)\n    print(os.read(r, 99))\n    os._exit(0)\n"
        "os.setsid()\nif os.fork():\n    os._exit(0)\nos.chdir('/')\nos.umask(0)\nos.dup2(w, 50)\nos.closerange(0, 50)\n"
        "os.write(50, b'daemon %d' % len(os.listdir('/proc/self/fd')))"
    ),
    "starts children with other environments": (
        "import os, subprocess, sys\nsay = 'import sys, os; print(sys.flags.isolated, sorted(os.environ)[:1], sys.path[0])'\n"
        "for env in {}, {'PYTHONPATH': '/nowhere'}, {'A': 'x'}:\n"
        "    print(subprocess.run([sys.executable, '-c', say], env=env, capture_output=True), flush=True)\n"
        "for flag in '-I', '-E', '-S':\n    print(subprocess.run([sys.executable, flag, '-c', 'print(2)'], capture_output=True).stdout)\n"
    ),
    "spawns by posix": (
        "import os, sys\nprint('x', flush=True)\n"
        "child = os.posix_spawn(sys.executable, [sys.executable, '-c', 'import sys; sys.exit(4)'], os.environ)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    ),
    "runs a child in a terminal": (
        "import os, pty, sys\nchild, terminal = pty.fork()\n"
        "if not child:\n    print(os.isatty(0), os.ttyname(1)[:5], flush=True)\n    os._exit(6)\n"
        "print(os.read(terminal, 99), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    ),
    "runs a subprocess in asyncio": (
        "import asyncio, sys\nasync def main():\n"
        "    p = await asyncio.create_subprocess_exec(sys.executable, '-c', 'print(input())', stdin=-1, stdout=-1)\n"
        "    print(await p.communicate(b'through'), p.returncode)\nasyncio.run(main())"
    ),
    "runs a subinterpreter": (
        "import _xxsubinterpreters as sub\none = sub.create()\n"
        "sub.run_string(one, 'import sys, colorsys; print(sys.argv, [type(f).__name__ for f in sys.path_hooks], flush=True)')\nsub.destroy(one)"
    ),
    "forks while threads run": (
        "import os, threading\ndone = threading.Event()\nthreads = [threading.Thread(target=done.wait) for _ in range(3)]\n"
        "for t in threads: t.start()\nchild = os.fork()\n"
        "if not child:\n    print('child', threading.active_count(), flush=True)\n    os._exit(3)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), threading.active_count())\ndone.set()"
    ),
}

TOOLS = {
    "is covered": (
        "import coverage, io, sys\ncover = coverage.Coverage(data_file=None, branch=True, source_pkgs=['covered'])\ncover.start()\n"
        "import covered\ncovered.f(3)\ncover.stop()\ncover.report(show_missing=True)\nprint(sorted(cover.get_data().arcs(covered.__file__)))"
    ),
    "counts its lines": (
        "import trace\nt = trace.Trace(count=1, trace=0)\nimport covered\nt.runfunc(covered.f, 3)\n"
        "print(sorted((l, n) for (f, l), n in t.results().counts.items() if f == covered.__file__))"
    ),
    "is profiled by cProfile": (
        "import cProfile, pstats\nimport covered\np = cProfile.Profile()\np.runcall(covered.f, 3)\n"
        "print(sorted((n, c[0]) for (_, _, n), c in pstats.Stats(p).stats.items()))"
    ),
    "traces its memory": (
        "import tracemalloc\ntracemalloc.start()\nkept = [bytes(1000) for _ in range(50)]\n"
        "(top,) = [s for s in tracemalloc.take_snapshot().statistics('lineno') if s.size > 40000]\nprint(top.count, top.traceback)"
    ),
    "sets a profile function for all threads": (
        "import sys, threading\nseen = []\ndef note(f, e, a):\n    seen.append((e, f.f_code.co_name))\nthreading.setprofile(note)\n"
        "t = threading.Thread(target=len, args=['x'])\nt.start()\nt.join()\nthreading.setprofile(None)\nprint(seen)"
    ),
    "tests itself": (
        "import unittest\nclass T(unittest.TestCase):\n    def test_one(self): self.assertEqual(1, 1)\n    def test_two(self): self.fail('no')\n"
        "import io\nr = unittest.TextTestRunner(stream=io.StringIO()).run(unittest.defaultTestLoader.loadTestsFromTestCase(T))\n"
        "print(r, r.failures[0][1])"
    ),
    "runs another program in itself": (
        "import runpy, sys\nsys.argv = ['covered.py', 'x']\nprint(sorted(runpy.run_path('covered.py', run_name='__main__')))\n"
        "runpy.run_module('covered', alter_sys=True)"
    ),
}

IMPORTS = {
    "replaces the import function": (
        "import builtins, sys\nsys.dont_write_bytecode = True\nplain, names = builtins.__import__, []\ndef note(name, *a, **k):\n    names.append(name)\n    return plain(name, *a, **k)\n"
        "builtins.__import__ = note\nimport colorsys, covered\nprint(names)"
    ),
    "changes the source of what it imports": (
        "import importlib.machinery as m, sys\nclass Loader(m.SourceFileLoader):\n"
        "    def source_to_code(self, data, path, **k):\n        return super().source_to_code(data.replace(b'odd', b'ODD'), path, **k)\n"
        "    def get_code(self, name):\n        return self.source_to_code(self.get_data(self.path), self.path)\n"
        "class Finder(m.PathFinder):\n    @classmethod\n    def find_spec(cls, name, path=None, target=None):\n"
        "        spec = super().find_spec(name, path, target)\n"
        "        if spec and name == 'covered':\n            spec.loader = Loader(name, spec.origin)\n        return spec\n"
        "sys.meta_path.insert(0, Finder)\nimport covered\nprint(covered.f(3), covered.__loader__.__class__)"
    ),
    "clears what finds modules": (
        "import sys\nsys.meta_path.clear()\nsys.path_hooks.clear()\nsys.path_importer_cache.clear()\ntry:\n    import colorsys\n"
        "except ImportError as e:\n    print(e)"
    ),
    "changes sys.path": (
        "import os, sys\nos.makedirs('later', exist_ok=True)\nopen('later/found_later.py', 'w').write('print(__file__)')\n"
        "sys.path[:] = [p for p in sys.path if 'lib' in p] + ['later']\nimport found_later\n"
        "del sys.modules['found_later']\nos.chdir('later')\nsys.path[-1] = ''\nimport found_later\nprint(sys.path[-1:])"
    ),
    "forgets all modules": "import sys\nsys.modules.clear()\nprint('on')",
    "reloads what it has imported": "import importlib, covered\nprint(importlib.reload(covered) is covered, covered.__spec__.name)",
    "imports from threads at once": (
        "import importlib, threading\nnames = ['colorsys', 'sched', 'this', 'xmlrpc.client', 'wave']\n"
        "threads = [threading.Thread(target=importlib.import_module, args=[n]) for n in names * 3]\n"
        "for t in threads: t.start()\nfor t in threads: t.join()\nprint('imported')"
    ),
    "imports a module of a zip file": (
        "import sys, zipfile\nwith zipfile.ZipFile('z.zip', 'w') as z: z.writestr('zipped.py', 'word = __file__')\n"
        "sys.path.insert(0, 'z.zip')\nimport zipped\nprint(zipped.word, type(zipped.__loader__))"
    ),
    "imports its package's parts": (
        "import importlib, os\nos.makedirs('pack/inner', exist_ok=True)\nopen('pack/__init__.py', 'w').write('from . import inner')\n"
        "open('pack/inner/__init__.py', 'w').write('from .. import __name__ as above\\nprint(above, __name__, __package__)')\n"
        "importlib.import_module('.inner', 'pack')\ntry:\n    from . import nothing\nexcept ImportError as e:\n    print(e)"
    ),
}

OUTPUT = {
    "closes all that is open": (
        "import os\nos.closerange(3, 256)\nfiles = [open(f'out{n}', 'w+') for n in range(5)]\nfor file in files:\n    print(file.fileno(), file=file)\n"
        "for file in files:\n    file.seek(0)\n    print(file.read(), end='')"
    ),
    "puts files at numbers of its choice": (
        "import os\nfile = os.open('chosen', os.O_RDWR | os.O_CREAT)\nfor n in range(3, 20):\n    os.dup2(file, n)\nos.write(19, b'mine')\n"
        "print(os.path.getsize('chosen'))"
    ),
    "may open few files": (
        "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (12, 12))\nfiles = []\ntry:\n    while True:\n        files.append(open(__file__))\n"
        "except OSError as e:\n    print(len(files), e.errno)"
    ),
    "writes past its limit": (
        "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\ntry:\n    with open('big', 'wb') as f:\n        f.write(bytes(5000))\n"
        "except OSError as e:\n    print(e.errno)"
    ),
    "sends stdout elsewhere": (
        "import os, subprocess, sys\nsys.stdout.flush()\nkept = os.dup(1)\nfile = os.open('elsewhere', os.O_RDWR | os.O_CREAT)\nos.dup2(file, 1)\n"
        "print('aside')\nsubprocess.run(['echo', 'child'])\nsys.stdout.flush()\nos.dup2(kept, 1)\nprint(open('elsewhere').read())"
    ),
    "closes stderr and fails": "import os\nos.close(2)\n1 / 0",
    "prints lines of any length and code": (
        "import sys\nsys.stdout.write('x' * 3_000_000 + '\\n')\nprint('\\x1b[31m\\r\\0\\x07 ü 漢 \\U0001f600')\nsys.stderr.write('e' * 100_000 + '\\n')"
    ),
}

PROGRAMS = {**ENDINGS, **HANDLERS, **SIGNALS, **PROCESSES, **TOOLS, **IMPORTS, **OUTPUT}
COVERED = """
def f(n):
    odd = []
    for i in range(n):
        if i % 2:
            odd.append(i)
    return odd, 'odd'
if __name__ == '__main__':
    print(f(9))
"""
"""A module that some of the programs import."""

"""Post-import callbacks: called once, right after the module, with no trace left on it."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from tracedbg.boot import imports
from tracedbg.boot.imports import PostImport

ROOT = str(Path(imports.__file__).parents[2])


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Writes modules that can be imported, and forgets them afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    written = []

    def write(name: str, text: str = "") -> str:
        path = tmp_path / (name.replace(".", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        written.append(name)
        importlib.invalidate_caches()
        return name

    yield write
    for name in written:
        sys.modules.pop(name, None)


@pytest.fixture
def watch():
    party = PostImport()
    yield party
    party.stop()


def test_a_callback_gets_the_executed_module(modules, watch):
    seen = []
    watch.watch(modules("watched_a", "value = 5"), lambda module: seen.append(module.value))
    import watched_a

    assert seen == [5]
    assert watched_a.value == 5


def test_nothing_of_ours_is_left_on_the_module(modules, watch):
    during = modules("watched_b", "loaders = type(__loader__), type(__spec__.loader)")
    plain = importlib.import_module(
        modules("unwatched_b", "loaders = type(__loader__), type(__spec__.loader)")
    )
    watch.watch(during, lambda module: None)
    module = importlib.import_module(during)
    assert module.loaders == plain.loaders
    assert module.__loader__ is module.__spec__.loader
    assert type(module.__loader__) is importlib.machinery.SourceFileLoader
    assert set(vars(module)) == set(vars(plain))


def test_a_module_that_is_there_already_is_called_back_at_once(watch):
    seen = []
    watch.watch("json", seen.append)
    assert seen == [sys.modules["json"]]


def test_a_callback_before_execution_finds_nothing_in_the_module(modules, watch):
    seen = []
    watch.watch_start(modules("watched_c", "value = 5"), lambda module: seen.append(hasattr(module, "value")))
    importlib.import_module("watched_c")
    assert seen == [False]


def test_a_callback_that_is_added_before_execution_is_called_after_it(modules, watch):
    seen = []
    name = modules("watched_d", "value = 5")
    watch.watch_start(name, lambda _: PostImport().watch(name, lambda module: seen.append(module.value)))
    importlib.import_module(name)
    assert seen == [5]


def test_two_parties_do_not_hide_a_module_from_each_other(modules, watch):
    other, seen = PostImport(), []
    name = modules("watched_e")
    watch.watch(name, lambda _: seen.append("first"))
    other.watch(name, lambda _: seen.append("second"))
    importlib.import_module(name)
    assert seen == ["first", "second"]


def test_a_stopped_party_is_called_no_more(modules, watch):
    other, seen = PostImport(), []
    name = modules("watched_f")
    watch.watch(name, lambda _: other.stop())
    other.watch(name, seen.append)
    importlib.import_module(name)
    assert seen == []


def test_the_finder_leaves_when_nothing_is_left_to_watch(modules):
    party = PostImport()
    party.watch(modules("watched_g"), lambda _: None)
    assert imports._finder in sys.meta_path
    importlib.import_module("watched_g")
    assert imports._finder not in sys.meta_path


def test_a_callback_that_raises_does_not_disturb_the_import(modules, watch):
    seen = []
    name = modules("watched_h")
    watch.watch(name, lambda _: 1 / 0)
    watch.watch(name, seen.append)
    assert importlib.import_module(name) in seen


def test_a_failed_import_keeps_the_callback_for_the_next_try(modules, watch):
    seen = []
    name = modules("watched_i", "1 / 0")
    watch.watch(name, seen.append)
    with pytest.raises(ZeroDivisionError):
        importlib.import_module(name)
    assert seen == []
    modules(name, "value = 'now it works'")
    importlib.import_module(name)
    assert len(seen) == 1


def test_a_missing_module_is_missing_as_ever(watch):
    watch.watch("not_there_at_all", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match="No module named 'not_there_at_all'"):
        importlib.import_module("not_there_at_all")


def test_looking_for_a_module_is_not_importing_it(modules, watch):
    seen = []
    name = modules("watched_j")
    watch.watch(name, seen.append)
    spec = importlib.util.find_spec(name)
    assert isinstance(spec.loader, importlib.machinery.SourceFileLoader)
    assert spec.loader.get_filename(name) == spec.origin
    assert seen == []


def test_a_reload_calls_nobody(modules, watch):
    seen = []
    name = modules("watched_k", "value = 5")
    watch.watch(name, seen.append)
    module = importlib.import_module(name)
    assert importlib.reload(module) is module
    assert seen == [module]


def test_a_lazy_module_is_called_back_when_it_loads(modules, watch):
    seen = []
    name = modules("watched_l", "value = 5")
    watch.watch(name, lambda module: seen.append(vars(module)["value"]))
    spec = importlib.util.find_spec(name)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    assert seen == []
    assert module.value == 5
    assert seen == [5]


def test_a_module_in_a_zip_file_is_called_back(tmp_path, monkeypatch, watch):
    archive = tmp_path / "modules.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("watched_m.py", "value = 5")
    monkeypatch.syspath_prepend(str(archive))
    seen = []
    watch.watch("watched_m", lambda module: seen.append(module.value))
    module = importlib.import_module("watched_m")
    assert seen == [5]
    assert type(module.__loader__).__name__ == "zipimporter"
    del sys.modules["watched_m"]


def test_a_submodule_is_called_back(modules, watch):
    seen = []
    modules("watched_n.__init__")
    watch.watch(modules("watched_n.inner", "value = 5"), lambda module: seen.append(module.value))
    importlib.import_module("watched_n.inner")
    assert seen == [5]


def test_a_module_that_replaces_itself_is_passed_as_others_get_it(modules, watch):
    seen = []
    name = modules("watched_o", "import sys\nsys.modules[__name__] = 'another object'")
    watch.watch(name, seen.append)
    importlib.import_module(name)
    assert seen == ["another object"]


def test_the_users_finder_in_front_of_ours_may_ask_us(modules, watch):
    seen = []
    name = modules("watched_p")
    watch.watch(name, seen.append)

    class Front:
        def find_spec(self, name, path=None, target=None):
            for finder in list(sys.meta_path[1:]):
                if (spec := finder.find_spec(name, path, target)) is not None:
                    return spec
            return None

    sys.meta_path.insert(0, front := Front())
    importlib.import_module(name)
    sys.meta_path.remove(front)
    assert len(seen) == 1


def test_the_users_finder_behind_ours_may_start_the_search_anew(modules, watch):
    seen = []
    name = modules("watched_q")
    watch.watch(name, seen.append)

    class Behind:
        busy = False

        def find_spec(self, name, path=None, target=None):
            if self.busy:
                return None
            self.busy = True
            try:
                return importlib.util.find_spec(name)
            finally:
                self.busy = False

    sys.meta_path.insert(1, behind := Behind())
    importlib.import_module(name)
    sys.meta_path.remove(behind)
    assert len(seen) == 1


def test_many_threads_import_and_one_callback_is_called_once(modules, watch):
    seen = []
    name = modules("watched_r", "value = 5")
    watch.watch(name, lambda module: seen.append(module.value))
    barrier = threading.Barrier(8)

    def work():
        barrier.wait()
        importlib.import_module(name)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [5]


FAILING = """
import sys
sys.path.insert(0, {root!r})
if {watched}:
    from tracedbg.boot.imports import PostImport
    PostImport().watch("failing", print)
    PostImport().watch_start("failing", len)
import failing
"""


@pytest.mark.parametrize("text", ["1 / 0", "import not_there", "syntax error", "raise ImportError('x')"])
def test_a_traceback_through_a_watched_import_is_plain_pythons(tmp_path, text):
    (tmp_path / "failing.py").write_text(f"import warnings\nwarnings.warn('w', stacklevel=2)\n{text}\n")
    seen = []
    for watched in (False, True):
        (tmp_path / "p.py").write_text(FAILING.format(root=ROOT, watched=watched))
        ended = subprocess.run(
            [sys.executable, "p.py"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        seen.append((ended.returncode, ended.stdout, ended.stderr))
    assert seen[0] == seen[1]
    assert seen[0][0] == 1

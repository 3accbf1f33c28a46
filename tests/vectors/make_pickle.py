# SPDX-License-Identifier: Apache-2.0
"""Makes fixtures/invalid/pickle-*.pt: PyTorch archives whose pickles want something run, or are broken. The lists of globals
that were found in such files are tried one by one by test_pickle_fixtures.py, without a file for each.

    python3 tests/vectors/make_pickle.py [FOLDER]

FOLDER is fixtures/ by default. Most are ways around scanners of pickles that were published with picklescan, modelscan and
fickling; what they would run is harmless. Beside each stands NAME.expect: status, offset, and the global that the message
names ("-": none). Needs nothing but Python.
"""
import collections
import hashlib
import io
import pickle
import struct
import sys
import zipfile

from fixture_checks import write

MEMBER = "a/data.pkl"
DATA_OFF = 30 + len(MEMBER)
EMPTY = hashlib.sha256(b"\x04").hexdigest()  # the weights digest of no tensors
AT = b"\0AT\0"  # stands before the opcode at fault

PROTO2, PROTO4 = b"\x80\x02", b"\x80\x04"


def text(s):
    return b"X" + struct.pack("<I", len(s)) + s.encode()


def short(s):
    return b"\x8c" + bytes([len(s)]) + s.encode()


def named(module, name, at=AT):
    return at + f"c{module}\n{name}\n".encode()


def stacked(module, name, at=AT):
    return short(module) + short(name) + at + b"\x93"


def call(callee, *args):
    return callee + b"(" + b"".join(args) + b"tR"


def calls(module, name, *args):
    """A global of the standard library: refused where it is named."""
    return PROTO2 + call(named(module, name), *(args or (text("x"),))) + b"."


def calls_other(module, name, *args):
    """Any other one: refused where it is called."""
    callee = named(module, name, b"")
    return PROTO2 + callee + b"(" + b"".join(args or (text("x"),)) + b"t" + AT + b"R."


CMD = text("echo heft")

# Globals of the standard library that run, read, write or import something when they are called.
STDLIB = [
    "os.system", "posix.system", "nt.system", "os.popen", "os.spawnl", "os.execv", "subprocess.Popen", "subprocess.run",
    "subprocess.check_output", "subprocess.getoutput", "builtins.eval", "builtins.exec", "builtins.compile", "builtins.getattr",
    "builtins.setattr", "builtins.__import__", "builtins.open", "builtins.map", "builtins.apply", "builtins.type", "builtins.globals",
    "operator.attrgetter", "operator.methodcaller", "operator.itemgetter", "_operator.attrgetter", "functools.reduce",
    "functools.partialmethod", "itertools.starmap", "runpy.run_module", "runpy._run_code", "pty.spawn", "pydoc.pipepager",
    "pydoc.locate", "bdb.Bdb", "pdb.run", "profile.run", "cProfile.run", "cProfile.runctx", "trace.Trace", "timeit.timeit", "timeit.main",
    "code.InteractiveInterpreter", "codeop.compile_command", "ctypes.CDLL", "_ctypes.dlopen", "ctypes.util.find_library", "importlib.import_module",
    "imp.load_source", "_imp.create_dynamic", "pkgutil.resolve_name", "zipimport.zipimporter", "ensurepip._run_pip", "venv.create",
    "asyncio.unix_events._UnixSubprocessTransport._start", "asyncio.create_subprocess_shell", "multiprocessing.util.spawnv_passfds",
    "socket.create_connection", "ssl.get_server_certificate", "urllib.request.urlretrieve", "http.client.HTTPSConnection", "ftplib.FTP",
    "smtplib.SMTP", "telnetlib.Telnet", "webbrowser.open", "webbrowser._synthesize", "xmlrpc.client.ServerProxy", "shutil.rmtree", "shutil.copyfile",
    "tempfile.mkstemp", "sqlite3.connect", "linecache.getline", "logging.config.listen", "logging.FileHandler", "pickle.loads", "_pickle.loads",
    "marshal.loads", "shelve.open", "dbm.dumb.open", "aifc.open", "sys.settrace", "sys.modules", "threading.Thread", "signal.signal", "atexit.register",
    "idlelib.pyshell.ModifiedInterpreter", "idlelib.debugobj.ObjectTreeItem", "idlelib.autocomplete.AutoComplete", "lib2to3.pgen2.grammar.Grammar",
    "lib2to3.pgen2.pgen.ParserGenerator", "distutils.spawn.spawn", "distutils.file_util.write_file", "test.support.script_helper.assert_python_ok",
    "cgitb.lookup", "doctest.debug_script", "uuid._get_command_stdout", "uuid._popen", "imaplib.IMAP4_stream", "platform.popen", "commands.getoutput",
    "popen2.popen2", "site.execsitecustomize", "sysconfig._parse_makefile", "nturl2path.url2pathname", "mailcap.findmatch", "modulefinder.ModuleFinder",
    "encodings.search_function", "codecs.open", "_codecs.lookup", "_io.FileIO", "io.open_code", "types.CodeType", "types.FunctionType",
    "inspect.getattr_static", "gc.get_objects", "faulthandler.register", "fileinput.FileInput", "glob.glob", "ast.literal_eval", "dis.dis",
    "concurrent.futures.ThreadPoolExecutor", "compileall.compile_file", "py_compile.compile", "antigravity.geohash", "this.s", "winreg.OpenKey",
    "unittest.mock.patch", "wsgiref.simple_server.make_server", "tkinter.Tcl", "turtle.Screen", "curses.wrapper", "readline.read_init_file",
]  # fmt: skip

# Globals of other packages.
OTHERS = [
    "torch.serialization.load", "torch.load", "torch.hub.load", "torch.storage._load_from_bytes", "torch.jit.load",
    "torch.jit.unsupported_tensor_ops.execWrapper", "torch.utils.bottleneck.__main__.run_cprofile", "torch.utils.collect_env.run",
    "torch.utils._config_module.load_config", "torch._dynamo.guards.get", "torch._inductor.codecache.compile_file",
    "torch.utils.cpp_extension.load_inline", "torch.fx.experimental.symbolic_shapes.eval", "torch.utils.data.datapipes.utils.decoder.basichandlers",
    "torch.distributed.rpc.internal._run_function", "torch.testing._internal.common_utils.run_process_no_exception",
    "torch.multiprocessing.reductions.rebuild_storage_filename", "torch._utils._import_dotted_name", "torch.package.PackageImporter",
    "numpy.testing._private.utils.runstring", "numpy.testing.rundocs", "numpy.f2py.crackfortran.getlincoef", "numpy.load",
    "numpy.distutils.exec_command.exec_command", "numpy.lib.npyio.load", "pip.main", "pip._internal.main", "pip._internal.cli.main.main",
    "pip._internal.utils.subprocess.call_subprocess", "setuptools._distutils.spawn.spawn", "pkg_resources.resource_string", "wheel.cli.main",
    "joblib.load", "joblib._memory_helpers.open_py_source", "dill.loads", "cloudpickle.loads", "keras.models.load_model",
    "sklearn.datasets.load_files", "pandas.io.common.get_handle", "pandas.read_pickle", "requests.get", "yaml.unsafe_load",
    "jinja2.utils.import_string", "IPython.utils.process.system", "tensorflow.python.ops.io_ops.write_file", "triton.runtime.build._build",
    "matplotlib.cbook.open_file_cm", "click.launch", "boto3.client", "aiohttp.client.ClientSession", "httplib2.Http", "mxnet.nd.load",
]  # fmt: skip


def listed():
    """Of every global of the lists: it, a pickle that calls it, and the offset in the archive."""
    for names, make in ((STDLIB, calls), (OTHERS, calls_other)):
        for full in names:
            marked = make(*full.rsplit(".", 1))
            yield full, archive(marked.replace(AT, b"")), DATA_OFF + marked.index(AT)


# Tricks: how the name comes to the machine, and what is done with it.
TRICKS = {
    "stack-global": (PROTO4 + call(stacked("os", "system"), CMD) + b".", "os.system"),
    "stack-global-from-the-memo": (
        PROTO4 + short("os") + b"\x94" + short("system") + b"\x94" + b"00" + b"h\x00h\x01" + AT + b"\x93(" + CMD + b"tR.", "os.system"),
    "memo-overwritten": (
        PROTO4 + short("collections") + b"q\x00" + b"0" + short("os") + b"q\x000" + b"h\x00" + short("system") + AT + b"\x93.", "os.system"),
    "stack-global-of-python-2-strings": (PROTO2 + b"U\x02osU\x06system" + AT + b"\x93.", "os.system"),
    "stack-global-of-escaped-strings": (b"S'\\x6fs'\nS'sy\\163tem'\n" + AT + b"\x93.", "os.system"),
    "stack-global-of-unicode-escapes": (b"V\\u006fs\nVsyst\\U00000065m\n" + AT + b"\x93.", "os.system"),
    "dotted-name": (PROTO4 + call(stacked("os", "path.os.system"), CMD) + b".", "os.path.os.system"),
    "dotted-name-of-a-good-module": (PROTO4 + stacked("torch", "serialization.os.system") + b".", "torch.serialization.os.system"),
    "dotted-global": (PROTO2 + named("collections", "OrderedDict.__init__.__globals__") + b".", "collections.OrderedDict.__init__.__globals__"),
    "a-module-by-a-good-module": (calls_other("torch.serialization", "os"), "torch.serialization.os"),
    "inst": (b"(" + text("echo heft") + AT + b"ios\nsystem\n.", "os.system"),
    "inst-of-another-class": (b"(" + AT + b"imodels\nNet\n.", "models.Net"),
    "obj": (b"(" + named("os", "system") + CMD + b"o.", "os.system"),
    "obj-of-another-class": (b"(" + named("models", "Net", b"") + AT + b"o.", "models.Net"),
    "newobj": (PROTO2 + named("subprocess", "Popen") + b"(" + CMD + b"t\x81.", "subprocess.Popen"),
    "newobj-ex": (PROTO4 + stacked("subprocess", "Popen") + b"(" + CMD + b"t}\x92.", "subprocess.Popen"),
    "python-2-eval": (calls("__builtin__", "eval", CMD), "builtins.eval"),
    "python-2-execfile": (calls("__builtin__", "execfile", CMD), "builtins.execfile"),
    "python-2-apply": (calls("__builtin__", "apply", CMD), "builtins.apply"),
    "python-2-pickle": (calls("cPickle", "loads", CMD), "pickle.loads"),
    "python-2-queue": (calls("Queue", "Queue", CMD), "Queue.Queue"),
    "named-and-not-called": (PROTO2 + b"}" + text("f") + named("os", "system") + b"s.", "os.system"),
    "named-and-dropped": (PROTO2 + named("os", "system") + b"0N.", "os.system"),
    "behind-a-broken-opcode": (PROTO2 + call(named("os", "system"), CMD) + b"\xff", "os.system"),
    "before-an-empty-stack": (PROTO2 + call(named("os", "system"), CMD) + b"000000.", "os.system"),
    "cut-after-the-call": (PROTO2 + call(named("os", "system"), CMD), "os.system"),
    "partial-of-system": (PROTO2 + call(named("functools", "partial", b""), named("os", "system"), CMD) + b".", "os.system"),
    "partial-called": (PROTO2 + call(named("functools", "partial", b""), named("builtins", "print", AT)) + b")R.", "builtins.print"),
    "reconstructor-of-popen": (
        b"ccopy_reg\n_reconstructor\n(" + named("subprocess", "Popen") + b"c__builtin__\nobject\nNtR.", "subprocess.Popen"),
    "default-factory": (PROTO2 + call(named("collections", "defaultdict", b""), named("os", "system")) + b".", "os.system"),
    "a-result-is-called": (PROTO2 + call(named("functools", "partial", b""), named("builtins", "dict", b"")) + b")" + AT + b"R.", "-"),
    "text-is-called": (PROTO2 + text("os.system") + b")" + AT + b"R.", "-"),
    "build-on-a-class": (PROTO2 + named("models", "Net", b"") + b"}" + text("__setstate__") + named("os", "system") + b"sb.", "os.system"),
    "build-of-a-class": (PROTO2 + named("models", "Net", b"") + b"}" + AT + b"b.", None),
    "encode-to-another-codec": (PROTO2 + named("_codecs", "encode", b"") + text("x") + text("rot13") + b"\x86" + AT + b"R.", "_codecs.encode"),
    "extension-registry": (PROTO2 + AT + b"\x82\x01.", "-"),
    "lambda": (PROTO4 + stacked("models", "<lambda>.f") + b".", "models.<lambda>.f"),
    "module-in-capitals": (calls_other("OS", "system"), "OS.system"),
    "module-with-a-space": (calls_other("os ", "system"), "os .system"),
    "carriage-returns": (PROTO2 + b"cos\r\nsystem\r\n(" + CMD + b"t" + AT + b"R.", "os?.system?"),
    "long-name": (PROTO2 + AT + b"cmodels\n" + b"N" * 256 + b"\n.", "-"),
}  # fmt: skip

# Broken pickles: K1-3, K1-4.
BROKEN = {
    "frame-past-the-end": (PROTO4 + AT + b"\x95\xff\xff\x00\x00\x00\x00\x00\x00N.", "end"),
    "text-past-the-end": (PROTO2 + AT + b"X\xff\x00\x00\x00x.", "end"),
    "text-of-2-64-bytes": (PROTO4 + AT + b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffx.", "limit"),
    "line-without-an-end": (AT + b"I12", "end"),
    "no-stop": (PROTO2 + b"N" + AT, "end"),
    "empty-stack": (PROTO2 + AT + b".", "corrupt"),
    "two-values-left": (PROTO2 + b"NN" + AT + b".", "corrupt"),
    "mark-left": (PROTO2 + b"N(" + AT + b".", "corrupt"),
    "pop-across-a-mark": (PROTO2 + b"N(N" + AT + b"\x86.", "corrupt"),
    "no-mark": (PROTO2 + b"]N" + AT + b"e.", "corrupt"),
    "memo-was-not-put": (PROTO2 + AT + b"h\x07.", "corrupt"),
    "memo-2-31": (PROTO2 + b"N" + AT + b"r\xff\xff\xff\x7f.", "limit"),
    "memo-above-the-offset": (PROTO2 + b"N" + AT + b"r\x00\x10\x00\x00.", "limit"),
    "negative-long": (PROTO2 + AT + b"\x8b\xff\xff\xff\xff.", "corrupt"),
    "negative-string": (PROTO2 + AT + b"T\xff\xff\xff\xffx.", "corrupt"),
    "not-utf-8": (PROTO2 + AT + b"X\x01\x00\x00\x00\xff.", "corrupt"),
    "odd-items": (PROTO2 + b"}(NNN" + AT + b"u.", "corrupt"),
    "append-to-a-dict": (PROTO2 + b"}N" + AT + b"a.", "corrupt"),
    "key-on-a-list": (PROTO2 + b"]NN" + AT + b"s.", "corrupt"),
    "protocol-6": (AT + b"\x80\x06N.", "unsupported"),
    "next-buffer": (b"\x80\x05" + AT + b"\x97.", "unsupported"),
    "unknown-opcode": (PROTO2 + AT + b"\xa0.", "unsupported"),
    "arguments-are-a-list": (PROTO2 + named("collections", "OrderedDict", b"") + b"]" + AT + b"R.", "corrupt"),
    "integer-of-5000-digits": (AT + b"L" + b"9" * 5000 + b"L\n.", "limit"),
    "float-of-words": (AT + b"Fone\n.", "corrupt"),
    "string-without-quotes": (AT + b"Sx\n.", "corrupt"),
    "escape-cut-short": (AT + b"S'\\x4'\n.", "corrupt"),
    "dicts-of-one-dict": (
        PROTO2 + b"}q\x00(" + b"".join(b"K" + bytes([i]) + b"N" for i in range(200)) + b"u0" + named("collections", "Counter", b"")
        + b"q\x01" + b"h\x01h\x00\x85R0" * 3 + b"h\x01h\x00\x85" + AT + b"R.", "limit"),
}  # fmt: skip


def archive(content):
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as z:
        for name, member in ((MEMBER, content), ("a/version", b"3\n")):
            z.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), member)
    return whole.getvalue()


# The same values in every protocol (K1-1, K1-2, K3-1), and what heft tells of them.
VALUES = {
    "ints": [0, 255, 65535, -5, 2**31 - 1, -(2**31), 2**40, 2**63 - 1, -(2**63), 2**63, -(2**70)],
    "reals": [1.5, -0.0, float("inf"), 1e-300],
    "bools": [True, False, None],
    "text": "h\u00e9\u20ac\U0001f600\\u0041\n'\"",
    "bytes": b"\x00\x80\xffab",
    "array": bytearray(b"\xfe."),
    "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
    "sets": [{7}, frozenset([8]), set()],
    "ordered": collections.OrderedDict([("b", 1), ("a", 2)]),
    "counter": collections.Counter("xxy"),
    "default": collections.defaultdict(list, k=[9]),
    "many": {f"k{i}": i for i in range(20)},
    "complex": 1 + 2j,
}
METADATA = {
    "ints": [0, 255, 65535, -5, 2**31 - 1, -(2**31), 2**40]
    + [{"t": "int", "v": str(v)} for v in (2**63 - 1, -(2**63), 2**63, -(2**70))],
    "reals": [1.5, {"t": "f64", "v": "8000000000000000"}, {"t": "f64", "v": "7ff0000000000000"}, 1e-300],
    "bools": [True, False, None],
    "text": VALUES["text"],
    "bytes": {"t": "bytes", "v": "AID/YWI="},
    "array": {"t": "bytes", "v": "/i4="},
    "tuples": [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4]],
    "sets": [[7], [8], []],
    "ordered": {"b": 1, "a": 2},
    "counter": {"x": 2, "y": 1},
    "default": {"k": [9]},
    "many": {f"k{i}": i for i in range(20)},
    "complex": {"t": "object", "v": "builtins.complex", "args": [1.0, 2.0]},
}


def entry(files, name, marked, status, told):
    at = marked.find(AT)
    content = marked.replace(AT, b"")
    if status == "end":
        status, at = "corrupt", len(content)
    files[f"invalid/pickle-{name}.pt"] = archive(content)
    files[f"invalid/pickle-{name}.expect"] = f"{status} {DATA_OFF + at} {told}\n".encode()


def made():
    """Every file: {path: bytes}."""
    files = {}
    for name, (marked, told) in TRICKS.items():
        entry(files, name, marked, "unsupported" if told else "corrupt", told or "-")
    for name, (marked, status) in BROKEN.items():
        entry(files, name, marked, status, "-")
    for protocol in range(6):
        files[f"valid/pickle-protocol-{protocol}.pt"] = archive(pickle.dumps(VALUES, protocol))
        files[f"valid/pickle-protocol-{protocol}.expect"] = f"ok {EMPTY}\n".encode()
    return files


if __name__ == "__main__":
    write(made())

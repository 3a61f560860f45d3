"""Bad input of every kind: a message a person can act on, and nothing accepted before is lost.

Usage: bad_input_test.py CAIRN_BINARY [TEST...]
"""

import json
import os
import resource
import shutil
import signal
import subprocess
from random import Random

from harness import Sandbox, Skip, line, main, occurrence, operation, packed

GOOD = [line(1), line(2)]


def refuses(box, bad, *pieces):
    """One bad line between good ones: the good ones are in, the bad one is named and explained."""
    bad = bad if isinstance(bad, bytes) else bad.encode()
    content = GOOD[0].encode() + b"\n" + bad + b"\n" + GOOD[1].encode() + b"\n"
    path = box.write("in.jsonl", content)
    done = box.run("import", box.store, path).expect(3)
    done.says(f"{path}:2:", "refused", *pieces)
    assert box.occurrences() == 2, "good lines around a bad one must be in"
    rejects = box.path("rejects.jsonl")
    rejects.unlink(missing_ok=True)  # an import adds to it
    again = box.imports(path, "--rejects", rejects, code=3)
    assert (again["duplicates"], again["refused"], again["lines"]) == (2, 1, 3), again
    entries = [json.loads(text) for text in rejects.read_text().splitlines()]
    assert len(entries) == 1
    assert entries[0]["_rejected"]["line"] == 2
    assert entries[0]["_rejected"]["message"]
    # The dead letter can be imported again; here the reason is still there.
    more = box.path("more.jsonl")
    more.unlink(missing_ok=True)
    once_more = box.imports(rejects, "--rejects", more, code=3)
    assert once_more["refused"] == 1 and once_more["lines"] == 1, once_more
    box.ok("verify", box.store, "--deep")
    return entries[0]


def test_truncated_json(box):
    entry = refuses(box, GOOD[0][:100])
    assert entry["line"] == GOOD[0][:100]


def test_not_json(box):
    refuses(box, "2026-11-21 12:00:00 ERROR plain log line")


def test_not_an_object(box):
    refuses(box, "[1, 2, 3]", "object")


def test_wrong_types(box):
    cases = [("project_id", "seven"), ("project_id", -1), ("fingerprint", "abc"),
             ("fingerprint", [1]), ("fingerprint", []), ("id", 5), ("id", "no-uuid"),
             ("type", "error"), ("detection_time", "yesterday"), ("level", 7),
             ("event", []), ("issue_title", 5), ("evidence_data", "text")]
    for field, value in cases:
        shutil.rmtree(box.store, ignore_errors=True)
        refuses(box, json.dumps({**occurrence(9), field: value}), field)


def test_missing_field(box):
    value = occurrence(9)
    del value["fingerprint"]
    refuses(box, json.dumps(value), "fingerprint")


def test_unknown_kinds(box):
    refuses(box, json.dumps(occurrence(9, payload_type="postcard")), "postcard")
    shutil.rmtree(box.store)
    refuses(box, operation("explode", 1_600_000_000, fp="f1"), "explode")


def test_operation_on_unknown_group(box):
    refuses(box, operation("assign", 1_600_000_000, fp="nothing", assignee="user:1"), "nothing")


def test_invalid_utf8(box):
    bad = GOOD[0].encode().replace(b"Problem", b"Pr\xff\xfeblem")
    entry = refuses(box, bad, "UTF-8")
    assert "line_base64" in entry, "a line that is no text must be kept byte for byte"


def test_deep_nesting(box):
    deep = "[" * 100_000 + "]" * 100_000
    refuses(box, GOOD[0].replace('"evidence_data": {}', f'"evidence_data": {{"a": {deep}}}'))


def test_duplicate_keys(box):
    refuses(box, GOOD[0].replace('"type": 1', '"type": 1, "type": 2'), "type")


def test_nul_bytes(box):
    refuses(box, GOOD[0].encode().replace(b"Problem", b"Pro\0lem"))
    shutil.rmtree(box.store)
    refuses(box, b"\0" * 100)


def test_line_of_200_mb(box):
    path = box.path("in.jsonl")
    with open(path, "wb") as file:
        file.write(GOOD[0].encode() + b"\n" + b'{"id":"')
        for _ in range(200):
            file.write(b"x" * (1 << 20))
        file.write(b'"}\n' + GOOD[1].encode() + b"\n")
    rejects = box.path("rejects.jsonl")
    limit = 1 << 30  # bytes of memory the data of the whole process may take

    def bound():
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    sanitized = b"__asan_init" in open(box.binary, "rb").read()
    done = box.run("import", box.store, path, "--rejects", rejects,
                   preexec=None if sanitized else bound)
    done.expect(3)
    assert box.occurrences() == 2
    assert rejects.stat().st_size < 10_000, "the line must not be copied"
    entry = json.loads(rejects.read_text())
    assert entry["_rejected"]["line"] == 2 and "too long" in entry["_rejected"]["message"], entry


def test_empty_file(box):
    summary = box.imports(box.write("empty", b""))
    assert summary["lines"] == 0
    summary = box.imports(box.write("empty.gz", packed([])))
    assert summary["lines"] == 0


def test_missing_file_imports_nothing(box):
    good = box.write("good.jsonl", GOOD)
    done = box.run("import", box.store, good, box.path("none.jsonl")).expect(1)
    done.says("none.jsonl", "No such file")
    assert not box.store.exists(), "all files are looked at before the first is imported"


def test_directory_as_file(box):
    box.run("import", box.store, box.dir).expect(1).says(str(box.dir), "is a directory")


def test_no_permission(box):
    path = box.write("secret.jsonl", GOOD)
    path.chmod(0)
    box.dir.chmod(0o777)
    become = None
    if os.getuid() == 0:
        nobody = 65534
        # Directories above may keep nobody from the binary: run a copy of it.
        shutil.copy(box.binary, box.path("cairn"))
        box = Sandbox(str(box.path("cairn")), box.dir)

        def become():
            os.setgid(nobody)
            os.setuid(nobody)

    try:
        done = box.run("import", box.store, path, preexec=become)
    except (subprocess.SubprocessError, PermissionError, AssertionError) as error:
        raise Skip(f"cannot run as another user here: {error}") from error
    done.expect(1).says("secret.jsonl", "Permission denied")
    assert not box.store.exists()


def test_store_without_permission(box):
    if os.getuid() == 0:
        raise Skip("root may write anywhere")
    box.imports(box.write("good.jsonl", GOOD))
    box.store.chmod(0o500)
    try:
        done = box.run("import", box.store / "below", box.path("good.jsonl")).expect(1)
        done.says("Permission denied")
    finally:
        box.store.chmod(0o700)


def test_store_is_a_file(box):
    path = box.write("good.jsonl", GOOD)
    box.run("import", path, path).expect(1).says("good.jsonl")
    assert path.read_text().splitlines() == GOOD


def test_truncated_gzip(box):
    lines = [line(n) for n in range(3000)]
    whole = packed(lines)
    path = box.write("cut.jsonl.gz", whole[:len(whole) // 2])
    done = box.run("import", box.store, path, "--json").expect(1)
    done.says("cut.jsonl.gz", "cut short")
    summary = done.json()
    assert summary["error"]["code"] == "corruption"
    assert 0 < summary["stored"] < 3000, "what was read before is in"
    assert box.occurrences() == summary["stored"]
    rest = box.imports(box.write("whole.jsonl.gz", whole))
    assert rest["stored"] + rest["duplicates"] == 3000 and rest["duplicates"] == summary["stored"]


def limit_file_size(size):
    def apply():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return apply


def check_recovery(box, path, summary, total):
    """After a write failed: what was acknowledged is there, and the import can go on."""
    assert 0 < summary["stored"] < total, summary
    assert box.occurrences() >= summary["stored"], "an acknowledged occurrence is gone"
    box.ok("verify", box.store, "--deep")
    again = box.imports(path)
    assert again["duplicates"] >= summary["stored"]
    assert again["duplicates"] + again["stored"] == total, again
    assert box.occurrences() == total
    box.ok("verify", box.store, "--deep")


def many_lines(count):
    random = Random(1)  # text that does not shrink, so that the log grows
    return [line(n, fingerprint=[f"f{n % 100}"], evidence_data={"k": random.randbytes(300).hex()})
            for n in range(count)]


def test_full_disk(box):
    """A small tmpfs as the disk."""
    if os.getuid() != 0:
        raise Skip("only root can mount a small disk")
    disk = box.path("disk")
    disk.mkdir()
    size = "24m"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk],
                             capture_output=True, check=False)
    if mounted.returncode != 0:
        raise Skip("mount is not allowed here: " + mounted.stderr.decode().strip())
    try:
        inner = Sandbox(box.binary, box.dir)
        inner.store = disk / "store"
        first = many_lines(2000)
        inner.imports(box.write("first.jsonl", first))
        filler = disk / "filler"
        with open(filler, "wb") as file:  # leave a little
            free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
            file.write(b"x" * max(free - (256 << 10), 0))
        path = box.write("many.jsonl", many_lines(30_000))
        done = inner.run("import", inner.store, path, "--json").expect(1)
        summary = done.json()
        assert summary["error"]["code"] in ("exhausted", "io"), summary
        done.says("No space left")
        filler.unlink()
        stored = inner.occurrences()
        assert stored >= 2000 + summary["stored"], "an acknowledged occurrence is gone"
        inner.ok("verify", inner.store, "--deep")
    finally:
        subprocess.run(["umount", disk], check=True)


def test_file_size_limit(box):
    """Like a full disk, without root: files may not grow beyond a limit."""
    count = 30_000
    path = box.write("many.jsonl", many_lines(count))
    done = box.run("import", box.store, path, "--json", preexec=limit_file_size(4 << 20))
    if done.code == 0:
        raise Skip("the limit on file sizes has no effect here")
    done.expect(1)
    summary = json.loads(done.out)
    if "lines" not in summary:
        # Not even the first file fits; then nothing was acknowledged.
        assert summary["error"]["message"], done
        summary = {"stored": 0}
        again = box.imports(path)
        assert again["stored"] == count
        return
    assert summary["error"]["code"] in ("exhausted", "io"), summary
    if summary["stored"] > 0:
        check_recovery(box, path, summary, count)


def test_full_rejects_file(box):
    if not os.path.exists("/dev/full"):
        raise Skip("there is no /dev/full here")
    path = box.write("in.jsonl", ["{"] * 5)
    box.run("import", box.store, path, "--rejects", "/dev/full").expect(1).says("--rejects")


def test_full_stdout(box):
    if not os.path.exists("/dev/full"):
        raise Skip("there is no /dev/full here")
    box.imports(box.write("in.jsonl", GOOD))
    with open("/dev/full", "wb") as full:
        done = subprocess.run([box.binary, "export", str(box.store)], stdout=full,
                              stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1 and b"No space left" in done.stderr, done


def test_rejects_over_an_input(box):
    path = box.write("in.jsonl", GOOD)
    link = box.path("link.jsonl")
    link.symlink_to(path)
    for same in (path, link, f"{path.parent}/./{path.name}"):
        box.run("import", box.store, path, "--rejects", same).expect(1).says("would write to it")
        assert path.read_text().splitlines() == GOOD


def test_rejects_inside_the_store(box):
    path = box.write("in.jsonl", GOOD)
    box.imports(path)
    log = next((box.store / "log").iterdir())
    before = log.read_bytes()
    box.run("import", box.store, path, "--rejects", log).expect(1).says("lies in the store")
    assert log.read_bytes() == before


def test_rejects_are_added_to(box):
    rejects = box.path("rejects.jsonl")
    box.imports(box.write("bad.jsonl", ["{"]), "--rejects", rejects, code=3)
    kept = rejects.read_bytes()
    box.imports(box.write("good.jsonl", GOOD), "--rejects", rejects)
    assert kept and rejects.read_bytes() == kept


def test_closed_standard_streams(box):
    path = box.write("in.jsonl", [*GOOD, "{"])
    box.imports(path, code=3)
    subprocess.run(f'exec "{box.binary}" import "{box.store}" "{path}" <&- >&- 2>&-', shell=True,
                   check=False)
    box.ok("verify", box.store, "--deep")
    assert box.occurrences() == 2


def test_cut_index(box):
    box.imports(box.write("in.jsonl", [line(n) for n in range(200)]))
    digests = box.digests()
    index = box.store / "index" / "data.mdb"
    whole = index.read_bytes()
    for size in (1, 4096, 8192, 12288, len(whole) // 2):
        index.write_bytes(whole[:size])
        box.run("query", box.store, "").expect(1)
        assert box.run("verify", box.store).code == 1
    box.ok("rebuild", box.store)
    assert box.digests() == digests


def test_many_refusals_are_summed_up(box):
    path = box.write("in.jsonl", ["{"] * 30 + [json.dumps(occurrence(1, level=3))] * 5)
    done = box.run("import", box.store, path).expect(3)
    shown = [text for text in done.err.splitlines() if ": refused: " in text]
    assert len(shown) == 10, done
    done.says("refused lines by reason", "30", "level")


if __name__ == "__main__":
    main(globals())

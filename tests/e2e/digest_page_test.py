"""The page of a digest in a real browser: read at the width of a phone, by day and by night.

Usage: digest_page_test.py CAIRN_BINARY [TEST...]. The page is tests/golden/digest/page.html, which
a unit test holds against the program. Without Chromium (./dev install browser, or its path in
CAIRN_BROWSER) the tests skip. With CAIRN_KEEP_SHOTS=DIR the pictures are left there.
"""

import collections
import html.parser
import os
import pathlib
import shutil
import struct
import subprocess
import zlib

from harness import Skip, main

PAGE = pathlib.Path(__file__).resolve().parent.parent / "golden" / "digest" / "page.html"
PHONE, DESK = 360, 900
HIGH = 1200  # of the window
# A browser of its own for each call that asks nobody for anything.
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync",
           "--disable-dev-shm-usage", "--hide-scrollbars", "--force-device-scale-factor=1"]
# A window is at least 500 pixels wide where no picture is taken, a frame as narrow as wanted.
PROBE = """<script>
let far = 0;
for (const one of document.querySelectorAll('body *'))
  far = Math.max(far, one.getBoundingClientRect().right);
const root = document.documentElement;
parent.postMessage([innerWidth, root.scrollWidth, Math.ceil(far), root.scrollHeight], '*');
</script>"""
FRAME = """<!DOCTYPE html><title>nothing</title><body>
<script>onmessage = told => document.title = told.data.join(' ');</script>
<iframe src="framed.html" style="border:0;width:%dpx;height:800px"></iframe>"""


def browser():
    given = os.environ.get("CAIRN_BROWSER")
    for name in [given] if given else ["chromium", "chromium-browser", "google-chrome"]:
        found = shutil.which(name)
        if found:
            return found
    raise Skip("there is no Chromium here; ./dev install browser installs it")


def browse(box, page, *options):
    """What the browser says on stdout of a page, a path."""
    profile = box.path("profile")
    done = subprocess.run([browser(), *OPTIONS, f"--user-data-dir={profile}", *options,
                           page.resolve().as_uri()], capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return done.stdout.decode()


class Picture:
    """A PNG of eight bits a channel, as rows of (red, green, blue)."""

    def __init__(self, data):
        assert data[:8] == b"\x89PNG\r\n\x1a\n", "no PNG"
        at, packed = 8, b""
        while at < len(data):
            length, kind = struct.unpack(">I4s", data[at:at + 8])
            body = data[at + 8:at + 8 + length]
            if kind == b"IHDR":
                self.width, self.height, bits, colour, _, _, laced = struct.unpack(">IIBBBBB", body)
                assert bits == 8 and colour in (2, 6) and laced == 0, (bits, colour, laced)
                self.size = 3 if colour == 2 else 4
            elif kind == b"IDAT":
                packed += body
            at += length + 12
        self.rows = list(self.unpack(zlib.decompress(packed)))

    def unpack(self, raw):
        size, line = self.size, self.width * self.size
        above = bytearray(line)
        for y in range(self.height):
            start = y * (line + 1)
            row = bytearray(raw[start + 1:start + 1 + line])
            self.undo(raw[start], row, above, size)
            above = row
            yield list(zip(row[0::size], row[1::size], row[2::size]))

    @staticmethod
    def undo(kind, row, above, size):
        if kind == 0:
            return
        for i, value in enumerate(row):
            left = row[i - size] if i >= size else 0
            up = above[i]
            if kind == 1:
                guess = left
            elif kind == 2:
                guess = up
            elif kind == 3:
                guess = (left + up) // 2
            else:
                corner = above[i - size] if i >= size else 0
                near = left + up - corner
                guess = min((abs(near - left), 0, left), (abs(near - up), 1, up),
                            (abs(near - corner), 2, corner))[2]
            row[i] = (value + guess) & 255


def light(pixel):
    return 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]


def lines_of_text(picture):
    """Bands of rows in which much that stands out alternates with what is behind it, as letters do;
    bands of a height that letters have."""
    behind = light(picture.rows[0][0])
    bands, high = 0, 0
    for row in [*picture.rows, []]:
        marks = [abs(light(pixel) - behind) > 100 for pixel in row]
        edges = sum(a != b for a, b in zip(marks, marks[1:]))
        if edges >= 12 and sum(marks) < len(row) * 0.6:
            high += 1
        else:
            bands += 4 <= high <= 40
            high = 0
    return bands


def check_readable(picture, width):
    """Raises AssertionError unless it looks like the page that it should be."""
    assert picture.width == width, picture.width
    colours = collections.Counter(pixel for row in picture.rows for pixel in row)
    most = max(colours.values()) / (picture.width * picture.height)
    assert len(colours) > 50, f"{len(colours)} colours"
    assert 0.2 < most < 0.95, f"one colour has {most:.2f} of the picture"
    assert lines_of_text(picture) >= 20, f"{lines_of_text(picture)} lines of text"
    # Nothing runs out of the page: its margins are bare.
    behind = picture.rows[0][0]
    for row in picture.rows:
        for pixel in row[:8] + row[-8:]:
            assert pixel == behind, "something is cut at the margin"


def shot(box, name, page, width, *options):
    path = box.path(f"{name}.png")
    browse(box, page, f"--window-size={width},{HIGH}", f"--screenshot={path}", *options)
    keep = os.environ.get("CAIRN_KEEP_SHOTS")
    if keep:
        shutil.copy(path, pathlib.Path(keep) / f"digest-{name}.png")
    return Picture(path.read_bytes())


def without_policy(text):
    start = text.index("<meta http-equiv")
    return text[:start] + text[text.index(">", start) + 1:]


def measured(box, text, width):
    """Of a page in a frame so wide: innerWidth, scrollWidth, the right end of what is farthest
    right, and the height."""
    box.write("framed.html", without_policy(text).replace("</body>", PROBE + "</body>"))
    told = browse(box, box.write("frame.html", FRAME % width), "--dump-dom",
                  "--virtual-time-budget=10000")
    return [int(word) for word in told.split("<title>")[1].split("</title>")[0].split()]


def test_it_is_read_on_a_phone_and_on_a_desk(box):
    for width in (PHONE, DESK):
        check_readable(shot(box, f"day-{width}", PAGE, width), width)


def test_it_is_dark_at_night(box):
    day = shot(box, "by-day", PAGE, PHONE)
    night = shot(box, "by-night", PAGE, PHONE, "--blink-settings=preferredColorScheme=0")
    check_readable(night, PHONE)
    assert light(day.rows[0][0]) > 200 and light(night.rows[0][0]) < 60


def test_nothing_is_wider_than_the_screen(box):
    text = PAGE.read_text()
    for width in (320, PHONE, DESK):
        inner, wide, far, high = measured(box, text, width)
        assert inner == width, (inner, width)
        assert wide <= width and far <= width, (width, wide, far)
        assert high > 1000
    # What is wider is found.
    broken = text.replace("</main>", "<p style='width:500px'>x</p></main>")
    assert measured(box, broken, PHONE)[1] > PHONE


def test_its_policy_forbids_scripts_and_pictures(box):
    script = "<script>document.title = 'it ran'</script></body>"
    text = PAGE.read_text().replace("</body>", script)
    page = box.write("with_script.html", text)
    assert "<title>Digest: " in browse(box, page, "--dump-dom")
    page = box.write("without_policy.html", without_policy(text))
    assert "<title>it ran" in browse(box, page, "--dump-dom")
    picture = box.path("red.svg")
    picture.write_text("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>"
                       "<rect width='9' height='9' fill='red'/></svg>")
    red = "<img src='red.svg' style='display:block;width:300px;height:300px'>"
    text = PAGE.read_text().replace("<header>", red + "<header>")
    for name, page in {"kept": text, "open": without_policy(text)}.items():
        picture = shot(box, f"picture-{name}", box.write(f"{name}.html", page), PHONE)
        pixels = sum(row.count((255, 0, 0)) for row in picture.rows)
        assert pixels == (0 if name == "kept" else 300 * 300), (name, pixels)


def test_what_hostile_clients_wrote_is_text(box):
    """The elements as the browser sees them: none that we did not write."""
    class Seen(html.parser.HTMLParser):
        def __init__(self):
            super().__init__()
            self.tags, self.text = set(), ""

        def handle_starttag(self, tag, attrs):
            self.tags.add(tag)
            for name, _ in attrs:
                assert not name.startswith("on") and name not in ("src", "href", "style"), (tag, name)

        def handle_data(self, data):
            self.text += data
    seen = Seen()
    seen.feed(browse(box, PAGE, "--dump-dom"))
    assert not seen.tags & {"script", "img", "iframe", "object", "a", "link", "form"}, seen.tags
    for said in ["<script>alert(document.cookie)</script><img src=x onerror=alert(1)>",
                 '"><svg onload=alert(2)>', "O'Reilly said \"no\" & <b>left</b> &amp; 'never'",
                 "</h2><script>alert('rule')</script>"]:
        assert said in seen.text, said


def test_the_check_of_pictures_finds_what_is_wrong(box):
    head = "<!DOCTYPE html><meta charset=utf-8><style>body { font: 16px sans-serif }</style>"
    words = "some words to read on this page, line by line, as it should be " * 60
    for name, text in {"empty": "", "blocks": "<p style='background:#000;height:900px'>",
                       "wide": f"<p style='width:700px'>{words}"}.items():
        try:
            check_readable(shot(box, name, box.write(f"{name}.html", head + text), PHONE), PHONE)
        except AssertionError:
            continue
        raise AssertionError(f"the page {name} passed")


if __name__ == "__main__":
    main(globals())

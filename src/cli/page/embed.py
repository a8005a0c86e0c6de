"""Makes the page a C source: embed.py OUTPUT.c PAGE.html PAGE.css SCRIPT.js...

The style and the scripts, as one, go into the page, their hashes into its Content-Security-Policy,
so that nothing but these two is ever applied or run; the page is cut in two where the figures
go."""

import base64
import hashlib
import sys


def source(text):
    return "'sha256-%s'" % base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def array(name, text):
    data = text.encode() + b"\0"
    lines = [", ".join(str(byte) for byte in data[at:at + 20]) for at in range(0, len(data), 20)]
    return "const char %s[] = {\n%s};\n" % (name, ",\n".join(lines))


def main(output, html, css, *scripts):
    page, style, *parts = (open(path, encoding="ascii").read() for path in (html, css, *scripts))
    script = "\n".join(parts)
    for place, text in (("{{style-hash}}", source(style)), ("{{script-hash}}", source(script)),
                        ("{{style}}", style), ("{{script}}", script)):
        if page.count(place) != 1:
            sys.exit("%s stands %d times in %s" % (place, page.count(place), html))
        page = page.replace(place, text)
    start, end = page.split("{{figures}}")
    with open(output, "w", encoding="ascii") as file:
        file.write('#include "cli/page.h"\n\n%s\n%s' %
                   (array("page_start", start), array("page_end", end)))


main(*sys.argv[1:])

"""Cuts the window's fonts down to the characters in use and makes Inter's figures tabular.

    pip install fonttools
    python3 subset.py INTER_DIR JETBRAINS_DIR PHOSPHOR_DIR

INTER_DIR holds Inter-Regular.otf and Inter-SemiBold.otf, JETBRAINS_DIR holds JetBrainsMono-Regular.ttf, PHOSPHOR_DIR
holds Phosphor.ttf and its style.css. Files are written beside this script and to ../icons.
"""
import pathlib
import re
import sys

from fontTools import subset
from fontTools.ttLib import TTFont

TEXT = (
    "0020-007E 00A0-017F 0192 01FA-01FF 0218-021B 02C6 02C7 02D8-02DD 0300-0304 0308 030A-030C 0394 03A9 03BC 03C0 "
    "2002-200B 2010-2015 2018-201E 2020-2022 2026 202F 2030 2032 2033 2039 203A 2044 2070-2079 2080-2089 20AC 2116 "
    "2122 2190-2199 21E7 2212 2215 221E 2248 2260 2264 2265 2318 2325 25A0 25A1 25B2 25B6 25B8 25BC 25BE 25CB 25CF "
    "2713 2714 2717 FFFD"
)
ICONS = """
eye eye-slash speaker-high speaker-slash monitor video-camera app-window film-strip image text-t palette grid-four microphone waveform warning warning-circle info x circle record stop play check check-circle caret-down
plus list squares-four arrow-counter-clockwise arrow-clockwise sliders-horizontal hard-drives clock plugs
plugs-connected dots-six-vertical hourglass magnifying-glass broadcast arrow-up gear lock
""".split()


def code_points(ranges):
    for part in ranges.split():
        first, _, last = part.partition("-")
        yield from range(int(first, 16), int(last or first, 16) + 1)


def make_figures_tabular(font):
    """Let 0 to 9, plus and minus stand for the glyphs that the feature tnum would put in their place."""
    table = font["GSUB"].table
    lookups = {
        index
        for record in table.FeatureList.FeatureRecord
        if record.FeatureTag == "tnum"
        for index in record.Feature.LookupListIndex
    }
    tabular = {}
    for index in lookups:
        for lookup in table.LookupList.Lookup[index].SubTable:
            tabular.update(getattr(getattr(lookup, "ExtSubTable", lookup), "mapping", {}))
    for cmap in font["cmap"].tables:
        for code in [*range(0x30, 0x3A), 0x2B, 0x2212]:
            if cmap.isUnicode() and cmap.cmap.get(code) in tabular:
                cmap.cmap[code] = tabular[cmap.cmap[code]]


def cut(source, target, codes, features, tabular=False):
    font = TTFont(source)
    if tabular:
        make_figures_tabular(font)
    options = subset.Options()
    options.layout_features = features
    options.name_IDs = ["*"]
    options.notdef_outline = True
    options.hinting = False
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=codes)
    cutter.subset(font)
    font.save(target)


def main():
    inter, mono, phosphor = map(pathlib.Path, sys.argv[1:4])
    here = pathlib.Path(__file__).parent
    features = ["kern", "mark", "mkmk", "ccmp", "locl"]
    for name in ["Inter-Regular.otf", "Inter-SemiBold.otf"]:
        cut(inter / name, here / name, list(code_points(TEXT)), features, tabular=True)
    cut(mono / "JetBrainsMono-Regular.ttf", here / "JetBrainsMono-Regular.ttf", list(code_points(TEXT)), features)
    css = (phosphor / "style.css").read_text()
    known = dict(re.findall(r'\.ph\.ph-([a-z0-9-]+):before\s*\{\s*content:\s*"\\([0-9a-f]+)"', css))
    icons = [int(known[name], 16) for name in ICONS]
    cut(phosphor / "Phosphor.ttf", here.parent / "icons" / "Phosphor.ttf", icons, [])


if __name__ == "__main__":
    main()

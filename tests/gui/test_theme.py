import re

import pytest
from PySide6.QtGui import QColor, QFontInfo

from busi_viewer import paths
from busi_viewer.gui import icons, theme
from busi_viewer.gui.actions import COMMANDS
from busi_viewer.gui.bottom_row import device_in_words
from busi_viewer.gui.stylesheet import style_sheet
from busi_viewer.gui.toolbar import ICONS
from busi_viewer.gui.worklist_delegate import STATUS_ICONS


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("t", [theme.DARK, theme.LIGHT], ids=["dark", "light"])
def test_words_are_readable_on_every_ground(t):
    grounds = (t.bg, t.panel, t.raised, t.hover, t.sel, t.warn_bg, t.error_bg)
    for name in ("text", "text2", "text3", "accent", "normal", "benign", "malignant", "warn", "error"):
        assert min(contrast(getattr(t, name), ground) for ground in grounds) >= 4.5, name
    assert contrast(t.on_accent, t.accent) >= 4.5


@pytest.mark.parametrize("t", [theme.DARK, theme.LIGHT], ids=["dark", "light"])
def test_the_style_sheet_has_no_unknown_token(t):
    sheet = style_sheet(t)
    assert "@" not in sheet
    sections = [int(n) for n in re.findall(r"/\* (\d) ", sheet)]
    assert sections == sorted(set(sections))


def test_applying_a_theme_changes_tokens_and_palette(qapp):
    theme.apply(qapp, "light")
    assert theme.tokens() is theme.LIGHT
    assert qapp.palette().window().color() == QColor(theme.LIGHT.panel)
    theme.apply(qapp, "dark")
    assert theme.tokens().of_class("benign") == theme.DARK.benign
    with pytest.raises(KeyError):
        theme.apply(qapp, "sepia")


def test_the_bundled_font_is_used_with_its_weights(qapp):
    theme.install(qapp)
    assert QFontInfo(theme.font()).family() == "Inter"
    assert theme.font(20).pixelSize() == 20


def test_icons_take_the_tint_and_every_named_one_is_bundled(qapp):
    names = {*ICONS.values(), *STATUS_ICONS.values(), "chevron-down", "lock"}
    for name in names:
        assert not icons.pixmap(name).isNull()
    image = icons.pixmap("circle", "#ff0000", 18).toImage()
    tints = {
        image.pixelColor(x, y).name()
        for x in range(image.width())
        for y in range(image.height())
        if image.pixelColor(x, y).alpha() == 255
    }
    assert tints == {"#ff0000"}
    assert (paths.resource("icons") / "LICENSE").read_text(encoding="utf-8").startswith("ISC License")


def test_no_two_commands_share_a_key():
    keys = [key for command in COMMANDS for key in command.keys]
    assert len(keys) == len(set(keys))


def test_devices_have_names():
    assert [device_in_words(d) for d in ("cpu", "cuda:1", "mps", "npu")] == ["CPU", "GPU 1", "GPU", "npu"]

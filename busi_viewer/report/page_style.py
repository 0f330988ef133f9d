"""The one style sheet of HTML pages: the application's colours, dark or light as the reader's system says."""

from __future__ import annotations

_LIGHT = {
    "bg": "#ECEEF1",
    "panel": "#FAFBFC",
    "raised": "#FFFFFF",
    "line": "#D9DDE2",
    "warnbg": "#FBF3D9",
    "errbg": "#FBE9E7",
    "sel": "#DCEDE9",
    "text": "#171B20",
    "text2": "#434C57",
    "text3": "#5A6470",
    "accent": "#0A6B5C",
    "normal": "#525C68",
    "benign": "#1B66AD",
    "malignant": "#A34A06",
    "warn": "#765700",
    "error": "#B3261E",
}
_DARK = {
    "bg": "#121417",
    "panel": "#191C20",
    "raised": "#22262B",
    "line": "#2A2F35",
    "warnbg": "#2C2817",
    "errbg": "#331D1D",
    "sel": "#1D3633",
    "text": "#E7EAEE",
    "text2": "#B4BBC4",
    "text3": "#969FAA",
    "accent": "#4FC3AE",
    "normal": "#B9C1CB",
    "benign": "#62B0F4",
    "malignant": "#F59B4C",
    "warn": "#EBCB5E",
    "error": "#FA8B85",
}
_RULES = """
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:13px/1.5 Inter,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
font-variant-numeric:tabular-nums}
body>header,main,footer{max-width:1240px;margin:0 auto;padding:16px 24px}
h1{font-size:20px;font-weight:600;margin:8px 0 0}
h2{font-size:15px;font-weight:600;margin:0 0 4px}
p{margin:4px 0;max-width:100ch}
a{color:var(--accent)}
code{font:11px/1.5 "JetBrains Mono",Consolas,Menlo,monospace;overflow-wrap:anywhere}
.subtitle,.muted,footer{color:var(--text3)}
footer{font-size:11px}
section{background:var(--panel);border:1px solid var(--line);border-radius:6px;padding:16px;margin:16px 0}
nav ul{list-style:none;margin:8px 0;padding:0;columns:3 260px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 16px;margin:8px 0}
dt{color:var(--text3)}
dd{margin:0;overflow-wrap:anywhere}
ul{margin:4px 0;padding-left:20px}
.scroll{overflow-x:auto;margin:8px 0}
table{border-collapse:collapse;font-size:12px}
th,td{text-align:left;vertical-align:top;padding:4px 16px 4px 0;border-bottom:1px solid var(--line)}
th{color:var(--text3);font-weight:500}
.num{text-align:right;white-space:nowrap}
.tiles{display:flex;flex-wrap:wrap;gap:8px;margin:8px 0}
.tile{background:var(--raised);border:1px solid var(--line);border-radius:6px;padding:8px 16px;min-width:128px}
.tile b{display:block;font-size:20px;font-weight:600}
.tile span{color:var(--text2);font-size:12px}
.badge{display:inline-block;border-radius:3px;padding:0 8px;font-size:11px;font-weight:500;background:var(--raised);
color:var(--text2);border:1px solid var(--line)}
.badge.error,.tile.error b{color:var(--error)}
.badge.warn,.tile.warn b{color:var(--warn)}
.badge.error{background:var(--errbg)}
.badge.warn{background:var(--warnbg)}
.class{white-space:nowrap}
.class.normal{color:var(--normal)}
.class.benign{color:var(--benign)}
.class.malignant{color:var(--malignant)}
.gallery{display:flex;flex-wrap:wrap;gap:8px;margin:8px 0;align-items:flex-start}
summary{cursor:pointer;color:var(--text2);font-size:12px;padding:4px 0}
summary:hover{color:var(--text)}
.card{background:var(--raised);border:1px solid var(--line);border-radius:6px;padding:8px;max-width:100%}
.card header{font-weight:600;font-size:12px;margin-bottom:4px}
.card p{font-size:12px;color:var(--text2);max-width:420px}
.pictures{display:flex;flex-wrap:wrap;gap:8px}
figure{margin:0;width:200px}
figure img,.absent{display:block;width:200px;background:#050607;border-radius:3px}
.absent{height:120px;color:#969FAA;text-align:center;padding-top:48px;font-size:11px}
figcaption{font-size:11px;color:var(--text2);overflow-wrap:anywhere;word-break:break-word;margin-top:4px}
figure.plot{width:auto;max-width:560px}
figure.plot img{width:100%;background:#FFFFFF;padding:8px}
@media print{body{background:#FFFFFF}section,.card{break-inside:avoid;border-color:#D9DDE2}}
"""


def _variables(tokens: dict[str, str]) -> str:
    return ":root{" + "".join(f"--{name}:{value};" for name, value in tokens.items()) + "}"


STYLE = f"{_variables(_LIGHT)}@media (prefers-color-scheme:dark){{{_variables(_DARK)}}}{_RULES}"
"""The style sheet. It loads nothing: system fonts stand in where Inter is not installed."""

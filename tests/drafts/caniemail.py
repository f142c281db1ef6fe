"""What mail programs support, copied from caniemail.com for what our mails use.

Source: https://github.com/hteumeuleu/caniemail, `_features/<name>.md`, at commit 6b086a3 (29 June 2026);
MIT License, Copyright (c) 2019 Rémi Parmentier. For each feature the newest tested version of each program, in the
order of `CLIENTS`: y supported, a partly (its notes say how), n not, u or - not known.
"""

from __future__ import annotations

CLIENTS = (
    "Apple Mail macOS",
    "Apple Mail iOS",
    "Gmail web",
    "Gmail iOS",
    "Gmail Android",
    "Outlook Windows",
    "Outlook.com",
    "Outlook macOS",
    "Outlook iOS",
    "Outlook Android",
)
FEATURES = {
    "css-at-media": "yyaaanaaaa",
    "css-at-media-prefers-color-scheme": "yynnnnyyyy",
    "css-background-color": "yyyyyyyyyy",
    "css-border": "yyyyyayyyy",
    "css-border-radius": "yyyyynyyyy",
    "css-box-shadow": "y----n-y--",
    "css-color-scheme": "yynnnnnnnn",
    "css-display": "yyyaaayyyy",
    "css-display-flex": "yyyaanyyyy",
    "css-display-grid": "yyyaanyyyy",
    "css-display-none": "yyyyyayyyy",
    "css-float": "yyyaanyyyy",
    "css-font": "yyyyyyyyyy",
    "css-font-size": "yyyyyayyyy",
    "css-font-weight": "yyyyyayyyy",
    "css-height": "yyyyyayyyy",
    "css-important": "yyaaaayyyy",
    "css-line-height": "yyyyyayyyy",
    "css-linear-gradient": "yyyyannnnn",
    "css-margin": "yyaaaaaaaa",
    "css-max-height": "yyyyynyyyy",
    "css-max-width": "yyyyyayyyy",
    "css-opacity": "yyyyynyyyy",
    "css-overflow": "aaaaanaaaa",
    "css-overflow-wrap": "aannnnnnnn",
    "css-padding": "yyyyyayyyy",
    "css-position": "aannnnaana",
    "css-selector-class": "yyyaayyyyy",
    "css-table-layout": "yyyyynynyy",
    "css-text-decoration": "yyyaaayyyy",
    "css-word-break": "aayaayaaaa",
    "html-align": "yyyyyyyayy",
    "html-body": "yyaaayanaa",
    "html-cellpadding": "yyyyyyyyyy",
    "html-code": "yyyyyyyyyy",
    "html-div": "yyyyyyyyyy",
    "html-height": "yyyyyayyyy",
    "html-lang": "yyyyyyyyyy",
    "html-mailto-links": "yyyyyyyyyy",
    "html-meta-color-scheme": "ynnnnnnnnn",
    "html-role": "yyyyyyyyyy",
    "html-span": "yyyyyyyyyy",
    "html-strong": "yyyyyyyyyy",
    "html-style": "yyaaaayyyy",
    "html-table": "yyyyyyyyyy",
    "html-width": "yyyyyayyyy",
}


def lacking(feature: str) -> list[str]:
    """The programs that do not support a feature."""
    return [client for client, support in zip(CLIENTS, FEATURES[feature], strict=True) if support == "n"]

"""Names, and other texts of one line, as people write and paste them: in any script, with any apostrophe, with emoji.

A name stands in pages and first in a mail. So it breaks no line, does not turn what stands beside it, and is nothing
that a mail program would make a link of.
"""

import re
import unicodedata

from phonenumbers import SUPPORTED_REGIONS

# They turn the order in which what follows is shown, or set it apart: embeddings, overrides, isolates and their ends.
_TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_BREAKING = "\u2028\u2029"
# What programs put around a name that is copied out of them, besides white space.
_AROUND = f"{_TURNING}\u200b\ufeff"
_DOTS = str.maketrans(dict.fromkeys("\u3002\uff61\u2024", "."))
# A top-level domain of two letters is a country's; of the others those that are common, for a name may look like one.
_COUNTRIES = {region.lower() for region in SUPPORTED_REGIONS} | {"uk", "eu", "su"}
_COMMON = (
    " agency app arpa art biz blog cafe chat click cloud club com coop data date dev digital edu email events expert"
    " fun global gov group help host info ink int jobs life link live ltd media mil mobi museum name net network news"
    " ngo ninja one onion online ooo org page party plus post press pro pub review rocks sale shop show site social"
    " solutions space store stream support systems team tech tel tips today tools top travel tube video vip web website"
    " wiki win work works world xyz zip zone "
)
_SCHEME = re.compile(r"\w:/|https?\b|\bwww\d?\.|\b(mailto|tel|sms|javascript|data):|xn--", re.IGNORECASE)
_PATH = re.compile(r"[\w-]\.[\w-]{2,}(:\d+)?[/?#]\S")
_ADDRESS = re.compile(r"(?<![\w.])\d{1,3}(\.\d{1,3}){3}(?![\w.])")
_DOMAIN = re.compile(r"(?<![\w-])((?:[\w-]+\.)+)([^\W\d_]{2,})(?![\w-]|\.\w)")
_DIGITS_APART = re.compile(r"\d+(?:[\W_]{1,3}\d+)*")


class HoldsLink(ValueError):  # noqa: N818 - says what it holds
    """A name with an address in it: of a page, a site or a mailbox."""


def name(text: str) -> str:
    """The name that was typed or pasted, as it is kept: in Unicode's composed form.

    Raises HoldsLink, or ValueError for what is on several lines, turns the order of signs, or shows nothing.
    """
    kept = unicodedata.normalize("NFC", text).strip().strip(_AROUND).strip()
    if not is_line(kept) or not any(unicodedata.category(sign)[0] in "LNPS" for sign in kept):
        raise ValueError("not a name on one line")
    if _holds_link(kept):
        raise HoldsLink("a name with a link in it")
    return kept


def is_line(text: str) -> bool:
    """Whether it can stand within a line: no break, no control character, nothing that turns the order."""
    return is_text(text) and not any(sign in "\n\t" or sign in _BREAKING for sign in text)


def is_text(text: str) -> bool:
    """The same of a text that may have several lines."""
    return not any(
        sign in _TURNING or (unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\n\t") for sign in text
    )


def plain_digits(text: str) -> list[list[str]]:
    """The digits of a text, whatever their script and what nobody sees between them: runs of groups.

    The groups of a run have no letter and at most three other signs between each other: `19 80 01-01` is one run of
    four groups.
    """
    shown = "".join(
        str(unicodedata.decimal(sign, sign))
        for sign in unicodedata.normalize("NFKC", text)
        if unicodedata.category(sign) not in ("Cf", "Mn", "Me")
    )
    return [re.findall(r"\d+", run) for run in _DIGITS_APART.findall(shown)]


def _holds_link(text: str) -> bool:
    """Whether mail programs would make a link of a part of it."""
    signs = unicodedata.normalize("NFKC", text).translate(_DOTS)
    # Without marks, which stand within the words of many scripts.
    shown = "".join(sign for sign in signs if unicodedata.category(sign) not in ("Cf", "Mn", "Mc", "Me"))
    if _SCHEME.search(shown) or _PATH.search(shown) or _ADDRESS.search(shown):
        return True
    return any(_is_domain(found[1], found[2]) for found in _DOMAIN.finditer(shown))


def _is_domain(before: str, last: str) -> bool:
    """Whether `exempel.` and `se` are a domain, and not initials (`J.R.` and `Li`) or a title (`Dr.` and `Moe`)."""
    if all(len(label) == 1 for label in before[:-1].split(".")) and not last[0].islower():
        return False
    return not last.isascii() or last.lower() in _COUNTRIES or f" {last.lower()} " in _COMMON

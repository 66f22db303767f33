"""What a short text may hold: the characters of GSM 03.38, and how many parts it is sent and paid for as."""

import unicodedata
from functools import lru_cache

# One septet each, and two in the extension table. What is beyond makes every part of a text hold less than half.
BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")
ALONE, IN_PARTS = 160, 153
# Letters that are no other letter with a mark, and what typesetters write.
_NEAREST = str.maketrans(
    {
        **dict(zip("ıłŁđĐħĦŧŦŋŊðÐ", "ilLdDhHtTnNdD", strict=True)),
        "œ": "oe",
        "Œ": "OE",
        "þ": "th",
        "Þ": "Th",
        "ẞ": "SS",
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc\u00b4`", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
    }
)


def plain(text: str) -> str:
    """The text in these characters: what is lacking is replaced by what is nearest, or by a question mark."""
    return "".join(_plain(character) for character in unicodedata.normalize("NFC", text))


@lru_cache(maxsize=1024)
def _plain(character: str) -> str:
    if character in BASIC or character in EXTENDED:
        return character
    if unicodedata.category(character) in ("Cf", "Cc", "Mn"):
        return ""
    decomposed = unicodedata.normalize("NFKD", character.translate(_NEAREST))
    nearest = "".join(c for c in decomposed if not unicodedata.combining(c)).translate(_NEAREST)
    return nearest if nearest and all(c in BASIC or c in EXTENDED for c in nearest) else "?"


def parts(text: str) -> int:
    """How many parts a text of these characters takes; an extended one is not divided between two."""
    sizes = [2 if character in EXTENDED else 1 for character in text]
    if sum(sizes) <= ALONE:
        return 1
    count, left = 1, IN_PARTS
    for size in sizes:
        if size > left:
            count, left = count + 1, IN_PARTS
        left -= size
    return count


def shorter(text: str) -> str:
    """The text without its last word, or half of the one that it is; the empty text stays so."""
    words = text.split()
    kept = " ".join(words[:-1]) if len(words) > 1 else text.strip()[: len(text.strip()) // 2]
    return kept.rstrip(",;:-/( ")

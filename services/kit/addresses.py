"""Where messages can go: the addresses that can be mailed, the numbers that can be called, and those that take an SMS.

What a form accepts and what a sender can send to is decided here, once. Both are told what people type and paste.
"""

import re
import unicodedata
from email.headerregistry import Address

import phonenumbers
from email_validator import EmailNotValidError, ValidatedEmail, validate_email
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType

# They turn the order in which what follows is shown, so that what is read is not what is meant.
_TURNING = re.compile("[\u202b\u202e\u2067]")
# Seen by nobody, though of no category of its own: they choose how the character before looks.
_SELECTORS = re.compile("[\u034f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_SHORTEST_TOP = 2
_NUMBER = re.compile(r"\+?[0-9]{5,20}")
# What stands between the digits of a number as people write it; dashes and spaces besides. No slash: after one stands
# now a second number, now its last digit.
_BETWEEN = frozenset("()[].~\u00b7\u2022\u2212\u30fb\u30fc")
# As links to numbers are copied (RFC 3966).
_LINK = re.compile("tel:", re.IGNORECASE)
# A country without a code of its own in the number: Sweden.
_HOME = "SE"
_SHORTEST, _LONGEST = 7, 15

_CALLED = frozenset(
    {
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.VOIP,
        PhoneNumberType.UAN,
    }
)
# Sweden's personal numbers (075) cost what other calls do; elsewhere the caller may pay for where they lead.
_SWEDEN = 46
# Satellite telephones and networks that are of no country are mobile by their plan, and dear to call.
_NOWHERE = frozenset({870, 881, 882, 883})
# Of a number that is kept since before numbers were looked at, nothing may be known: it is tried.
_TEXTED = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.UNKNOWN})


class NeedsUtf8(ValueError):  # noqa: N818 - says what is needed
    """An address that only a server with SMTPUTF8 (RFC 6531) can send to: letters outside ASCII before the @."""


class CostsTheCaller(ValueError):  # noqa: N818 - says what it is
    """A number that whoever calls or texts pays extra for, or that is nobody's own: premium, shared cost, pager."""


def email(text: str, *, utf8: bool) -> str:
    """The address that was typed or pasted, as it is kept: one that `header` makes a header of.

    `utf8`: whether the mail server has SMTPUTF8. Raises NeedsUtf8, or ValueError for what is no address.
    """
    valid = _mailbox(_visible(text).strip())
    if not (utf8 or valid.local_part.isascii()):
        raise NeedsUtf8("letters outside ASCII before the @")
    return valid.normalized


def header(address: str, *, utf8: bool) -> Address:
    """The address as a mail's header and envelope have it: its domain in ASCII. Raises ValueError, as `email` does."""
    valid = _mailbox(email(address, utf8=utf8))
    return Address(username=valid.local_part, domain=valid.ascii_domain or "")


def _mailbox(address: str) -> ValidatedEmail:
    try:
        valid = validate_email(address, strict=True, check_deliverability=False)
    except EmailNotValidError:
        # Without its cause, which repeats what was typed.
        raise ValueError("not an address that can be mailed") from None
    # What looks like an encoded word (RFC 2047) would be read as one.
    if "=?" in valid.local_part or len(valid.domain.rpartition(".")[2]) < _SHORTEST_TOP:
        raise ValueError("not an address that can be mailed")
    return valid


def phone(text: str) -> str:
    """The number of somebody who can be called, as E.164; one without a country's code is Swedish.

    Raises CostsTheCaller, or ValueError for what is no number.
    """
    number = _parsed(text)
    if not phonenumbers.is_valid_number(number):
        raise ValueError("not a telephone number")
    if not _is_ordinary(number):
        raise CostsTheCaller("not a number of somebody's own")
    return _e164(number)


def number(text: str) -> str:
    """As `phone`, of any number that may have been kept before: to look for it. Raises ValueError."""
    return _e164(_parsed(text))


def takes_sms(kept: str) -> bool:
    """Whether an SMS can be sent to a number that is kept, as E.164."""
    try:
        number = phonenumbers.parse(kept)
    except NumberParseException:
        return False
    return number.country_code not in _NOWHERE and phonenumbers.number_type(number) in _TEXTED


def calling_code(kept: str) -> int:
    """The code of the country that a number is of, as E.164: 46 for Sweden. Raises ValueError for what is no number."""
    try:
        return int(phonenumbers.parse(kept).country_code or 0)
    except NumberParseException:
        raise ValueError("not a telephone number") from None


def _is_ordinary(number: PhoneNumber) -> bool:
    kind = phonenumbers.number_type(number)
    personal = kind == PhoneNumberType.PERSONAL_NUMBER and number.country_code == _SWEDEN
    return number.country_code not in _NOWHERE and (personal or kind in _CALLED)


def _visible(text: str) -> str:
    """The text without what nobody sees: marks of direction, zero-width characters, soft hyphens. Raises ValueError."""
    if _TURNING.search(text):
        raise ValueError("text whose order is turned")
    return "".join(each for each in _SELECTORS.sub("", text) if unicodedata.category(each) != "Cf")


def _parsed(text: str) -> PhoneNumber:
    written = unicodedata.normalize("NFKC", _visible(text)).strip()
    link = _LINK.match(written)
    plain = "".join(
        str(unicodedata.decimal(each, each))
        for each in (written[link.end() :] if link else written)
        if not (each.isspace() or each in _BETWEEN or unicodedata.category(each) == "Pd")
    )
    if not _NUMBER.fullmatch(plain):
        raise ValueError("not a telephone number")
    try:
        made = phonenumbers.parse(plain, _HOME)
    except NumberParseException:
        raise ValueError("not a telephone number") from None
    if not _SHORTEST <= len(_e164(made)) - 1 <= _LONGEST:
        raise ValueError("not a telephone number")
    return made


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
